/** The overview as a stream: made once for all who look, and whoever does not read is dropped instead of waited for. */
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';
import { LiveView, type Reader } from '../../../src/http/page/liveView.ts';
import { sectionNames, type Sections } from '../../../src/http/page/sections.ts';
import { machineClock } from '../../../src/system/clock.ts';
import { until } from '../../journey/waiting.ts';

/** @param chars of what changes with each look */
function begun(chars: number) {
  const bugs: unknown[] = [];
  let looks = 0;
  const live = new LiveView({
    clock: machineClock,
    // Something always changes.
    changes: { count: 0, next: () => Promise.resolve() },
    look: () => {
      looks += 1;
      const texts = sectionNames.map((name) => [name, name === 'health' ? String(looks).padEnd(chars) : '']);
      return Promise.resolve(Object.fromEntries(texts) as Sections);
    },
    onBug: (error) => bugs.push(error),
  });
  onTestFinished(() => {
    live.close();
    expect(bugs).toEqual([]);
  });
  return { live, looks: () => looks };
}

const anyone: Reader = { cut: () => undefined, mayLook: () => true };

async function served(live: LiveView): Promise<number> {
  const app = new Hono<{ Bindings: HttpBindings }>().get('/', (c) => {
    const stream = live.watch({ cut: () => c.env.outgoing.destroy(), mayLook: () => true });
    return stream === null ? c.text('too many', 503) : c.body(stream);
  });
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

test('a reader that does not read is dropped, and the others are told all the while', async () => {
  const said = vi.spyOn(console, 'error');
  // More than the sockets between hold.
  const { live } = begun(16 * 1024 * 1024);
  const port = await served(live);
  const silent = connect(port, '127.0.0.1', () => silent.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  silent.pause();
  silent.on('error', () => undefined);
  onTestFinished(() => void silent.destroy());
  await until('the silent reader', () => live.watchers === 1);
  let told = 0;
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const { body } = await fetch(`http://127.0.0.1:${String(port)}/`, { signal: leaving.signal });
  const reading = (async () => {
    for await (const bytes of (body ?? []) as AsyncIterable<Uint8Array>) if (bytes.includes(10)) told += 1;
  })().catch(() => undefined);
  await until('both', () => live.watchers === 2);
  await until('the silent one to be dropped', () => live.watchers === 1);
  const before = told;
  await until('more to be told', () => told > before);
  leaving.abort();
  await reading;
  await until('nobody to be left', () => live.watchers === 0);
  expect(said).not.toHaveBeenCalled();
});

test('more than 32 are not let in, and one that leaves makes room', async () => {
  const { live, looks } = begun(10);
  const streams = Array.from({ length: 32 }, () => live.watch(anyone));
  expect(streams).not.toContain(null);
  expect(live.watch(anyone)).toBeNull();
  await streams[7]?.cancel();
  expect(live.watch(anyone)).not.toBeNull();
  expect(live.watch(anyone)).toBeNull();
  expect(looks()).toBe(1);
});

test('what changed is rendered once for all, and told without the rest', async () => {
  const { live, looks } = begun(10);
  const readers = [1, 2].map(() => live.watch(anyone)?.getReader());
  const told = readers.map(async (reader) => {
    const messages: object[] = [];
    while (messages.length < 2) {
      const text = Buffer.from((await reader?.read())?.value ?? []).toString();
      if (text.startsWith('data: ')) messages.push(JSON.parse(text.slice('data: '.length)) as object);
    }
    return messages.map((message) => Object.keys(message));
  });
  for (const names of await Promise.all(told)) expect(names).toEqual([[...sectionNames], ['health']]);
  expect(looks()).toBe(2);
  for (const reader of readers) await reader?.cancel();
});

test('who may look no more is told nothing more, and the others are', async () => {
  const { live } = begun(10);
  let mayLook = true;
  const cut = vi.fn();
  const reader = live.watch({ cut, mayLook: () => mayLook })?.getReader();
  const other = live.watch(anyone)?.getReader();
  const told: string[] = [];
  const reading = (async () => {
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read())
      told.push(Buffer.from(next.value).toString());
  })();
  await until('the first look', () => told.some((text) => text.startsWith('data: ')));
  mayLook = false;
  const before = told.length;
  await until('it to be cut off', () => cut.mock.calls.length > 0);
  expect(live.watchers).toBe(1);
  expect(told).toHaveLength(before);
  await reader?.cancel();
  await reading;
  await other?.cancel();
});

/** Starting, stopping and starting again on the same data. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { expect, test } from 'vitest';
import { CannotStart } from '../../src/standin/cannotStart.ts';
import { Faults } from '../../src/standin/faults.ts';
import { startStandIn } from '../../src/standin/standin.ts';
import { listedIds, started, temporaryFolder } from './harness.ts';

const options = { port: 0, apps: null, apiKey: null };

test('runs, uploads, signed URLs and the id outlive a restart, the port does not', async () => {
  const dataDir = temporaryFolder();
  const first = await started({ dataDir });
  const output_upload_id = await first.upload('{"solution":1}');
  const id = await first.track({ result: { status: 'succeeded', output_upload_id } });
  const { url } = (await first.call('GET', `/runs/${id}/output?format=url`)).json;
  const { upload_id, upload_url } = await first.ticket();
  await first.standIn.close();

  const second = await started({ dataDir });
  expect(second.standIn.id).toBe(first.standIn.id);
  const moved = (old: string) => old.replace(first.standIn.endpoint, second.standIn.endpoint);
  expect(await listedIds(second)).toStrictEqual([id]);
  expect((await second.send('GET', moved(String(url)))).text).toBe('{"solution":1}');
  expect((await second.send('PUT', moved(upload_url), { body: '{}' })).status).toBe(200);
  await second.track({ input: undefined, upload_id });
});

test('another data folder is another stand-in', async () => {
  const [one, other] = [await started(), await started()];
  expect(one.standIn.id).not.toBe(other.standIn.id);
  expect(one.standIn.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test('the data folder is made, it and the database for their owner only', async () => {
  const dataDir = join(temporaryFolder(), 'a', 'b');
  const standIn = await startStandIn({ ...options, dataDir });
  await standIn.close();
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(dataDir, 'stand-in.db')).mode & 0o777).toBe(0o600);
  expect(readdirSync(dataDir).toSorted()).toStrictEqual(['stand-in.db', 'stand-in.lock', 'uploads']);
});

test('what a killed process left behind is removed at the start, and nothing that is known or not its own', async () => {
  const dataDir = temporaryFolder();
  const uploads = join(dataDir, 'uploads');
  const first = await started({ dataDir });
  const upload_id = await first.upload('{"a":1}');
  const id = await first.track({ input: undefined, upload_id });
  const unused = await first.upload('{"b":2}');
  await first.standIn.close();
  const kept = readdirSync(uploads);
  expect(kept).toHaveLength(2);
  // Received and not written down, or struck off and not removed; and not received to its end.
  for (const end of ['', '.part']) writeFileSync(join(uploads, `${randomUUID()}${end}`), 'left');
  const foreign = ['notes.txt', 'x.part', `${randomUUID()}.txt`];
  for (const name of foreign) writeFileSync(join(uploads, name), 'mine');
  const directory = randomUUID();
  mkdirSync(join(uploads, directory));
  const link = randomUUID();
  symlinkSync(join(uploads, 'notes.txt'), join(uploads, link));

  const second = await started({ dataDir });
  expect(readdirSync(uploads).toSorted()).toStrictEqual([...kept, ...foreign, directory, link].toSorted());
  expect((await second.call('GET', `/runs/${id}/input`)).text).toBe('{"a":1}');
  await second.track({ input: undefined, upload_id: unused });
});

test('a database of a newer version is refused and left alone', async () => {
  const dataDir = temporaryFolder();
  await (await startStandIn({ ...options, dataDir })).close();
  const database = new SQLite(join(dataDir, 'stand-in.db'));
  database.pragma('user_version = 99');
  database.close();
  await expect(startStandIn({ ...options, dataDir })).rejects.toThrow('use the newer program');
});

test('settings and faults are not kept: it starts as it is told then', async () => {
  const dataDir = temporaryFolder();
  const first = await started({ dataDir, faults: new Faults({ pageSize: 3 }) });
  await first.track();
  await first.admin('PATCH', '/settings', { list_lag: '1h' });
  await first.admin('POST', '/faults', { faults: ['any:500:always'] });
  await first.standIn.close();
  const second = await started({ dataDir });
  expect((await second.admin('GET', '/settings')).json).toMatchObject({ page_size: 50, list_lag: '0ms' });
  expect(await listedIds(second)).toHaveLength(1);
});

test('two stand-ins on one data folder: the second is refused, and says who holds it', async () => {
  const dataDir = temporaryFolder();
  const first = await started({ dataDir });
  const second = startStandIn({ ...options, dataDir });
  await expect(second).rejects.toThrow(
    `another stand-in (pid ${process.pid}) works on ${dataDir}: stop it first`,
  );
  await expect(second).rejects.toBeInstanceOf(CannotStart);
  await first.track();
  await first.standIn.close();
  expect(await listedIds(await started({ dataDir }))).toHaveLength(1);
});

test('a stand-in that could not start leaves its data free', async () => {
  const dataDir = temporaryFolder();
  writeFileSync(
    join(dataDir, 'stand-in.db'),
    'this is no database, and longer than the head of one '.repeat(9),
  );
  for (let i = 0; i < 2; i += 1) {
    await expect(startStandIn({ ...options, dataDir })).rejects.toThrow(
      'no database of the stand-in, or is damaged',
    );
  }
});

test('a data folder that cannot be made is named', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  await expect(startStandIn({ ...options, dataDir: join(file, 'data') })).rejects.toThrow(
    `the data folder ${join(file, 'data')} cannot be made (ENOTDIR)`,
  );
});

test('a port that is taken is an error, and the data is free again', async () => {
  const dataDir = temporaryFolder();
  const { standIn } = await started();
  const port = Number(new URL(standIn.endpoint).port);
  await expect(startStandIn({ ...options, dataDir, port })).rejects.toThrow(`port ${port} is in use`);
  await started({ dataDir });
});

test('closing ends open connections, and can be asked for twice', async () => {
  const { standIn } = await started();
  const socket = connect(Number(new URL(standIn.endpoint).port), '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  await Promise.all([standIn.close(), standIn.close()]);
  await ended;
  await expect(fetch(standIn.endpoint)).rejects.toThrow();
});

test('no key and no signature is in the data', async () => {
  const dataDir = temporaryFolder();
  const client = await started({ dataDir, apiKey: 'some-key' });
  const { upload_id, upload_url } = await client.ticket();
  await client.send('PUT', upload_url, { body: '{}' });
  await client.track({ input: undefined, upload_id });
  await client.standIn.close();
  const data = readFileSync(join(dataDir, 'stand-in.db'), 'latin1');
  expect(data).toContain(upload_id);
  expect(data).not.toContain(new URL(upload_url).searchParams.get('signature'));
  expect(data).not.toContain('some-key');
});

test('lists are read along an index, in every order', async () => {
  const dataDir = temporaryFolder();
  await (await startStandIn({ ...options, dataDir })).close();
  const database = new SQLite(join(dataDir, 'stand-in.db'), { readonly: true });
  for (const [place, index] of [
    ['seq', 'run_created'],
    ['shuffled', 'run_shuffled'],
  ] as const) {
    const plan = database
      .prepare(
        `explain query plan select id from run where app = 'a' and ${place} > 5 and (9 - created_at_ms >= 0 or created_at_ms > 9) order by ${place} limit 50`,
      )
      .all() as { detail: string }[];
    expect(plan.map(({ detail }) => detail).join()).toMatch(
      new RegExp(`^SEARCH run USING (COVERING )?INDEX ${index}`),
    );
    expect(plan).toHaveLength(1);
  }
  database.close();
});

import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  artefactBodies,
  readBody,
  SourceChanged,
  type ArtefactBody,
  type FileOpener,
} from '../../src/reading/bodies.ts';
import { enrichments } from '../../src/core/enrichment.ts';
import type { FolderContent } from '../../src/core/content.ts';
import { OpenFolder } from '../../src/system/files.ts';
import { contentOf, folderWith, seed, type Files } from './folder.ts';

/** Those that are made of pieces: archives have tests of their own. */
function bodiesOf(content: FolderContent, logTail: string): ArtefactBody[] {
  return artefactBodies(content, logTail).filter((body) => 'pieces' in body);
}

async function bytesOf(path: string, body: ArtefactBody): Promise<Buffer> {
  const folder = await OpenFolder.open(path);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of readBody(folder, body)) chunks.push(chunk);
    return Buffer.concat(chunks);
  } finally {
    await folder.close();
  }
}

/** What would be uploaded, role by role, in the order of the uploads. */
async function uploaded(files: Files, logTail = ''): Promise<[string, string][]> {
  const path = folderWith(files);
  const sent: [string, string][] = [];
  for (const body of bodiesOf(await contentOf(path), logTail)) {
    const bytes = await bytesOf(path, body);
    // The length is declared before the first byte is sent.
    expect(bytes).toHaveLength(body.bytes);
    sent.push([body.role, bytes.toString()]);
  }
  return sent;
}

const metaWith = (more: object, status = 'succeeded'): string => JSON.stringify({ status, ...more });

describe('what is uploaded', () => {
  test('is input, output and log as they are', async () => {
    expect(await uploaded({ ...seed, 'run.log': 'zwölf\n' })).toEqual([
      ['input', '{"sample":"input"}'],
      ['output', '{"solution":{"sample":"output"}}'],
      ['logs', 'zwölf\n'],
    ]);
  });

  test.each<{ name: string; output: string; beside?: Files; meta?: object; is: string }>([
    {
      name: 'metrics.json becomes a member of the output',
      output: '{"solution":1}',
      beside: { 'metrics.json': '{"gap": 0.1}' },
      is: '{"solution":1,"metrics":{"gap": 0.1}}',
    },
    {
      name: 'metrics of meta.json do so too',
      output: '{"solution":1}',
      meta: { metrics: { gap: 0.1 } },
      is: '{"solution":1,"metrics":{"gap":0.1}}',
    },
    {
      name: 'metrics.json goes before those of meta.json',
      output: '{"solution":1}',
      beside: { 'metrics.json': '{"gap":1}' },
      meta: { metrics: { gap: 2 } },
      is: '{"solution":1,"metrics":{"gap":1}}',
    },
    {
      name: 'the output’s own metrics go before both',
      output: '{"metrics":{"gap":0}}',
      beside: { 'metrics.json': '{"gap":1}' },
      meta: { metrics: { gap: 2 } },
      is: '{"metrics":{"gap":0}}',
    },
    {
      name: 'an empty output takes them without a comma, wherever it is closed',
      output: '\n{ \n}\n',
      beside: { 'metrics.json': '{}', 'assets.json': '[]' },
      is: '\n{ \n"metrics":{},"assets":[]}\n',
    },
    {
      name: 'all three come in the order of the uploads',
      output: '{"solution":1}',
      beside: { 'assets.json': '[{"name":"ü"}]', 'statistics.json': '{"run":{}}', 'metrics.json': '{}' },
      is: '{"solution":1,"metrics":{},"statistics":{"run":{}},"assets":[{"name":"ü"}]}',
    },
    {
      name: 'a member that is deeper in the output is none of its own',
      output: '{"solution":{"metrics":1}}',
      beside: { 'metrics.json': '{}' },
      is: '{"solution":{"metrics":1},"metrics":{}}',
    },
    {
      name: 'bytes are counted, not characters',
      output: '{"lösung":"ü😀"}',
      beside: { 'metrics.json': '{"höhe":1}' },
      is: '{"lösung":"ü😀","metrics":{"höhe":1}}',
    },
  ])('$name', async ({ output, beside, meta, is }) => {
    const sent = await uploaded({
      ...seed,
      ...beside,
      'output.json': output,
      'meta.json': metaWith(meta ?? {}),
    });
    expect(sent.slice(1)).toEqual([['output', is]]);
    expect(() => JSON.parse(is) as unknown).not.toThrow();
  });

  test('beside an output that is a text, each artefact travels on its own', async () => {
    const sent = await uploaded({
      'input.txt': 'in',
      'output.txt': 'out',
      'metrics.json': '{"gap":1}',
      'statistics.json': '{"run":{}}',
      'assets.json': '[1]',
      'meta.json': metaWith({}),
    });
    expect(sent).toEqual([
      ['input', 'in'],
      ['output', 'out'],
      ['metrics', '{"gap":1}'],
      ['statistics', '{"statistics":{"run":{}}}'],
      ['assets', '{"assets":[1]}'],
    ]);
  });

  test('an envelope that is there already is not put on twice', async () => {
    const sent = await uploaded({
      'input.txt': 'in',
      'output.txt': 'out',
      'statistics.json': '{"statistics":{}}',
      'assets.json': '{"assets":[]}',
      'meta.json': metaWith({ metrics: { gap: 1 } }),
    });
    expect(sent.slice(2)).toEqual([
      ['metrics', '{"gap":1}'],
      ['statistics', '{"statistics":{}}'],
      ['assets', '{"assets":[]}'],
    ]);
  });

  test('an envelope that is there already is not put on twice in the output document either', async () => {
    const sent = await uploaded({ ...seed, 'statistics.json': '{"statistics":{"run":{}}}' });
    expect(JSON.parse(sent[1]?.[1] ?? '')).toMatchObject({ statistics: { run: {} } });
  });

  test.each<{ name: string; files: Files; tail: string; is: string | null }>([
    { name: 'an empty log is not', files: { 'run.log': '' }, tail: '', is: null },
    {
      name: 'the log of meta.json is',
      files: { 'meta.json': metaWith({ logs: ['a', 'b'] }) },
      tail: '',
      is: 'a\nb',
    },
    {
      name: 'a log file goes before the log of meta.json',
      files: { 'meta.json': metaWith({ logs: ['a'] }), 'run.log': 'file' },
      tail: '',
      is: 'file',
    },
    {
      name: 'what an error lost on the wire stands behind the log',
      files: { 'run.log': 'log' },
      tail: 'whole error',
      is: 'log\nwhole error',
    },
    {
      name: 'what an error lost on the wire is the log where there is none',
      files: {},
      tail: 'whole error',
      is: 'whole error',
    },
    { name: 'what an error lost follows an empty log', files: { 'run.log': '' }, tail: 'error', is: 'error' },
  ])('$name', async ({ files, tail, is }) => {
    const sent = await uploaded({ ...seed, ...files }, tail);
    expect(sent.find(([role]) => role === 'logs')?.[1] ?? null).toBe(is);
  });

  test('an output of many pieces comes whole', async () => {
    const rows = JSON.stringify(Array.from({ length: 60_000 }, (_, n) => `row ${n}`));
    const [, output] = await uploaded({ ...seed, 'output.json': `{"rows":${rows}}`, 'metrics.json': '{}' });
    expect(output?.[1]).toBe(`{"rows":${rows},"metrics":{}}`);
  });
});

describe('a source that is not what was recorded', () => {
  const large = Buffer.alloc(600_000, 'x').toString();

  async function readingAfter(change: (path: string) => void, isUnderWay: boolean): Promise<unknown> {
    const path = folderWith({ ...seed, 'run.log': large });
    const body = bodiesOf(await contentOf(path), '').find(({ role }) => role === 'logs');
    const folder = await OpenFolder.open(path);
    let bytes = 0;
    try {
      if (!isUnderWay) change(path);
      for await (const chunk of readBody(folder, { pieces: body?.pieces ?? [] })) {
        if (bytes === 0 && isUnderWay) change(path);
        bytes += chunk.length;
      }
      return bytes;
    } catch (error) {
      // A body that ends early is noticed by its declared length: the last bytes never left.
      expect(bytes).toBeLessThan(large.length);
      return error;
    } finally {
      await folder.close();
    }
  }

  const log = (path: string): string => join(path, 'run.log');
  const replace = (path: string, content: string): void => {
    writeFileSync(`${path}-new`, content);
    renameSync(`${path}-new`, log(path));
  };
  const flip = `${'x'.repeat(599_999)}y`;

  test.each<{ name: string; change: (path: string) => void; isUnderWay: boolean; says: string }>([
    {
      name: 'was appended to',
      change: (path) => appendFileSync(log(path), '!'),
      isUnderWay: false,
      says: 'has another size now',
    },
    {
      name: 'is appended to',
      change: (path) => appendFileSync(log(path), '!'),
      isUnderWay: true,
      says: 'changed while it was uploaded',
    },
    {
      name: 'was cut',
      change: (path) => truncateSync(log(path), 9),
      isUnderWay: false,
      says: 'has another size now',
    },
    {
      name: 'is cut',
      change: (path) => truncateSync(log(path), 9),
      isUnderWay: true,
      says: 'became shorter while it was uploaded',
    },
    {
      name: 'was replaced',
      change: (path) => replace(path, flip),
      isUnderWay: false,
      says: 'changed while it was uploaded',
    },
    {
      name: 'is overwritten',
      change: (path) => writeFileSync(log(path), flip),
      isUnderWay: true,
      says: 'changed while it was uploaded',
    },
    {
      name: 'was removed',
      change: (path) => rmSync(log(path)),
      isUnderWay: false,
      says: 'cannot be opened any more',
    },
    {
      name: 'became a link',
      change: (path) => {
        renameSync(log(path), `${path}-log`);
        symlinkSync(`${path}-log`, log(path));
      },
      isUnderWay: false,
      says: 'cannot be opened any more',
    },
  ])('$name: nothing of it is used', async ({ change, isUnderWay, says }) => {
    const error = await readingAfter(change, isUnderWay);
    expect(error).toBeInstanceOf(SourceChanged);
    expect(error).toMatchObject({ fileName: 'run.log', message: expect.stringContaining(says) as string });
  });

  test('is none when only its name went to another file while it was read', async () => {
    expect(await readingAfter((path) => replace(path, flip), true)).toBe(600_000);
  });
});

describe('what is added from the log', () => {
  const log = readFileSync(new URL('../solverlog/logs/highs-time-feasible/run.log', import.meta.url));
  const added = async (files: Files): Promise<Map<string, string>> => {
    const path = folderWith({ ...files, 'run.log': log });
    const sent = new Map<string, string>();
    for (const body of artefactBodies(await contentOf(path), '', enrichments)) {
      if (!('pieces' in body)) continue;
      const bytes = await bytesOf(path, body);
      expect(bytes).toHaveLength(body.bytes);
      sent.set(body.role, bytes.toString());
    }
    return sent;
  };
  const solver = { name: 'highs', status: 'feasible', limit: 'time' };

  test('is put into the document, whose own text stays as it is', async () => {
    const sent = await added(seed);
    const output = sent.get('output') ?? '';
    expect(output.startsWith(String(seed['output.json']).slice(0, -1))).toBe(true);
    expect(JSON.parse(output)).toMatchObject({
      metrics: { solver },
      statistics: { schema: 'v1' },
      assets: [{ name: 'Convergence', visual: { schema: 'chartjs' } }],
    });
    expect([...sent.keys()]).toEqual(['input', 'output', 'logs']);
  });

  test('gives way to what the solver wrote, wherever that is', async () => {
    const own = '{"metrics":1,"solution":{}}';
    const inOutput = JSON.parse((await added({ ...seed, 'output.json': own })).get('output') ?? '') as object;
    expect(inOutput).toMatchObject({ metrics: 1, statistics: { schema: 'v1' } });
    const beside = await added({ ...seed, 'metrics.json': '{"own":1}', 'assets.json': '[]' });
    expect(JSON.parse(beside.get('output') ?? '')).toMatchObject({ metrics: { own: 1 }, assets: [] });
    const inMeta = await added({ ...seed, 'meta.json': metaWith({ metrics: { own: 2 } }) });
    expect(JSON.parse(inMeta.get('output') ?? '')).toMatchObject({ metrics: { own: 2 } });
  });

  test('travels on its own beside an output that is no document', async () => {
    const texts = { 'input.json': '{}', 'output.txt': 'x = 1', 'meta.json': metaWith({}) };
    const sent = await added(texts);
    expect(sent.get('output')).toBe('x = 1');
    expect(JSON.parse(sent.get('metrics') ?? '')).toMatchObject({ solver });
    expect(JSON.parse(sent.get('statistics') ?? '')).toMatchObject({ statistics: { schema: 'v1' } });
    expect(JSON.parse(sent.get('assets') ?? '')).toMatchObject({ assets: [{ name: 'Convergence' }] });
  });
});

test.each([1, 2])(
  'a disk that does not even tell of a file, asked for the %i. time, holds up its run alone',
  async (failing) => {
    const path = folderWith(seed);
    const content = await contentOf(path);
    const [body] = bodiesOf(content, '');
    if (body === undefined) throw new Error('there is an input');
    const folder = await OpenFolder.open(path);
    let asked = 0;
    const opener: FileOpener = {
      openFile: async (name) => {
        const file = await folder.openFile(name);
        return {
          read: file.read.bind(file),
          close: file.close.bind(file),
          stat: async (options) => {
            asked += 1;
            if (asked === failing) throw Object.assign(new Error('EIO: i/o error, fstat'), { code: 'EIO' });
            return await file.stat(options);
          },
        };
      },
    };
    const all = async (): Promise<void> => {
      for await (const chunk of readBody(opener, body)) expect(chunk.length).toBeGreaterThan(0);
    };
    await expect(all()).rejects.toThrow(SourceChanged);
    await folder.close();
  },
);

/** What was recorded comes back as it was, to memory and to a directory; and what is hostile stays out. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Pax } from 'tar';
import { describe, expect, test } from 'vitest';
import { receiveContent } from '../../src/library/contents.ts';
import {
  app,
  archiveOf,
  begun,
  directoryWith,
  failure,
  fileWith,
  foreignRun,
  tarOf,
  temporaryFolder,
  type Member,
} from './place.ts';

const mebibyte = 1024 * 1024;

/** A JSON document of exactly so many bytes. */
function documentOf(bytes: number): string {
  return `{"text":"${'x'.repeat(bytes - 11)}"}`;
}

describe('JSON', () => {
  test('comes back as data, from input, output and result', async () => {
    const { application } = await begun();
    const [input, output] = [{ a: [1, null] }, { solution: { zwölf: 1 } }];
    const id = await application.trackRun({ status: 'succeeded', input, output, logs: ['a', 'b'] });
    const inMemory = { format: 'json', files: null, path: null, leftOut: [] };
    expect(await application.runInput(id)).toEqual({ ...inMemory, data: input });
    expect(await application.runOutput(id)).toEqual({ ...inMemory, data: output });
    expect((await application.runResult(id)).output).toEqual({ ...inMemory, data: output });
    expect(await application.runLogs(id)).toBe('a\nb');
  });

  test('comes back to a directory as it was, to the last digit', async () => {
    const { application } = await begun();
    const [input, output] = ['{ "n": 12345678901234567890.10 }\n', '{ "n": 1.10 }'];
    const id = await application.trackRun({
      status: 'succeeded',
      inputFilePath: fileWith(input),
      outputFilePath: fileWith(output),
    });
    const directory = join(temporaryFolder(), 'made', 'by it');
    expect((await application.runInput(id, { directory })).path).toBe(join(directory, 'input.json'));
    const { output: content } = await application.runResult(id, { directory });
    expect(content).toMatchObject({ data: null, path: join(directory, 'output.json') });
    expect(readFileSync(join(directory, 'input.json'), 'utf8')).toBe(input);
    expect(readFileSync(join(directory, 'output.json'), 'utf8')).toBe(output);
    expect(readdirSync(directory).toSorted()).toEqual(['input.json', 'output.json']);
  });

  test.each([
    { bytes: 5 * mebibyte, direct: ['metadata', 'output'], result: ['run'] },
    {
      bytes: 5 * mebibyte + 1,
      direct: ['metadata', 'output', 'download'],
      result: ['run', 'run', 'download'],
    },
  ])('of $bytes bytes is asked for by URL where it has to be', async ({ bytes, direct, result }) => {
    const place = await begun();
    const output = documentOf(bytes);
    const id = await place.application.trackRun({
      status: 'succeeded',
      input: {},
      outputFilePath: fileWith(output),
    });
    expect(place.only().files['output']).toHaveLength(bytes);
    place.forget();
    expect((await place.application.runOutput(id)).data).toEqual(JSON.parse(output));
    expect(place.asked()).toEqual(direct);
    place.forget();
    const read = await place.application.runResult(id);
    expect(read.output?.data).toEqual(JSON.parse(output));
    expect(place.asked()).toEqual(result);
    expect(JSON.stringify(read.raw)).not.toContain('signature');
  });

  test('that is known to be large is not asked for in vain', async () => {
    const place = await begun();
    const output = documentOf(5 * mebibyte + 1);
    const { output: content } = await place.application.trackRunWithResult({
      status: 'succeeded',
      input: {},
      outputFilePath: fileWith(output),
    });
    expect(content?.data).toEqual(JSON.parse(output));
    expect(place.asked().slice(-2)).toEqual(['run', 'download']);
  });

  test('that looks like an address is not followed', async () => {
    const place = await begun();
    const output = { url: 'https://storage.example.com/x' };
    const id = await place.application.trackRun({ status: 'succeeded', input: output, output });
    expect((await place.application.runResult(id)).output?.data).toEqual(output);
    expect((await place.application.runInput(id)).data).toEqual(output);
    expect(place.count('download')).toBe(0);
  });

  test('beyond what memory may hold is refused, and a directory takes it', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: 'x'.repeat(1_001) });
    const error = await failure(place.application.runInput(id, { memoryBytesMax: 1_000 }));
    expect(error).toMatchObject({ reason: 'content-too-large' });
    expect(error.hint).toContain('directory');
    expect(place.count('download')).toBe(1);
    const directory = temporaryFolder();
    await place.application.runInput(id, { memoryBytesMax: 1_000, directory });
    expect(statSync(join(directory, 'input.txt')).size).toBe(1_001);
  });

  test('that is declared so and is not is named, once', async () => {
    const place = await begun();
    place.standIn.faults.notJson = 'accept';
    const id = await foreignRun(place, { output: 'x = 1' });
    place.forget();
    expect((await failure(place.application.runResult(id))).reason).toBe('unreadable-content');
    expect(place.count('download')).toBe(1);
    const directory = temporaryFolder();
    await place.application.runOutput(id, { directory });
    expect(readFileSync(join(directory, 'output.json'), 'utf8')).toBe('x = 1');
  });
});

describe('what the platform gives only inside an answer', () => {
  // Answers in passing are bounded at 16 MiB.
  const text = 'ä line of the log\n'.repeat(1.2e6);

  test('the logs come back, however long, up to what memory may hold', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: {}, logs: text });
    expect((await place.application.runLogs(id)) === text).toBe(true);
    const error = await failure(place.application.runLogs(id, { memoryBytesMax: 1e6 }));
    expect(error).toMatchObject({
      reason: 'answer-too-large',
      hint: expect.stringContaining('memoryBytesMax') as string,
    });
  });

  test('so do output and log of a failed run', async () => {
    const place = await begun();
    const run = { status: 'failed', input: {}, output: text, logs: text, error: 'no' } as const;
    const { errorLog, id } = await place.application.trackRunWithResult(run);
    expect(errorLog?.stdout === text).toBe(true);
    expect(errorLog?.stderr.startsWith(text)).toBe(true);
    const error = await failure(place.application.runResult(id, { memoryBytesMax: 1e6 }));
    expect(error.reason).toBe('answer-too-large');
  });
});

test('text comes back as text', async () => {
  const { application } = await begun();
  const id = await application.trackRun({ status: 'succeeded', input: 'in ☃\r\n', output: '{"a":1}' });
  expect(await application.runInput(id)).toMatchObject({ format: 'text', data: 'in ☃\r\n', files: null });
  expect((await application.runResult(id)).output).toMatchObject({ format: 'text', data: '{"a":1}' });
  const directory = temporaryFolder();
  expect((await application.runOutput(id, { directory })).path).toBe(join(directory, 'output.txt'));
  expect(readFileSync(join(directory, 'output.txt'), 'utf8')).toBe('{"a":1}');
});

test('a text comes back as it was also where it is a packed file', async () => {
  const { application } = await begun();
  const packed = gzipSync('NAME model\nENDATA\n');
  const inputFilePath = fileWith(packed, 'model.mps.gz');
  const id = await application.trackRun({
    status: 'succeeded',
    inputFilePath,
    outputFilePath: inputFilePath,
  });
  const directory = temporaryFolder();
  const input = await application.runInput(id, { directory });
  expect(input).toMatchObject({ format: 'text', path: join(directory, 'input.txt') });
  expect(readFileSync(join(directory, 'input.txt'))).toEqual(packed);
  await application.runResult(id, { directory });
  expect(readFileSync(join(directory, 'output.txt'))).toEqual(packed);
});

describe('multi-file', () => {
  const files = { 'a.csv': '1,2\n', 'sub/ü.json': '{}', empty: '', 'T:1.csv': '3' };

  test('comes back to memory', async () => {
    const place = await begun();
    const dir = directoryWith(files);
    const run = { status: 'succeeded', inputDirPath: dir, outputDirPath: dir } as const;
    const { output, id } = await place.application.trackRunWithResult(run);
    for (const content of [output, await place.application.runInput(id)]) {
      const read = [...(content?.files ?? [])].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]);
      expect(Object.fromEntries(read)).toEqual(files);
      expect(content).toMatchObject({ format: 'multi-file', data: null, path: null, leftOut: [] });
    }
  });

  test('comes back to a directory, over what has the same name', async () => {
    const { application } = await begun();
    const id = await application.trackRun({
      status: 'succeeded',
      input: {},
      outputDirPath: directoryWith(files),
    });
    const directory = directoryWith({ 'a.csv': 'older', other: 'stays' });
    const { output } = await application.runResult(id, { directory });
    expect(output).toMatchObject({ format: 'multi-file', path: directory, files: null });
    expect(readFileSync(join(directory, 'a.csv'), 'utf8')).toBe('1,2\n');
    expect(readFileSync(join(directory, 'sub/ü.json'), 'utf8')).toBe('{}');
    // No drive.
    expect(readFileSync(join(directory, 'T:1.csv'), 'utf8')).toBe('3');
    expect(readFileSync(join(directory, 'other'), 'utf8')).toBe('stays');
    expect(statSync(join(directory, 'empty')).size).toBe(0);
  });

  test('a failed run without output has its error and no output', async () => {
    const place = await begun();
    const dir = directoryWith(files);
    const run = { status: 'failed', error: 'exit 3', inputDirPath: dir, logs: ['one'] } as const;
    const result = await place.application.trackRunWithResult(run);
    expect(result).toMatchObject({
      output: null,
      errorLog: { error: 'exit 3', stdout: '', stderr: 'one\nexit 3\n' },
      metadata: { status: 'failed', error: 'exit 3', inputFormat: 'multi-file' },
    });
    expect(await place.application.runResult(result.id)).toEqual(result);
    expect(place.count('download', 'output')).toBe(0);
  });

  test('a failed run with output has it by itself', async () => {
    const { application } = await begun();
    const run = {
      status: 'failed',
      error: 'x',
      input: {},
      outputDirPath: directoryWith({ a: '1' }),
    } as const;
    const { id, output } = await application.trackRunWithResult(run);
    expect(output).toBeNull();
    expect([...((await application.runOutput(id)).files?.keys() ?? [])]).toEqual(['a']);
  });

  test('is told by its first bytes however they come', async () => {
    const archive = archiveOf([{ path: 'a.csv', content: '1' }]);
    const byteByByte = async function* () {
      for (const byte of [[], ...archive]) yield await Promise.resolve(Buffer.from([byte].flat()));
    };
    const place = { directory: null, memoryBytesMax: 1_000 };
    for (const format of ['multi-file', 'csv-archive', 'json']) {
      const { files: read } = await receiveContent(byteByByte(), format, 'output', place);
      expect(read?.get('a.csv'), format).toEqual(Buffer.from('1'));
    }
  });

  test.each(['', 'x', '{"a":1}', '<html>'])('that is no archive (%j) is named, once', async (output) => {
    const place = await begun();
    const id = await foreignRun(place, { output, outputFormat: 'multi-file' });
    for (const options of [{}, { directory: temporaryFolder() }]) {
      place.forget();
      const error = await failure(place.application.runOutput(id, options));
      expect(error.reason).toBe('unreadable-content');
      expect(error.message).toContain('declared multi-file');
      expect(place.count('download')).toBe(1);
    }
  });

  test('that the official SDK declares JSON is an archive all the same', async () => {
    const place = await begun();
    place.standIn.faults.notJson = 'accept';
    const archive = archiveOf([{ path: 'a.csv', content: '1' }]);
    const id = await foreignRun(place, { input: archive, output: archive });
    expect((await place.application.runResult(id)).output?.files?.get('a.csv')).toEqual(Buffer.from('1'));
    expect((await place.application.runInput(id)).files?.get('a.csv')).toEqual(Buffer.from('1'));
  });

  test('has every file whose long name differs after a line break only', async () => {
    const { application } = await begun();
    const long = 'x'.repeat(120);
    const written = {
      [`${long}\n1`]: 'one',
      [`${long}\n2`]: 'two',
      // It is not closed yet when the names of the next ones are read.
      [`a/${long}\n9 path=b\n`]: 'x'.repeat(100_000),
      plain: 'three',
    };
    const run = { status: 'succeeded', input: {}, outputDirPath: directoryWith(written) } as const;
    const id = await application.trackRun(run);
    const { files: read } = await application.runOutput(id);
    const names = Object.keys(written).toSorted();
    expect([...(read?.keys() ?? [])].toSorted()).toEqual(names);
    const directory = temporaryFolder();
    await application.runOutput(id, { directory });
    for (const [name, content] of Object.entries(written)) {
      expect(read?.get(name)?.toString()).toBe(content);
      expect(readFileSync(join(directory, name), 'utf8')).toBe(content);
    }
    expect(readdirSync(directory).toSorted()).toEqual(['a', ...names.filter((name) => !name.includes('/'))]);
  });

  test('a file that got in the way of a directory is named as the machine’s trouble', async () => {
    const place = await begun();
    const id = await place.application.trackRun({
      status: 'succeeded',
      input: {},
      outputDirPath: directoryWith(files),
    });
    const directory = fileWith('', 'in the way');
    for (const call of [
      () => place.application.runResult(id, { directory }),
      () => place.application.runInput(id, { directory: join(directory, 'below') }),
    ])
      expect(await failure(call())).toMatchObject({ reason: 'machine-trouble' });
    expect(place.count('download')).toBe(1);
  });
});

describe('an archive of another hand', () => {
  /** Reads it into memory and into a directory that has a link to outside in it. */
  async function received(archive: Buffer) {
    const place = await begun();
    const id = await foreignRun(place, { output: archive, outputFormat: 'multi-file' });
    const outside = directoryWith({ 'kept.txt': 'kept' });
    const directory = join(temporaryFolder(), 'put', 'here');
    mkdirSync(directory, { recursive: true });
    symlinkSync(outside, join(directory, 'old-link'));
    return { place, id, outside, directory };
  }

  test('has its links and devices left out, and says so', async () => {
    const { place, id, outside, directory } = await received(
      archiveOf([
        { path: 'a.txt', content: '1', mode: 0o4755 },
        { path: 'link', type: 'SymbolicLink', linkpath: '/etc' },
        { path: 'link/through.txt', content: 'through' },
        { path: 'hard', type: 'Link', linkpath: '../../kept.txt' },
        { path: 'pipe', type: 'FIFO' },
        { path: 'device', type: 'CharacterDevice' },
        { path: 'shut/', type: 'Directory', mode: 0 },
        { path: 'shut/b.txt', content: '2', mode: 0 },
      ]),
    );
    const leftOut = ['link', 'hard', 'pipe', 'device'];
    const inMemory = await place.application.runOutput(id);
    expect(inMemory.leftOut).toEqual(leftOut);
    expect([...(inMemory.files?.keys() ?? [])]).toEqual(['a.txt', 'link/through.txt', 'shut/b.txt']);
    const { output } = await place.application.runResult(id, { directory });
    expect(output?.leftOut).toEqual(leftOut);
    expect(readFileSync(join(directory, 'link/through.txt'), 'utf8')).toBe('through');
    expect(existsSync('/etc/through.txt')).toBe(false);
    expect(statSync(join(directory, 'a.txt')).mode & 0o7000).toBe(0);
    expect(statSync(join(directory, 'shut')).mode & 0o700).toBe(0o700);
    expect(readdirSync(outside)).toEqual(['kept.txt']);
  });

  test('is not told by what stands in front of all members, or of one that nobody knows', async () => {
    const lineBreak = `${'x'.repeat(120)}\n1`;
    const unknown = tarOf([{ path: lineBreak }]).subarray(0, -1_024);
    // Its last block is the header of the member; a type that no program knows.
    const header = unknown.subarray(-512);
    header.write('Z', 156);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const ofAll = new Pax({ path: `all\n${lineBreak}` }, true).encode();
    const { place, id, directory } = await received(
      gzipSync(
        Buffer.concat([
          unknown,
          tarOf([{ path: 'a', content: '1' }]).subarray(0, 1_024),
          ofAll,
          tarOf([{ path: 'b' }]),
        ]),
      ),
    );
    expect([...((await place.application.runOutput(id)).files?.keys() ?? [])]).toEqual(['a', 'b']);
    await place.application.runOutput(id, { directory });
    expect(readdirSync(directory)).toEqual(['a', 'b', 'old-link']);
  });

  test('has the whole name of a link that is left out, also with a line break in it', async () => {
    const link = `${'x'.repeat(120)}\n1`;
    const { place, id, directory } = await received(
      archiveOf([
        { path: 'a.txt', content: 'x'.repeat(100_000) },
        { path: link, type: 'SymbolicLink', linkpath: '/etc' },
      ]),
    );
    for (const options of [{}, { directory }])
      expect((await place.application.runOutput(id, options)).leftOut).toEqual([link]);
  });

  test('does not write through a link that was there before', async () => {
    const { place, id, outside, directory } = await received(
      archiveOf([{ path: 'old-link/kept.txt', content: 'overwritten' }]),
    );
    await place.application.runResult(id, { directory }).catch(() => undefined);
    expect(readFileSync(join(outside, 'kept.txt'), 'utf8')).toBe('kept');
  });

  const whole = archiveOf([{ path: 'a.txt', content: 'x'.repeat(100_000) }]);
  const { leadsOut, broken } = {
    leadsOut: [
      { name: 'a path that goes up', archive: archiveOf([{ path: '../out.txt', content: '1' }]) },
      {
        name: 'a path that goes up in its middle',
        archive: archiveOf([{ path: 'a/../../out.txt', content: '1' }]),
      },
      {
        name: 'a path that goes up after a line break',
        archive: archiveOf([
          { path: 'a.txt', content: 'x'.repeat(100_000) },
          { path: `${'x'.repeat(200)}\n/../../../out.txt`, content: '1' },
        ]),
      },
      { name: 'an absolute path', archive: archiveOf([{ path: '/tmp/out-of-archive.txt', content: '1' }]) },
      { name: 'a directory that goes up', archive: archiveOf([{ path: '../out/', type: 'Directory' }]) },
    ],
    broken: [
      { name: 'a gzip that ends too soon', archive: whole.subarray(0, whole.length - 20) },
      {
        name: 'a gzip whose middle is wrong',
        archive: Buffer.concat([whole.subarray(0, 12), Buffer.alloc(200, 7)]),
      },
      {
        name: 'an archive that ends within a file',
        archive: gzipSync(tarOf([{ path: 'a', content: 'x'.repeat(2_000) }]).subarray(0, 1_024)),
      },
      { name: 'a header that is none', archive: gzipSync(Buffer.alloc(2_048, 'x')) },
    ],
  };
  test.each([...leadsOut, ...broken])(
    'with $name is named, once, and nothing is outside',
    async ({ archive }) => {
      const { place, id, directory } = await received(archive);
      for (const options of [{}, { directory }]) {
        place.forget();
        const error = await failure(place.application.runOutput(id, options));
        expect(error.reason).toBe('unreadable-content');
        expect(place.count('download')).toBe(1);
      }
      expect(existsSync('/tmp/out-of-archive.txt')).toBe(false);
      expect(readdirSync(join(directory, '..'))).toEqual(['here']);
      expect(readdirSync(join(directory, '../..'))).toEqual(['put']);
    },
  );

  const bomb: Member[] = Array.from({ length: 40 }, (_, n) => ({
    path: `${n}`,
    content: Buffer.alloc(mebibyte),
  }));

  test('is stopped where it would unpack to more than memory may hold', async () => {
    const { place, id } = await received(archiveOf(bomb));
    const error = await failure(place.application.runOutput(id, { memoryBytesMax: 8 * mebibyte }));
    expect(error.reason).toBe('content-too-large');
  });

  /** The archive's header of one member, so many times. */
  const many = (member: Member, times: number): Buffer => {
    const header = tarOf([member]).subarray(0, 512);
    return gzipSync(Buffer.concat(Array.from({ length: times }, () => header)), { level: 1 });
  };

  // What is said of sizes counts before a byte is unpacked.
  test.each<{ name: string; archive: () => Buffer }>([
    {
      name: 'a file larger than a directory takes',
      archive: () => many({ path: 'a', size: 2.6 * 1024 ** 3 }, 1),
    },
    {
      name: 'more members than a directory takes',
      archive: () => many({ path: 'd', type: 'Directory' }, 100_001),
    },
    {
      name: 'more links than anybody wants to hear of',
      archive: () => many({ path: 'l', type: 'SymbolicLink', linkpath: 'x' }, 100_001),
    },
  ])('is stopped where it has $name', async ({ archive }) => {
    const chunks = async function* () {
      yield await Promise.resolve(archive());
    };
    const place = { directory: temporaryFolder(), memoryBytesMax: 1 };
    const error = await failure(receiveContent(chunks(), 'multi-file', 'output', place));
    expect(error.reason).toBe('content-too-large');
  });
});

describe('the line', () => {
  test.each(['input', 'output'] as const)(
    'that is cut in the middle of an %s is picked up again',
    async (role) => {
      const place = await begun();
      const text = 'x'.repeat(100_000);
      const id = await place.application.trackRun({ status: 'succeeded', input: text, output: text });
      place.standIn.faults.next({ kind: 'download' }, { kind: 'drop', when: 'midway' }, 2);
      const directory = temporaryFolder();
      const read =
        role === 'input'
          ? place.application.runInput(id, { directory })
          : place.application.runOutput(id, { directory });
      expect(readFileSync((await read).path ?? '', 'utf8')).toBe(text);
      expect(readdirSync(directory)).toEqual([`${role}.txt`]);
      expect(place.count('download')).toBe(3);
    },
  );

  test('that is cut in the middle of an archive is picked up again', async () => {
    const place = await begun();
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [`${n}.bin`, Buffer.alloc(50_000, n)]),
    );
    const id = await place.application.trackRun({
      status: 'succeeded',
      input: {},
      outputDirPath: directoryWith(files),
    });
    place.standIn.faults.next({ kind: 'download' }, { kind: 'drop', when: 'midway' });
    const directory = temporaryFolder();
    await place.application.runResult(id, { directory });
    for (const [name, bytes] of Object.entries(files))
      expect(readFileSync(join(directory, name))).toEqual(bytes);
  });

  test('a URL that is dead by the time it is used is asked for anew', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: {}, output: 'text' });
    place.standIn.faults.next({ kind: 'download' }, { kind: 'answer', status: 403, body: '<Error/>' });
    expect((await place.application.runResult(id)).output?.data).toBe('text');
    expect(place.asked().slice(-5)).toEqual(['run', 'run', 'download', 'output', 'download']);
  });
});

describe('a run', () => {
  test('has metadata with everything that was said of it', async () => {
    const place = await begun({ consoleUrl: 'https://console.example.com/' });
    const id = await place.application.trackRun(
      {
        status: 'succeeded',
        input: {},
        output: { metrics: { gap: 0.5 } },
        duration: 1.5,
        name: 'n',
        description: 'd',
      },
      { options: { a: 1 } },
    );
    const read = await place.application.runMetadata(id);
    expect(read).toMatchObject({
      id,
      name: 'n',
      description: 'd',
      isFinal: true,
      consoleUrl: `https://console.example.com/app/${app}/run/${id}?view=details`,
      metadata: {
        status: 'succeeded',
        applicationId: app,
        instanceId: 'devint',
        executionDuration: 1.5,
        error: '',
        inputBytes: 2,
        inputFormat: 'json',
        outputFormat: 'json',
        runType: 'external',
        metrics: { gap: 0.5 },
        options: { a: '1' },
      },
    });
    expect(read.metadata.createdAt).toBeInstanceOf(Date);
    expect(read.raw['id']).toBe(id);
  });

  test('that is not final has no result yet', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: {} });
    place.standIn.faults.finalAfterMs = 3_600_000;
    const error = await failure(place.application.runResult(id));
    expect(error).toMatchObject({ reason: 'not-final' });
    expect(error.message).toContain('queued');
    await place.application.cancelRun(id);
    expect(await place.application.runResult(id)).toMatchObject({
      output: null,
      metadata: { status: 'canceled' },
    });
  });

  test('has assets, one by one', async () => {
    const { application } = await begun();
    const visual = { schema: 'chartjs', type: 'custom-tab', label: 'Charts' } as const;
    const assets = [{ name: 'Plot', content: { x: [1] }, description: 'd', visual }];
    const id = await application.trackRun({ status: 'succeeded', input: {}, output: {}, assets });
    const listed = await application.runAssets(id);
    expect(listed).toEqual([
      {
        id: expect.any(String) as string,
        name: 'Plot',
        contentType: 'json',
        description: 'd',
        bytes: 9,
        visual,
      },
    ]);
    expect(await application.runAsset(id, listed[0]?.id ?? '')).toEqual({ x: [1] });
  });

  test('gets another name and description, cut to what is kept', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: {}, name: 'old' });
    await place.application.updateRun(id, { name: '☃'.repeat(200) });
    await place.application.updateRun(id, { description: 'ü'.repeat(200) });
    expect(place.only()).toMatchObject({ name: '☃'.repeat(128), description: 'ü'.repeat(128) });
  });

  test('is deleted once, also when the answer to that is lost', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: {} });
    place.standIn.faults.next({ kind: 'delete' }, { kind: 'drop', when: 'after' });
    await place.application.deleteRun(id);
    expect(place.runs()).toEqual([]);
    expect(await failure(place.application.deleteRun(id))).toMatchObject({ status: 404 });
  });

  test('is canceled by one request, whatever becomes of the answer', async () => {
    const place = await begun();
    const id = await place.application.trackRun({ status: 'succeeded', input: {} });
    expect(await failure(place.application.cancelRun(id))).toMatchObject({ status: 409 });
    place.standIn.faults.next({ kind: 'cancel' }, { kind: 'drop', when: 'after' });
    expect(await failure(place.application.cancelRun(id))).toMatchObject({ reason: 'unreachable' });
    expect(place.count('cancel')).toBe(2);
  });
});

describe('the list', () => {
  test('has all of 120 runs, page by page as they are wanted', async () => {
    const place = await begun();
    await Promise.all(
      Array.from({ length: 120 }, (_, n) =>
        place.application.trackRun(
          n % 3 === 0
            ? { status: 'failed', error: 'x', input: {}, name: `n${n}` }
            : { status: 'succeeded', input: {}, name: `n${n}` },
        ),
      ),
    );
    place.forget();
    const names: string[] = [];
    for await (const run of place.application.listRuns()) names.push(run.name);
    expect(new Set(names).size).toBe(120);
    expect(names).toHaveLength(120);
    expect(place.asked()).toEqual(['list', 'list', 'list']);

    place.forget();
    for await (const run of place.application.listRuns()) {
      expect(run).toMatchObject({ instanceId: 'devint', runType: 'external' });
      break;
    }
    expect(place.asked()).toEqual(['list']);

    let failed = 0;
    for await (const run of place.application.listRuns({ status: 'failed' })) {
      expect(run.status).toBe('failed');
      failed += 1;
    }
    expect(failed).toBe(40);
  });

  test('of no runs is empty', async () => {
    const { application } = await begun();
    for await (const run of application.listRuns()) throw new Error(run.id);
  });

  test('that comes back to where it was is left', async () => {
    const place = await begun();
    const body = JSON.stringify({ runs: [{ id: 'a' }], next_page_token: 'again' });
    place.standIn.faults.always({ kind: 'list' }, { kind: 'answer', status: 200, body });
    const seen: string[] = [];
    const all = async () => {
      for await (const { id } of place.application.listRuns()) seen.push(id);
    };
    expect((await failure(all())).reason).toBe('list-loops');
    expect(seen).toEqual(['a', 'a']);
  });
});

test('an app tells of itself, or that it is not there', async () => {
  const place = await begun({}, { apps: [app], defaultInstance: 'prod' });
  expect(await place.application.get()).toMatchObject({ id: app, defaultInstanceId: 'prod' });
  const { Application } = await import('../../src/index.ts');
  const other = new Application({ client: place.client, id: 'no-such-app' });
  expect(await failure(other.get())).toMatchObject({ reason: 'app-not-found', status: 404 });
  expect(place.count('application')).toBe(2);
});

test('a directory that is not to be written is named, and the other side is let go', async () => {
  const place = await begun();
  const id = await place.application.trackRun({ status: 'succeeded', input: 'x'.repeat(3 * mebibyte) });
  const directory = join(fileWith('', 'a file'), 'below');
  const error = await failure(place.application.runInput(id, { directory }));
  expect(error.reason).toBe('machine-trouble');
  writeFileSync(join(temporaryFolder(), 'x'), '');
  // A download that nobody reads would hold this up.
  await place.standIn.close();
});

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeProblem, findConfigFile, loadConfig } from '../../src/config/config.ts';
import { configOf, fileWith, givenDirectory, givenFile, problemsOf } from './given.ts';

test('the smallest file gets every default', () => {
  const path = givenFile(fileWith({}));
  const directory = join(path, '..');
  expect(configOf(path)).toMatchObject({
    file: path,
    stateDir: join(directory, 'state'),
    host: 'planner-03',
    platform: {
      kind: 'stand-in',
      endpoint: null,
      consoleUrl: 'https://cloud.nextmv.io',
      apiKey: null,
      caFile: null,
      proxy: null,
      uploadsAtOnce: 32,
      runsPerSecond: null,
      requestsPerMinute: null,
      absentAfterMs: 1_200_000,
      then: 'send',
      standIn: { port: 0, dataDir: join(directory, 'state', 'stand-in'), apps: null },
    },
    http: {
      listen: { kind: 'port', host: '127.0.0.1', port: 8420 },
      names: [],
      access: 'link',
      passwordFile: null,
    },
    control: { group: null, directory: join(directory, 'state') },
    logLevel: 'info',
    shutdownDeadlineMs: 20_000,
    historyKeepMs: null,
    dropRoots: [
      {
        path: join(directory, 'runs'),
        name: 'runs',
        app: 'demo-app',
        allowAppIds: [],
        instance: null,
        quietMs: 2_000,
        deadlineMs: 3_600_000,
        marker: null,
        isMetaOptional: false,
        scanEveryMs: 5_000,
        auditEveryMs: 3_600_000,
        depth: 1,
        backfill: { kind: 'all' },
        files: {
          input: ['input.json', 'input.txt', 'input/'],
          output: ['output.json', 'output.txt', 'output/'],
          log: 'run.log',
          meta: 'meta.json',
        },
        limits: { fileBytesMax: 700 * 2 ** 20, folderFilesMax: 10_000, jsonDepthMax: 1000 },
        runName: '{folder}',
        infeasible: 'succeeded',
        enrich: [],
        resultsDir: null,
        archive: null,
        options: {},
        ignore: ['*.tmp', '.*'],
      },
    ],
  });
});

describe('values are read as people write them', () => {
  test('history: { keep: 400d } is longer than a timer could wait', () => {
    expect(configOf(givenFile(fileWith({ top: 'history: { keep: 400d }' }))).historyKeepMs).toBe(
      34_560_000_000,
    );
  });

  const root = (line: string) => configOf(givenFile(fileWith({ root: line }))).dropRoots[0];
  test.each([
    ['quiet: 500ms', { quietMs: 500 }],
    ['quiet: 0s', { quietMs: 0 }],
    ['deadline: 72h', { deadlineMs: 259_200_000 }],
    [
      'limits: { file_bytes: 5GB }',
      { limits: { fileBytesMax: 5e9, folderFilesMax: 10_000, jsonDepthMax: 1000 } },
    ],
    ['limits: { file_bytes: 1.5KiB }', { limits: { fileBytesMax: 1536, jsonDepthMax: 1000 } }],
    ['limits: { folder_files: 50000 }', { limits: { folderFilesMax: 50_000 } }],
    ['files: { input: model.txt }', { files: { input: ['model.txt'] } }],
    ['files: { input: data/ }', { files: { input: ['data/'] } }],
    ["files: { input: [model.mps, '*.prm'] }", { files: { input: [['model.mps', '*.prm']] } }],
    ["files: { output: 'out-*.json' }", { files: { output: ['out-*.json'] } }],
    ["files: { log: '*.log' }", { files: { log: '*.log' } }],
    ['files: { log: solver.out }', { files: { log: 'solver.out' } }],
    ["run_name: '{root}/{folder} on {host}, {date}'", { runName: '{root}/{folder} on {host}, {date}' }],
    ['marker:', { marker: null }],
    ['meta: optional', { isMetaOptional: true, quietMs: 60_000 }],
    ['meta: optional\n    quiet: 5s', { isMetaOptional: true, quietMs: 5_000 }],
    ['meta: optional\n    marker: DONE', { isMetaOptional: true, quietMs: 2_000 }],
    ['meta: optional\n    marker: DONE\n    quiet: 0s', { isMetaOptional: true, quietMs: 0 }],
    ['infeasible: failed', { infeasible: 'failed' }],
    ['enrich: [metrics, chart]', { enrich: ['metrics', 'chart'] }],
    ['enrich:', { enrich: [] }],
    ['result: in-folder', { resultsDir: null }],
    ['result: /srv/results', { resultsDir: '/srv/results' }],
    ['after: keep', { archive: null }],
    ['after: { archive: /srv/done }', { archive: { path: '/srv/done', graceMs: 600_000 } }],
    ['after: { archive: /srv/done, grace: 0s }', { archive: { path: '/srv/done', graceMs: 0 } }],
    ['limits:', { limits: { jsonDepthMax: 1000 } }],
  ])('%s', (line, expected) => {
    expect(root(line)).toMatchObject(expected);
  });

  test('options become texts: a text as it is, everything else as its JSON', () => {
    expect(root('options: { a: x, b: 1, c: true, d: null, e: { f: [1] }, "1": yes }')?.options).toEqual({
      a: 'x',
      b: '1',
      c: 'true',
      d: 'null',
      e: '{"f":[1]}',
      '1': 'yes',
    });
  });
});

describe('a wrong value is named with its line and column', () => {
  test.each([
    [{ root: 'naem: planner' }, '7:5: drop_roots[0].naem: unknown key "naem"; did you mean "name"?'],
    [{ root: 'quite: 2s' }, '7:5: drop_roots[0].quite: unknown key "quite"; did you mean "quiet"?'],
    [{ top: 'metrics: { listen: x }' }, '2:1: metrics: unknown key "metrics"'],
    [
      { platform: 'api_key: abc' },
      '4:3: platform.api_key: unknown key "api_key"; did you mean "api_key_file"?',
    ],
    [
      { platform: 'kind: standin' },
      '3:9: platform.kind: expected stand-in or nextmv; did you mean "stand-in"?',
    ],
    [
      { root: 'quiet: 2' },
      /^7:12: .*quiet: 2 is not a duration: write a number with its unit, for example 2s/,
    ],
    [{ root: 'quiet: 2 parsecs' }, /"2 parsecs" is not a duration/],
    [{ top: 'history: { keep: ever }' }, /history.keep: must be forever, or a duration/],
    [{ top: 'history: { keep: 36501d }' }, /history.keep: must be/],
    [{ root: 'quiet: -1s' }, /"-1s" is not a duration/],
    [{ root: 'quiet: 30d' }, '7:12: drop_roots[0].quiet: must be at most 24d'],
    [{ root: 'scan_every: 99ms' }, '7:17: drop_roots[0].scan_every: must be at least 100ms'],
    [{ root: 'deadline: 0s' }, '7:15: drop_roots[0].deadline: must be at least 1ms'],
    [{ root: 'limits: { file_bytes: 700 }' }, /700 is not a size: write a number with its unit/],
    [{ root: 'limits: { json_depth: 1.5 }' }, /json_depth: expected a whole number/],
    [{ root: 'name: 2026' }, '7:11: drop_roots[0].name: expected a text: put it in quotes, "2026"'],
    [{ root: 'name: a b' }, /drop_roots\[0\].name: a name has 1 to 64 letters/],
    [{ root: 'allow_app_id: [Nope]' }, /drop_roots\[0\].allow_app_id\[0\]: an app's id has/],
    [{ root: "run_name: '{foldr}'" }, /unknown placeholder \{foldr\}; did you mean "folder"\?/],
    [{ root: "run_name: '{folder'" }, /a brace that belongs to no placeholder/],
    [{ root: 'options: { seed: 12345678901234567890 }' }, /options.seed: .*too large to be kept exactly/],
    [{ root: 'options: { a: .inf }' }, /options.a: expected a text, number/],
    [
      { root: 'after: kep' },
      '7:12: drop_roots[0].after: expected keep, or { archive: DIRECTORY, grace: 10m }',
    ],
    [{ root: 'after: 3' }, '7:12: drop_roots[0].after: expected keep, or { archive: DIRECTORY, grace: 10m }'],
    [{ root: 'after: { grace: 10m }' }, /after.archive: is required/],
    [{ root: 'after: { archive: a, grace: 10 }' }, /after.grace: 10 is not a duration/],
    [{ root: 'after: { archive: a, grce: 10m }' }, /after.grce: unknown key "grce"; did you mean "grace"\?/],
    [{ root: 'result: 3' }, /result: expected a text/],
    [{ root: 'meta: maybe' }, /drop_roots\[0\].meta: expected required or optional/],
    [
      { root: 'quiet: 0s\n    meta: optional' },
      /^7:12: drop_roots\[0\].quiet: must be longer than 0s where meta is optional/,
    ],
    [{ root: 'marker: a/b' }, /marker: "a\/b" is not the plain name of a file/],
    [{ top: 'log: { level: warning }' }, /log.level: expected .*; did you mean "warn"\?/],
    [{ platform: 'limits: { uploads_at_once: 257 }' }, /uploads_at_once: must be at most 256/],
    [{ platform: 'stand_in: { port: 65536 }' }, /stand_in.port: must be at most 65535/],
    [{ top: 'host: localhost' }, /^2:7: host: "localhost" does not tell this machine from others: set host/],
    [{ top: 'host: 127.0.0.1' }, /host: .* set host/],
    [{ top: "host: ''" }, /host: .* set host/],
    [{ top: 'host: a b' }, /host: .* set host/],
    [{ top: `host: ${'x'.repeat(64)}` }, /host: .*longer than 63 bytes/],
    [{ platform: 'endpoint: http://example.com' }, /endpoint: must be https/],
    [{ platform: 'endpoint: https://e.com/?a=b' }, /endpoint: must not have a query/],
  ])('%o', (lines, expected) => {
    const problems = problemsOf(givenFile(fileWith(lines)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
  });
});

describe('file names', () => {
  test.each([
    ['files: { input: [] }', '7:14: drop_roots[0].files.input: must name at least one file'],
    ['files: { input: 7 }', 'files.input: expected a name, a glob, or a list of names and globs'],
    ['files: { input: [7] }', 'files.input[0]: expected a text: put it in quotes, "7"'],
    ["files: { input: '/etc/passwd' }", '"/etc/passwd" is an absolute path'],
    ["files: { input: ['a.mps', '../b'] }", '7:31: drop_roots[0].files.input[1]: "../b" leads out'],
    ["files: { input: '..' }", 'leads out of the run folder'],
    ['files: { input: data/a.csv }', 'name the directory, "data/", and everything in it is taken'],
    ["files: { input: 'a[b' }", '"a[b" is no glob: a bracket is not closed'],
    ["files: { output: '!*.json' }", 'what is not wanted belongs into ignore'],
    ["files: { output: ['*.sol', '*.sol'] }", '"*.sol" is given twice'],
    [
      'files: { input: inputs.tar.gz }',
      '7:21: drop_roots[0].files.input: "inputs.tar.gz" is in no archive, because the official SDK leaves out what is called like this: give the file another name',
    ],
    ['files: { output: [a.mps, inputs.tar.gz/] }', 'files.output[1]: "inputs.tar.gz/" is in no archive'],
    ["files: { input: '*.mps', output: ['*.mps'] }", '"*.mps" is the name of files.input as well'],
    ['files: { input: data/, output: data }', '"data" is the name of files.input as well'],
    ['files: { output: nextmv-output.json }', 'the daemon writes under'],
    ["files: { output: '' }", 'a file needs a name'],
    ["files: { log: '*/x.log' }", 'is not a glob for names in the run folder'],
    ["files: { meta: '*.json' }", 'has wildcards'],
    ['limits: { folder_files: 100001 }', 'folder_files: must be at most 100000'],
    ['files: { meta: meta.txt }', 'must end in .json'],
    ['files: { log: ../run.log }', 'not the plain name of a file'],
    ['files: { log: nextmv-result.json }', 'the daemon writes under'],
    ['files: { input: a.json, output: a.json }', '"a.json" is the name of files.input as well'],
    ['files: { meta: input.json }', '(the default for input): set files.input'],
    ['files: { output: metrics.json }', 'is the name of another artefact'],
    ['files: { meta: .meta.json }', 'leaves out .meta.json (files.meta)'],
    ["ignore: ['*.json', '*.txt', 'input']", 'leaves out input.json and input.txt and input/'],
  ])('%s is refused', (line, expected) => {
    expect(problemsOf(givenFile(fileWith({ root: line }))).join('\n')).toContain(expected);
  });

  test('a rule of ignore that fits a required file in other letters only leaves it alone', () => {
    expect(problemsOf(givenFile(fileWith({ root: "ignore: ['Input*', 'META.json']" })))).toEqual([]);
  });
});

test('all problems of a file come at once, in the order of its lines', () => {
  const path = givenFile(
    fileWith({
      top: 'host: localhost\nhost: other',
      platform: 'endpoint: x',
      root: 'quite: 1\n    quiet: 1',
    }).replace('app: demo-app', 'name: 1 2'),
  );
  expect(problemsOf(path).map((problem) => problem.split(':')[0])).toEqual(['3', '6', '8', '9', '10', '11']);
});

describe('what is no configuration at all', () => {
  test.each([
    ['broken YAML', 'a: [\nb: 1\n', /^2:1: yaml: /],
    ['a list', '- a\n', '1:1: expected a map of keys, got a list'],
    ['a second document', `${fileWith({})}---\n{}\n`, /^7:1: yaml: a second document begins here/],
    ['a key given twice', `${fileWith({})}state_dir: x\n`, '7:1: yaml: the key "state_dir" is given twice'],
    ['an unknown tag', `${fileWith({})}host: !secret x\n`, /^7:7: yaml: a ! at the beginning of a value/],
    ['an alias without an anchor', `${fileWith({})}host: *x\n`, /^7:7: yaml: this alias/],
    ['an alias inside its anchor', 'state_dir: &a [*a, *a]\n', /alias .* inside the anchor/],
    ['too deep a nesting', `a: ${'['.repeat(200)}${']'.repeat(200)}\n`, 'is nested too deeply'],
    ['a megabyte of comments', `${'#'.repeat(2 ** 20)}\n`, /larger than 1 MiB/],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0x3a, 0xe9, 0x0a]), 'is not UTF-8 text'],
  ])('%s', (_, text, expected) => {
    const [first] = problemsOf(givenFile(text));
    expect(first).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
  });

  test.each([
    ['a brace without a partner', 'a: 1\n}\nproxy: http://svc:Pa55word@proxy:1\n'],
    ['a bracket too many', 'a: [1]] Pa55word\nb: Pa55word ]\n'],
    ['a tag', 'a: !Pa55word x\n'],
    ['a tag of a list', 'a: !Pa55word [x]\n'],
    ['a tag without an end', 'a: !<Pa55word x\n'],
    ['a tag of nobody', 'a: !e!Pa55word x\n'],
    ['a block with more behind its sign', 'a: |Pa55word\n  x\n'],
    ['a backslash', 'a: "\\uPa55word"\n'],
    ['a directive', '%Pa55word x\n---\na: 1\n'],
    ['a version', '%YAML Pa55word\n---\na: 1\n'],
    ['a key that is a list', '? [Pa55word]\n: x\n'],
    ['text behind a quote', 'a: "x" Pa55word\n'],
    ['a line that is out', 'a:\n  - b\n Pa55word\n'],
    ['a tag that does not go with its value', 'a: !!int Pa55word\n'],
    ['an anchor on an alias', 'a: &Pa55word *Pa55word\n'],
  ])('what is said of %s repeats nothing of the file', (_, text) => {
    const problems = problemsOf(givenFile(text)).join('\n');
    expect(problems).toContain('yaml: ');
    // Of an escape the parser shows its first signs.
    expect(problems).not.toMatch(/Pa55|word/);
  });

  test('what follows from one mistake is one problem', () => {
    const problems = problemsOf(givenFile(`a: 1\n}\n${'proxy: http://proxy:1\n'.repeat(5)}`));
    expect(problems).toEqual([expect.stringMatching(/^2:1: yaml: what stands here does not go with/)]);
  });

  test('aliases that multiply are refused before they fill the memory', () => {
    const letters = 'a b c d e f g h i'.split(' ');
    const lines = letters.map((letter, index) => {
      const before = letters[index - 1];
      return `${letter}: &${letter} [${Array(9)
        .fill(before === undefined ? 'x' : `*${before}`)
        .join(', ')}]`;
    });
    expect(problemsOf(givenFile(lines.join('\n')))).toEqual(['has too many aliases (*…) inside one another']);
  });

  test('an empty file lacks what is required', () => {
    expect(problemsOf(givenFile(''))).toEqual([
      '1:1: state_dir: is required',
      '1:1: platform: is required',
      '1:1: drop_roots: is required',
    ]);
  });

  test('a file that is not there is one problem without a line', () => {
    expect(loadConfig('/nowhere/config.yaml', {}, 'planner-03')).toEqual({
      ok: false,
      problems: [
        { file: '/nowhere/config.yaml', line: null, column: null, where: '', what: 'there is no such file' },
      ],
    });
  });

  test('a directory is no file', () => {
    expect(problemsOf(givenDirectory())).toEqual(['is not a regular file']);
  });
});

describe('results and archives lie outside of drop roots and of one another', () => {
  test.each([
    ['result: ./runs/results', 'drop_roots[0].result: lies inside drop_roots[0].path'],
    ['result: ./state/results', 'drop_roots[0].result: lies inside state_dir'],
    ['result: .', 'drop_roots[0].result: has in it drop_roots[0].path'],
    [
      'after: { archive: ./runs }',
      'drop_roots[0].after.archive: is the same directory as drop_roots[0].path',
    ],
    ['after: { archive: ./runs/done }', 'drop_roots[0].after.archive: lies inside drop_roots[0].path'],
    [
      'result: ./there\n    after: { archive: ./there/done }',
      'drop_roots[0].after.archive: lies inside drop_roots[0].result',
    ],
    ['after: { archive: ./config.yaml }', 'drop_roots[0].after.archive: is not a directory'],
  ])('%s', (root, expected) => {
    expect(problemsOf(givenFile(fileWith({ root }))).join('\n')).toContain(expected);
  });

  test('apart they are fine', () => {
    const root = 'result: ./results\n    after: { archive: ./done }';
    expect(problemsOf(givenFile(fileWith({ root })))).toEqual([]);
  });
});

describe('sockets lie where nothing is that others need', () => {
  test.each([
    ['control: { group: root, directory: ./runs }', 'is the same directory as drop_roots[0].path'],
    ['control: { group: root, directory: ./runs/day }', 'lies inside drop_roots[0].path'],
    ['control: { group: root, directory: ./state }', 'is the same directory as state_dir'],
    ['control: { group: root, directory: ./state/shared }', 'lies inside state_dir'],
    ['control: { group: root, directory: . }', 'has in it state_dir'],
    ['control: { group: root, directory: ./config.yaml }', 'is not a directory'],
  ])('%s', (top, expected) => {
    expect(problemsOf(givenFile(fileWith({ top }))).join('\n')).toContain(`control.directory: ${expected}`);
  });

  test.each([
    ['./runs/page.sock', 'drop_roots[0].path'],
    ['./runs/day/page.sock', 'drop_roots[0].path'],
    ['./results/page.sock', 'drop_roots[0].result'],
    ['./done/page.sock', 'drop_roots[0].after.archive'],
  ])('the page at unix:%s', (path, other) => {
    const top = `http: { listen: 'unix:${path}' }`;
    const root = 'result: ./results\n    after: { archive: ./done }';
    expect(problemsOf(givenFile(fileWith({ top, root }))).join('\n')).toContain(
      `http.listen: the socket would lie in ${other}`,
    );
  });

  test.each([
    'control: { group: root, directory: ./shared }',
    'control: { directory: ./runs }',
    "http: { listen: 'unix:./state/page.sock' }",
    "http: { listen: 'unix:./page.sock' }",
    "http: { listen: 'unix:./shared/page.sock' }\ncontrol: { group: root, directory: ./shared }",
  ])('%s is fine', (top) => {
    expect(problemsOf(givenFile(fileWith({ top })))).toEqual([]);
  });
});

describe('directories have to be apart', () => {
  const twoRoots = (one: string, other: string) =>
    `state_dir: ./state\nplatform: { kind: stand-in }\ndrop_roots:\n  - { path: ${one}, app: demo-app, name: one }\n  - { path: ${other}, app: demo-app, name: two }\n`;

  test.each([
    ['./a', './a', 'drop_roots[1].path: is the same directory as drop_roots[0].path'],
    ['./a', './a/b', 'drop_roots[1].path: lies inside drop_roots[0].path'],
    ['./a/b', './a', 'drop_roots[1].path: has in it drop_roots[0].path'],
    ['./a', './state/runs', 'drop_roots[1].path: lies inside state_dir'],
    ['./a', '.', 'drop_roots[1].path: has in it state_dir'],
    ['./a', './link', 'drop_roots[1].path: is the same directory as drop_roots[0].path'],
    ['./a', './link/deep', 'drop_roots[1].path: lies inside drop_roots[0].path'],
  ])('%s and %s', (one, other, expected) => {
    const directory = givenDirectory();
    mkdirSync(join(directory, 'a'));
    symlinkSync('a', join(directory, 'link'));
    expect(problemsOf(givenFile(twoRoots(one, other), directory)).join('\n')).toContain(expected);
  });

  test('names that only begin alike are apart', () => {
    expect(problemsOf(givenFile(twoRoots('./runs', './runs-2')))).toEqual([]);
  });

  test("the stand-in's data may lie in state_dir, but not in a drop root", () => {
    expect(problemsOf(givenFile(fileWith({ platform: 'stand_in: { data: ./state/other }' })))).toEqual([]);
    expect(problemsOf(givenFile(fileWith({ platform: 'stand_in: { data: ./runs/data }' }))).join()).toContain(
      'has in it platform.stand_in.data',
    );
  });

  test('a drop root that is a file is refused', () => {
    const directory = givenDirectory();
    writeFileSync(join(directory, 'runs'), '');
    expect(problemsOf(givenFile(fileWith({}), directory))).toEqual([
      '5:11: drop_roots[0].path: is not a directory',
    ]);
  });
});

test('drop roots of the same name are refused, also where the name comes from the path', () => {
  const text = fileWith({}) + '  - { path: ./other/runs, app: demo-app }\n';
  expect(problemsOf(givenFile(text)).join()).toContain(
    'drop_roots[1].name: "runs" is the name of drop_roots[0] as well',
  );
});

test('the last part of a path that cannot be a name calls for one', () => {
  expect(problemsOf(givenFile(fileWith({ root: 'path: ./my runs' }))).join()).toMatch(
    /name: not given, .*set name/,
  );
});

test("a machine's name that is no name calls for host", () => {
  expect(problemsOf(givenFile(fileWith({})), { name: 'localhost.localdomain' }).join()).toMatch(
    /host: not given, and the machine's name "localhost.localdomain" .*set host/,
  );
});

test('a state directory whose control socket has too long a path is refused', () => {
  const [problem] = problemsOf(givenFile(fileWith({}).replace('./state', `/tmp/${'x'.repeat(90)}`)));
  expect(problem).toMatch(/^1:12: state_dir: .* would have 108 bytes, and a Unix socket can have 107/);
  expect(problemsOf(givenFile(fileWith({}).replace('./state', `/tmp/${'x'.repeat(89)}`)))).toEqual([]);
});

test('where a group may use the control socket, the path of its own directory counts', () => {
  const withGroup = (letters: number) =>
    fileWith({ top: `control: { group: root, directory: /tmp/${'x'.repeat(letters)} }` });
  const [problem] = problemsOf(givenFile(withGroup(90)));
  expect(problem).toMatch(
    /^2:36: control\.directory: .* would have 108 bytes, and a Unix socket can have 107/,
  );
  const far = withGroup(89).replace('./state', `/tmp/${'y'.repeat(90)}`);
  expect(problemsOf(givenFile(far))).toEqual([]);
});

describe('where the daemon is looked at', () => {
  const listenOf = (listen: string) =>
    configOf(givenFile(fileWith({ top: `http: { listen: ${listen} }` }))).http.listen;

  test.each([
    ['0.0.0.0:80', { kind: 'port', host: '0.0.0.0', port: 80 }],
    ["'[::1]:8420'", { kind: 'port', host: '::1', port: 8420 }],
    ['planner.example:0', { kind: 'port', host: 'planner.example', port: 0 }],
    ["'unix:/run/page.sock'", { kind: 'unix', path: '/run/page.sock' }],
    ['false', null],
  ])('%s', (listen, is) => {
    expect(listenOf(listen)).toEqual(is);
  });

  test.each([
    ['8420', /http\.listen: expected an address and a port/],
    ["':8420'", /http\.listen: expected an address and a port/],
    ["'127.0.0.1:99999'", /http\.listen: expected an address and a port/],
    ["'unix:'", /http\.listen: expected an address and a port/],
    ["'http://127.0.0.1:80'", /http\.listen: expected an address and a port/],
    ['true', /http\.listen: expected an address and a port/],
    [`'unix:/tmp/${'x'.repeat(120)}'`, /http\.listen: is too long a path: it has 125 bytes/],
  ])('%s is refused', (listen, says) => {
    expect(problemsOf(givenFile(fileWith({ top: `http: { listen: ${listen} }` }))).join()).toMatch(says);
  });

  test('a socket without a root of its path lies beside the file', () => {
    const path = givenFile(fileWith({ top: "http: { listen: 'unix:page.sock', names: [a.example] }" }));
    expect(configOf(path).http).toMatchObject({
      listen: { kind: 'unix', path: join(path, '..', 'page.sock') },
      names: ['a.example'],
    });
  });

  test('a password needs its file, and is not read where nobody is to give it', () => {
    expect(problemsOf(givenFile(fileWith({ top: 'http: { access: password }' })))).toEqual([
      '2:17: http.access: password needs a password_file',
    ]);
    const asked = givenFile(fileWith({ top: 'http: { access: password, password_file: page.password }' }));
    writeFileSync(join(asked, '..', 'page.password'), 'open sesame\n', { mode: 0o600 });
    expect(configOf(asked).http).toMatchObject({
      access: 'password',
      passwordFile: join(asked, '..', 'page.password'),
    });
    const open = givenFile(fileWith({ top: 'http: { access: open, password_file: page.password }' }));
    expect(configOf(open).http).toMatchObject({ access: 'open', passwordFile: null });
  });

  test.each([
    ['that is not there', (path: string) => path, 'there is no such file: '],
    ['that is a directory', (path: string) => mkdirSync(path), 'is not a file'],
    [
      'that others may read',
      (path: string) => writeFileSync(path, 'x', { mode: 0o640 }),
      'may be read by others',
    ],
    ['that is empty', (path: string) => writeFileSync(path, '\n', { mode: 0o600 }), 'is empty'],
    [
      'that is a book',
      (path: string) => writeFileSync(path, 'x'.repeat(2000), { mode: 0o600 }),
      'is too long',
    ],
  ])('a password file %s is a problem', (_, make, says) => {
    const file = givenFile(fileWith({ top: 'http: { access: password, password_file: page.password }' }));
    make(join(file, '..', 'page.password'));
    expect(problemsOf(file)).toEqual([expect.stringContaining(`2:42: http.password_file: ${says}`)]);
  });
});

describe('the platform', () => {
  const nextmv = (more = '') => givenFile(fileWith({ platform: `kind: nextmv${more}` }));
  const withKey = { environment: { NEXTMV_API_KEY: 'nxmvv1_secret' } };

  test.each([
    ['https://Api.Example.com:443/v9/', 'https://api.example.com/v9'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ["'http://[::1]:1/'", 'http://[::1]:1'],
    ['http://localhost', 'http://localhost'],
  ])('endpoint %s is %s', (given, expected) => {
    expect(configOf(nextmv(`\n  endpoint: ${given}`), withKey).platform.endpoint).toBe(expected);
  });

  test('nextmv waits at least as long as upload ids live, the stand-in need not', () => {
    const reconcile = 'reconcile: { absent_after: 1s }';
    expect(problemsOf(nextmv(`\n  ${reconcile}`), withKey).join()).toMatch(
      /absent_after: must be at least 15m/,
    );
    expect(configOf(givenFile(fileWith({ platform: reconcile }))).platform.absentAfterMs).toBe(1000);
  });

  test('nextmv has the limits that its plans document, the stand-in none, and 0 means none', () => {
    const limits = (path: string) => {
      const { runsPerSecond, requestsPerMinute } = configOf(path, withKey).platform;
      return [runsPerSecond, requestsPerMinute];
    };
    expect(limits(nextmv())).toEqual([5, 2_000]);
    expect(limits(nextmv('\n  limits: { runs_per_second: 0.5, requests_per_minute: 0 }'))).toEqual([
      0.5,
      null,
    ]);
    expect(limits(givenFile(fileWith({})))).toEqual([null, null]);
    expect(limits(givenFile(fileWith({ platform: 'limits: { runs_per_second: 10 }' })))).toEqual([10, null]);
  });

  test('without a key there is a problem that names the three ways to give one', () => {
    const [problem] = problemsOf(nextmv(), { environment: { NEXTMV_API_KEY: ' ' } });
    expect(problem).toMatch(/api_key_file.*nextmv-api-key.*\$CREDENTIALS_DIRECTORY.*NEXTMV_API_KEY/);
  });

  test('the key is looked for in the file, then in the credential, then in the environment', () => {
    const directory = givenDirectory();
    writeFileSync(join(directory, 'nextmv-api-key'), 'nxmvv1_secret');
    const environment = { ...withKey.environment, CREDENTIALS_DIRECTORY: directory };
    const apiKey = (more: string, machine: { environment: NodeJS.ProcessEnv }) =>
      configOf(nextmv(more), machine).platform.apiKey;
    const file = join(directory, 'nextmv-api-key');
    expect(apiKey(`\n  api_key_file: ${file}`, withKey)).toEqual({ file });
    expect(apiKey('', { environment })).toEqual({ file });
    expect(apiKey('', withKey)).toEqual({ environment: 'NEXTMV_API_KEY' });
  });

  test('a private authority and a proxy are checked, and a password in the proxy is not repeated', () => {
    const directory = givenDirectory();
    const pem = join(directory, 'ca.pem');
    writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n');
    writeFileSync(join(directory, 'no.pem'), 'no');
    const good = nextmv(`\n  ca_file: ${pem}\n  proxy: http://me:canary@proxy.example.com:3128`);
    expect(configOf(good, withKey).platform).toMatchObject({
      caFile: pem,
      proxy: 'http://me:canary@proxy.example.com:3128/',
    });
    const bad = (more: string) => problemsOf(nextmv(`\n  ${more}`), withKey).join();
    expect(bad('ca_file: /nowhere.pem')).toMatch(/platform.ca_file: cannot be read \(ENOENT\)/);
    expect(bad(`ca_file: ${join(directory, 'no.pem')}`)).toMatch(/platform.ca_file: holds no certificate/);
    expect(bad('proxy: ftp://me:canary@x')).toMatch(/platform.proxy: is not the address of a proxy/);
    expect(bad('proxy: http://x/path')).toMatch(/platform.proxy: must be host and port only/);
    expect(bad('proxy: ftp://me:canary@x')).not.toContain('canary');
  });

  test('a key that was written where something else belongs is not repeated', () => {
    const secret = 'nxmvv1_0123456789';
    const problems = [
      ...problemsOf(nextmv(`\n  api_key_file: ${secret}`)),
      ...problemsOf(nextmv(`\n  api_key: ${secret}`)),
      ...problemsOf(nextmv(`\n  endpoint: https://${secret}@example.com\n  console: ${secret}`)),
      ...problemsOf(nextmv(`\n  api_key_file: "${secret}\n  console: x`)),
    ];
    expect(problems.length).toBeGreaterThan(4);
    expect(problems.join('\n')).not.toContain(secret);
  });
});

describe('which file is read', () => {
  test('the one that was named, then the environment, then the working directory', () => {
    const directory = givenDirectory();
    expect(findConfigFile('x.yaml', { RUNTRACKD_CONFIG: '/y.yaml' }, directory)).toEqual({
      path: join(directory, 'x.yaml'),
    });
    expect(findConfigFile(undefined, { RUNTRACKD_CONFIG: '/y.yaml' }, directory)).toEqual({
      path: '/y.yaml',
    });
    const here = givenFile('', directory);
    expect(findConfigFile(undefined, {}, directory)).toEqual({ path: here });
  });

  test('when there is none, all places are named', () => {
    const found = findConfigFile(undefined, {}, '/nowhere');
    if ('path' in found) throw new Error(`this machine has ${found.path}`);
    expect(describeProblem(found)).toMatch(
      /-c .*\$RUNTRACKD_CONFIG.*\/nowhere\/config.yaml.*\/etc\/runtrackd\/config.yaml/,
    );
  });
});

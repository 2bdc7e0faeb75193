/** Key, endpoint and profile are found where the official SDK finds them, in its order (contract: 2.3). */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Application, Client } from '../../src/index.ts';
import { findConnection, type ConnectionWishes } from '../../src/library/connection.ts';
import { isAlone, otherUser } from '../journey/otherUser.ts';
import { temporaryFolder } from './place.ts';

const nowMs = Date.parse('2026-11-22T00:00:00Z');
const file = `
apikey: top-canary
endpoint: top.example.com
staging:
  apikey: staging-canary
  endpoint: staging.example.com
  system_certs: true
schemed:
  apikey: schemed-canary
  endpoint: http://schemed.example.com
keyless:
  endpoint: keyless.example.com
placeless:
  apikey: placeless-canary
work:
  auth_type: pkce
  auth_session: desk
  team_id: team-1
  endpoint: work.example.com
late: { auth_type: pkce, auth_session: late, endpoint: e.example.com }
none: { auth_type: pkce, auth_session: none, endpoint: e.example.com }
escaping: { auth_type: pkce, auth_session: ../../elsewhere, endpoint: e.example.com }
root: { auth_type: pkce, auth_session: /elsewhere, endpoint: e.example.com }
itself: { auth_type: pkce, auth_session: ., endpoint: e.example.com }
blank:
  apikey: ''
  endpoint: blank.example.com
`;

interface Given {
  readonly wishes?: ConnectionWishes;
  readonly environment?: NodeJS.ProcessEnv;
  /** Null: there is no file. */
  readonly config?: string | null;
}

function found({ wishes = {}, environment = {}, config = file }: Given) {
  const home = temporaryFolder();
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), content);
  };
  if (config !== null) write('.nextmv/config.yaml', config);
  const token = (expiry: string) =>
    JSON.stringify({ id_token: 'id-token', access_token: 'other', expires_at: expiry });
  write('.nextmv/auth/desk/tokens.json', token('2026-11-22T01:00:00Z'));
  write('.nextmv/auth/late/tokens.json', token('2026-11-21T23:59:59Z'));
  write('elsewhere/tokens.json', token('2026-11-22T01:00:00Z'));
  write('.nextmv/auth/tokens.json', token('2026-11-22T01:00:00Z'));
  const { key, ...rest } = findConnection(wishes, environment, () => home, nowMs);
  return { key: key.reveal(), ...rest };
}

const all: NodeJS.ProcessEnv = { NEXTMV_API_KEY: 'env-canary', NEXTMV_ENDPOINT: 'env.example.com' };

describe('the key', () => {
  test.each<Given & { name: string; is: string }>([
    {
      name: 'an argument goes before all',
      wishes: { apiKey: 'arg', profile: 'staging' },
      environment: all,
      is: 'arg',
    },
    { name: 'then the environment', wishes: { profile: 'staging' }, environment: all, is: 'env-canary' },
    { name: 'then the profile', wishes: { profile: 'staging' }, is: 'staging-canary' },
    { name: 'then the top level', is: 'top-canary' },
    { name: 'an empty argument is none', wishes: { apiKey: '' }, environment: all, is: 'env-canary' },
    { name: 'an empty variable is none', environment: { NEXTMV_API_KEY: '' }, is: 'top-canary' },
  ])('$name', ({ is, ...given }) => {
    expect(found(given).key).toBe(is);
  });
});

describe('the endpoint', () => {
  test.each<Given & { name: string; is: string }>([
    {
      name: 'an argument goes before all',
      wishes: { endpoint: 'arg.example.com', profile: 'staging' },
      environment: all,
      is: 'https://arg.example.com',
    },
    {
      name: 'then the environment',
      wishes: { profile: 'staging' },
      environment: all,
      is: 'https://env.example.com',
    },
    { name: 'then the profile', wishes: { profile: 'staging' }, is: 'https://staging.example.com' },
    { name: 'then the top level', is: 'https://top.example.com' },
    { name: 'then the platform', config: 'apikey: k', is: 'https://api.cloud.nextmv.io' },
    {
      name: 'an empty variable is none',
      environment: { NEXTMV_ENDPOINT: '' },
      is: 'https://top.example.com',
    },
    {
      name: 'a scheme that is there stays',
      environment: { NEXTMV_ENDPOINT: 'http://127.0.0.1:8080' },
      is: 'http://127.0.0.1:8080',
    },
    {
      name: 'a value of the file is always https',
      wishes: { profile: 'schemed' },
      is: 'https://schemed.example.com',
    },
  ])('$name', ({ is, ...given }) => {
    expect(found(given).endpoint).toBe(is);
  });
});

describe('the profile', () => {
  test.each<Given & { name: string; is: string }>([
    {
      name: 'of the environment wins over the argument',
      wishes: { profile: 'schemed' },
      environment: { NEXTMV_PROFILE: 'staging' },
      is: 'staging-canary',
    },
    {
      name: 'that is empty is none',
      wishes: { profile: 'staging' },
      environment: { NEXTMV_PROFILE: '' },
      is: 'staging-canary',
    },
    {
      name: '"default" is the top level',
      wishes: { profile: 'staging' },
      environment: { NEXTMV_PROFILE: 'default' },
      is: 'top-canary',
    },
    { name: '"DEFAULT" is so too', wishes: { profile: 'DEFAULT' }, is: 'top-canary' },
    {
      name: 'need not have a key that was found before',
      wishes: { profile: 'keyless', apiKey: 'arg' },
      is: 'arg',
    },
    {
      name: 'need not be there when all was found before',
      wishes: { profile: 'nowhere' },
      environment: all,
      is: 'env-canary',
    },
    {
      name: 'need not have an endpoint that was found before',
      wishes: { profile: 'placeless', endpoint: 'e.example.com' },
      is: 'placeless-canary',
    },
  ])('$name', ({ is, ...given }) => {
    expect(found(given).key).toBe(is);
  });

  test.each<Given & { name: string; says: RegExp }>([
    { name: 'that is not there', wishes: { profile: 'nowhere' }, says: /has no profile "nowhere"/ },
    {
      name: 'that is not there, with a key',
      wishes: { profile: 'nowhere', apiKey: 'arg-canary' },
      says: /has no profile "nowhere"/,
    },
    {
      name: 'that is a value of the top level',
      wishes: { profile: 'apikey' },
      says: /has no profile "apikey"/,
    },
    {
      name: 'without a key, whatever the top level has',
      wishes: { profile: 'keyless' },
      says: /"keyless" .* has no apikey/,
    },
    { name: 'with an empty key', wishes: { profile: 'blank' }, says: /"blank" .* has no apikey/ },
    {
      name: 'without an endpoint, whatever the top level has',
      wishes: { profile: 'placeless' },
      says: /"placeless" .* has no endpoint/,
    },
    {
      name: 'of a file that is not there',
      wishes: { profile: 'staging' },
      config: null,
      says: /has no profile "staging"/,
    },
  ])('$name is an error', ({ says, ...given }) => {
    expect(() => found(given)).toThrow(says);
  });
});

describe('a login by browser', () => {
  test('gives its id_token and the team', () => {
    expect(found({ wishes: { profile: 'work' } })).toMatchObject({
      key: 'id-token',
      account: 'team-1',
      endpoint: 'https://work.example.com',
    });
  });

  test('is not looked for where there is a key', () => {
    expect(found({ wishes: { profile: 'late', apiKey: 'arg' } })).toMatchObject({
      key: 'arg',
      account: null,
    });
  });

  test.each([
    { profile: 'late', says: /has expired/ },
    { profile: 'none', says: /there is no login/ },
    { profile: 'escaping', says: /leads out of the login directory/ },
    { profile: 'root', says: /leads out of the login directory/ },
  ])('of $profile is an error', ({ profile, says }) => {
    expect(() => found({ wishes: { profile } })).toThrow(says);
  });
});

describe('the operating system’s certificates', () => {
  test.each<Given & { name: string; is: boolean }>([
    { name: 'are not trusted by default', is: false },
    ...['1', 'true', 'YES'].map((value) => ({
      name: `are by ${value}`,
      environment: { NEXTMV_SYSTEM_CERTS: value },
      is: true,
    })),
    ...['0', 'false', ''].map((value) => ({
      name: `are not by "${value}"`,
      environment: { NEXTMV_SYSTEM_CERTS: value },
      is: false,
    })),
    { name: 'are by the profile', wishes: { profile: 'staging' }, is: true },
    { name: 'are by the top level', config: 'apikey: k\nsystem_certs: true', is: true },
  ])('$name', ({ is, ...given }) => {
    expect(found(given).usesSystemCertificates).toBe(is);
  });
});

test('a file that cannot be read is in the way of nobody who needs nothing of it', () => {
  expect(found({ config: 'a: [hunter2', environment: all }).key).toBe('env-canary');
});

test.each([
  { name: 'it is a directory', make: (path: string) => mkdirSync(path, { recursive: true }), code: 'EISDIR' },
  {
    name: 'its link leads nowhere else than to itself',
    make: (path: string) => symlinkSync(path, path),
    code: 'ELOOP',
  },
])('a file that cannot be read because $name is not called broken', ({ make, code }) => {
  const home = temporaryFolder();
  mkdirSync(join(home, '.nextmv'));
  make(join(home, '.nextmv/config.yaml'));
  const find = (wishes: ConnectionWishes) => findConnection(wishes, {}, () => home, nowMs);
  expect(() => find({})).toThrow(`config.yaml cannot be read (${code})`);
  expect(find({ apiKey: 'k', endpoint: 'e.example.com' }).key.reveal()).toBe('k');
});

describe('a user without a home', () => {
  const noHome = (): null => null;
  const given = { apiKey: 'k', endpoint: 'https://e.example.com' };

  test('is one who gives everything', () => {
    const { key, endpoint } = findConnection(given, {}, noHome, nowMs);
    expect([key.reveal(), endpoint]).toEqual(['k', 'https://e.example.com']);
    expect(() => findConnection({}, {}, noHome, nowMs)).toThrow('there is no API key');
    expect(() => findConnection({ profile: 'p' }, {}, noHome, nowMs)).toThrow('has no profile "p"');
  });

  // Whose directory it is need not be known to whoever starts a program there.
  test('does not get the file of the working directory', async () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, '.nextmv'));
    writeFileSync(join(cwd, '.nextmv/config.yaml'), 'apikey: of-the-directory\n');
    const library = new URL('../../dist/index.js', import.meta.url).href;
    const program = `
      import { Client } from '${library}';
      new Client({ apiKey: 'k', endpoint: 'https://e.example.com' });
      try { new Client(); } catch (error) { console.log(error.reason); }`;
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, env: { HOME: '' } });
    expect(stdout.trim()).toBe('no-key');
  });
});

describe.skipIf(isAlone)('a home that is closed to this user', () => {
  const library = new URL('../../dist/index.js', import.meta.url).href;

  /** What comes of it in a process of that user's, whose HOME is still that of another. */
  async function foundBy(options: object, close: (home: string) => void): Promise<string> {
    const home = temporaryFolder();
    mkdirSync(join(home, '.nextmv'));
    writeFileSync(join(home, '.nextmv/config.yaml'), 'apikey: of-another\nendpoint: another.example.com\n');
    chmodSync(home, 0o755);
    close(home);
    onTestFinished(() => chmodSync(home, 0o700));
    const program = `
      import { Client } from '${library}';
      try { new Client(${JSON.stringify(options)}); console.log('made'); }
      catch (error) { console.log(error.reason, error.message); }`;
    const user = otherUser === null ? {} : { uid: otherUser, gid: otherUser };
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: '/',
      env: { HOME: home },
      ...user,
    });
    return stdout.trim();
  }

  const closeHome = (home: string): void => chmodSync(home, 0);
  const closeFile = (home: string): void => chmodSync(join(home, '.nextmv/config.yaml'), 0);

  test('is in the way of nobody who gives a key', async () => {
    expect(await foundBy({ apiKey: 'k' }, closeHome)).toBe('made');
  });

  test('is said where a key, or a profile, was to be found there', async () => {
    for (const options of [{}, { apiKey: 'k', profile: 'p' }])
      expect(await foundBy(options, closeHome)).toMatch(/^no-key .*config\.yaml cannot be read \(EACCES\)/);
  });

  test('is another matter than a file that is there, and may name another endpoint', async () => {
    expect(await foundBy({ apiKey: 'k' }, closeFile)).toMatch(/^no-key .*cannot be read \(EACCES\)/);
  });
});

test.each<Given & { name: string }>([
  { name: 'there is no key', config: null },
  { name: 'the file is no YAML', config: 'apikey: "hunter-canary\nx: [' },
  { name: 'the key has a blank in it', wishes: { apiKey: 'some canary' } },
  { name: 'the key of the file has a line break', config: 'apikey: "some-canary\\n"' },
  { name: 'the key is no ASCII', environment: { NEXTMV_API_KEY: 'canary”' } },
  { name: 'the profile is not there', wishes: { profile: 'nowhere', apiKey: 'arg-canary' } },
  { name: 'the login has expired', wishes: { profile: 'late' } },
])('where $name, the error has a hint and no key in it', (given) => {
  let thrown: unknown;
  try {
    found(given);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ reason: 'no-key', hint: expect.stringMatching(/./) as string });
  expect(inspect(thrown, { depth: 9 }) + JSON.stringify(thrown)).not.toMatch(/canary|id-token/);
});

test.each(['/gateway', '/gateway/', '/gate/way'])(
  'an endpoint with a path (%s) keeps the whole of it',
  async (path) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.end('{"id":"hare-app"}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = new Client({ apiKey: 'some-key', endpoint: `http://127.0.0.1:${port}${path}` });
    onTestFinished(async () => {
      await client.close();
      server.close();
    });
    await new Application({ client, id: 'hare-app' }).get();
    expect(asked).toEqual([`${path.replace(/\/$/, '')}/v1/applications/hare-app`]);
  },
);

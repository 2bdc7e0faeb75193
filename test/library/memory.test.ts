/** What is tracked and read back is never held: memory stays flat whatever the size. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { app, begun, key, temporaryFolder } from './place.ts';

const mebibyte = 1024 * 1024;
const fileMebibytes = 200;
/** Node itself needs some 60 MiB; 200 more would show. */
const residentMebibytesMax = 190;

function writeFile(path: string, mebibytes: number): void {
  // Half of it is noise, so that the archive is not small either.
  const chunk = Buffer.concat([randomBytes(mebibyte / 2), Buffer.alloc(mebibyte / 2, 'x')]);
  const file = openSync(path, 'w');
  for (let n = 0; n < mebibytes; n += 1) writeSync(file, chunk);
  closeSync(file);
}

const library = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href;

test('a file and a directory of 200 MiB each go up and come back through 64 MiB of heap', async () => {
  const place = await begun();
  const folder = temporaryFolder();
  writeFile(join(folder, 'large.txt'), fileMebibytes);
  mkdirSync(join(folder, 'directory'));
  for (const name of ['a', 'b', 'c', 'd']) writeFile(join(folder, 'directory', name), fileMebibytes / 4);
  const program = `
    import { Application, Client } from '${library}';
    const client = new Client({ apiKey: '${key}', endpoint: '${place.standIn.endpoint}' });
    const application = new Application({ client, id: '${app}' });
    const [folder] = process.argv.slice(1);
    const result = await application.trackRunWithResult(
      { status: 'succeeded', inputFilePath: folder + '/large.txt', outputDirPath: folder + '/directory' },
      { directory: folder + '/back' },
    );
    await application.runInput(result.id, { directory: folder + '/back' });
    console.log(process.resourceUsage().maxRSS / 1024);`;
  const args = ['--max-old-space-size=64', '--input-type=module', '-e', program, folder];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(readdirSync(join(folder, 'back')).toSorted()).toEqual(['a', 'b', 'c', 'd', 'input.txt']);
  expect(statSync(join(folder, 'back', 'input.txt')).size).toBe(fileMebibytes * mebibyte);
  expect(statSync(join(folder, 'back', 'd')).size).toBe((fileMebibytes / 4) * mebibyte);
  expect(Number(stdout)).toBeLessThan(residentMebibytesMax);
}, 120_000);

/** A log that cannot be written costs lines, and nothing else. */
import { expect, test as plainTest } from 'vitest';
import { LogOutput } from '../../src/system/logOutput.ts';
import { programFile } from '../journey/program.ts';
import { test } from '../journey/scene.ts';
import { until } from '../journey/waiting.ts';

function failing(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Takes as many bytes at each call as it is told to, or fails with a code; then everything. */
function outputTo(answers: (number | string)[]) {
  let taken = '';
  const output = new LogOutput((bytes) => {
    const answer = answers.shift() ?? bytes.length;
    if (typeof answer === 'string') throw failing(answer);
    taken += bytes.subarray(0, answer).toString();
    return Math.min(answer, bytes.length);
  });
  return { output, taken: () => taken };
}

plainTest('a line that the disk does not take is lost, and the next one goes on', () => {
  const { output, taken } = outputTo(['ENOSPC', 'EIO']);
  for (const line of ['one\n', 'two\n', 'three\n']) output.write(line);
  expect(taken()).toBe('three\n');
});

plainTest('a line that is cut off ends where it was cut off', () => {
  const { output, taken } = outputTo([2, 'ENOSPC', 'ENOSPC']);
  for (const line of ['one\n', 'two\n', 'three\n']) output.write(line);
  expect(taken()).toBe('on\nthree\n');
});

plainTest('what the reader does not take yet comes later, whole and in order', async () => {
  const { output, taken } = outputTo(['EAGAIN', 'EAGAIN', 1, 'EAGAIN']);
  output.write('one\n');
  output.write('two\n');
  expect(taken()).toBe('');
  await until('the lines to be out', () => taken() === 'one\ntwo\n');
  output.write('three\n');
  expect(taken()).toBe('one\ntwo\nthree\n');
});

plainTest('what waits is bounded, and given out at the end of the process', () => {
  let isReading = false;
  let bytesTaken = 0;
  const output = new LogOutput((bytes) => {
    if (!isReading) throw failing('EAGAIN');
    bytesTaken += bytes.length;
    return bytes.length;
  });
  const line = `${'x'.repeat(1023)}\n`;
  for (let lines = 0; lines < 3_000; lines += 1) output.write(line);
  isReading = true;
  output.end();
  expect(bytesTaken).toBe(1024 * 1024);
});

test.concurrent('a daemon whose log is on a full disk works on', async ({ scene }) => {
  const start = 'exec "$0" "$1" run -c "$2" > /dev/full';
  const args = ['-c', start, process.execPath, programFile, scene.configFile];
  const daemon = scene.launch({ through: { program: '/bin/sh', args } });
  scene.drop('plan');
  await scene.result('plan');
  expect(daemon.hasEnded).toBe(false);
  expect(await daemon.stop()).toMatchObject({ code: 0, stderr: '' });
});

/** How tests come to the page of a running daemon. */
import { request } from 'undici';
import type { Daemon } from '../../journey/program.ts';
import type { Scene } from '../../journey/scene.ts';
import { until } from '../../journey/waiting.ts';

/** @returns where it listens, such as `http://127.0.0.1:40001` */
export async function listening(daemon: Daemon): Promise<string> {
  return await until('the page to be served', async () => (await daemon.status()).http ?? undefined);
}

/** What a browser would send after it has opened a link of `status --open`. */
export async function memberCookie(scene: Scene): Promise<string> {
  const { stdout, stderr } = await scene.command('status', '--open');
  if (stdout === '') throw new Error(stderr);
  const { headers, body } = await request(stdout.trim());
  await body.dump();
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

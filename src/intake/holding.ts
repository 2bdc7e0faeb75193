/** Which of the folders that are known lie in a directory now. */
import { join } from 'node:path';
import { statsIn } from '../system/wayTo.ts';

/** Known folders that are looked for in a root that is another directory than before. */
export const sampledMax = 500;

/** @throws system errors, unless nothing is there */
export async function isIn(directory: string, path: string): Promise<boolean> {
  return (await statsIn(directory, join(directory, path)))?.isDirectory() === true;
}

export async function countIn(directory: string, paths: readonly string[]): Promise<number> {
  const areThere = await Promise.all(
    paths.map(async (path) => await isIn(directory, path).catch(() => false)),
  );
  return areThere.filter(Boolean).length;
}

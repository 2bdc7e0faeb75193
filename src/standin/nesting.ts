/**
 * How deep a document is nested. What is stored is written again and looked into by the database, and both give up
 * somewhere below a few thousand levels: a request that goes that deep would break every answer that shows it.
 */

export function isDeeperThan(levelsMax: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levelsMax === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(levelsMax - 1, inner));
}

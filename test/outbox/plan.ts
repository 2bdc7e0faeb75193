/** What SQLite is going to do for a statement, step by step. */
import type Database from 'better-sqlite3';

export function planOf(db: Database.Database, sql: string): string[] {
  const steps = db.prepare(`explain query plan ${sql}`).all(anything(sql)) as { readonly detail: string }[];
  return steps.map(({ detail }) => detail);
}

/** A value for every name in the statement; which one makes no difference to a plan without statistics. */
function anything(sql: string): Record<string, number> {
  return Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name = '']) => [name, 0]));
}

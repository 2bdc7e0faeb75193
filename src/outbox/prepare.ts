/** The statements, prepared once for a connection. */
import type { Statement } from 'better-sqlite3';
import type { Db } from './database.ts';
import { statements, type StatementName } from './statements.ts';

export type Statements = Record<StatementName, Statement>;

export function prepareAll(db: Db): Statements {
  const entries = Object.entries(statements).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(entries) as Statements;
}

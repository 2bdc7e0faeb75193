export type Verdict = 'right' | 'wrong' | 'missing' | 'invented' | null;
/** What is true of a case; the README in test/solverlog/logs has its keys. */
export type Truth = Readonly<Record<string, unknown>> & {
  readonly solver: string;
  readonly status: string;
  readonly solves: number;
};
export const scoredFields: readonly string[];
export function isInLog(truth: Truth, field: string): boolean | null;
export function judge(truth: Truth, facts: object): Readonly<Record<string, Verdict>>;

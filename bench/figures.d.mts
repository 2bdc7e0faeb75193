/** The shapes of what the tests take. */
export interface Goal {
  readonly of: 'ratio' | 'median' | 'max';
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Figure {
  readonly what: string;
  readonly goal: Goal | null;
  readonly ratio: number | null;
  readonly holds: boolean | null;
  readonly share: number | null;
}

export declare function figure(taken: {
  readonly what: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly beside?: { readonly name: string; readonly values: readonly number[] } | null;
  readonly goal?: Goal | null;
  readonly note?: string | null;
}): Figure;
export declare function tableOf(figures: readonly Figure[]): string;
/** @returns lines for people */
export declare function verdictLines(
  results: readonly { readonly name: string; readonly figures: readonly Figure[] }[],
): readonly string[];

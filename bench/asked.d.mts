/** The shapes of what the tests take from `asked.mjs`. */
export interface Asking {
  readonly options?: Readonly<
    Record<
      string,
      { readonly what: string; readonly usual?: number | string; readonly result?: 'any' | 'more' }
    >
  >;
  readonly names?: readonly string[];
  readonly isEachApart?: boolean;
}

export interface Understood {
  readonly values: Readonly<Record<string, number | string | undefined>>;
  readonly names: readonly string[];
  readonly isTrial: boolean;
  readonly isHelp: boolean;
}

export function understood(asking: Asking, args: readonly string[]): Understood;

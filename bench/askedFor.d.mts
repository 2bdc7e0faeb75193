/** The shapes of what the tests take. */
import type { Figure } from './figures.d.mts';

export interface Asked {
  readonly names: readonly string[];
  readonly rounds: number;
  readonly isShort: boolean;
  readonly isHuge: boolean;
  readonly isList: boolean;
  readonly isHelp: boolean;
}

export declare const measureNames: readonly string[];
export declare function askedFor(args: readonly string[]): Asked | { readonly problem: string };
export declare function kindOf(
  asked: Pick<Asked, 'rounds' | 'isShort' | 'isHuge'>,
  figures: readonly Figure[],
): 'short' | 'incomplete' | 'huge' | 'whole';

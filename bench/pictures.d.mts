/** The shape of what the tests take. */
export declare function growthPicture(
  curves: readonly {
    readonly title: string;
    readonly unit: string;
    readonly x: string;
    readonly lines: readonly {
      readonly name: string;
      readonly points: readonly (readonly [number, number | null])[];
    }[];
  }[],
): string;

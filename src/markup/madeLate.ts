/**
 * What is made when it is first wanted. Formatters of `Intl` read the data of languages when they are made, 20 ms of a start
 * that may never show anything.
 */
export function madeLate<T extends object>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}

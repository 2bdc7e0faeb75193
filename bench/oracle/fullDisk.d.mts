/** Until not a byte more fits. */
export function fill(path: string): void;

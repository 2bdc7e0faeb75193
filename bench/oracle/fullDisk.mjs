/** A disk that is full, by a file that takes what is left. */
import { Buffer } from 'node:buffer';
import { closeSync, openSync, writeSync } from 'node:fs';

const pieceBytes = 65_536;

/** Until not a byte more fits. */
export function fill(path) {
  const file = openSync(path, 'w');
  try {
    for (let bytes = pieceBytes; bytes >= 1;) {
      try {
        writeSync(file, Buffer.alloc(bytes));
      } catch {
        bytes = Math.floor(bytes / 2);
      }
    }
  } finally {
    closeSync(file);
  }
}

/** What is remembered is found again or forgotten, and never anything else. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { LookTable } from '../../src/intake/lookTable.ts';

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
const signature = (n: number): string => createHash('sha256').update(String(n)).digest('base64url');

function fill(table: LookTable, from: number, to: number, round: number): void {
  for (let n = from; n < to; n += 1) table.put(signature(n), digestOf(String(n)), n % 255, round);
}

/** Which of the numbers below `to` are remembered as what they are. */
function kept(table: LookTable, to: number): number[] {
  return Array.from({ length: to }, (_, n) => n).filter((n) => {
    const slot = table.find(signature(n));
    return slot !== null && table.hasDigest(slot, digestOf(String(n))) && table.trailAt(slot) === n % 255;
  });
}

test('whatever was put is found, also when the table has grown many times', () => {
  const table = new LookTable();
  fill(table, 0, 5_000, 0);
  expect(table.size).toBe(5_000);
  expect(kept(table, 6_000)).toHaveLength(5_000);
});

test('what is put once more replaces what was there', () => {
  const table = new LookTable();
  table.put(signature(1), digestOf('before'), 3, 0);
  table.put(signature(1), digestOf('after'), 4, 0);
  expect(table.size).toBe(1);
  const slot = table.find(signature(1)) ?? -1;
  expect(table.hasDigest(slot, digestOf('before'))).toBe(false);
  expect(table.hasDigest(slot, digestOf('after'))).toBe(true);
  expect(table.trailAt(slot)).toBe(4);
});

test('signatures that begin alike have one slot, and the digest tells them apart', () => {
  const table = new LookTable();
  table.put('beginning-one', digestOf('one'), 0, 0);
  const slot = table.find('beginning-two') ?? -1;
  expect(table.hasDigest(slot, digestOf('two'))).toBe(false);
  expect(table.hasDigest(slot, digestOf('one'))).toBe(true);
});

test('a table that may not grow keeps what it has, until that was not met for two rounds', () => {
  const table = new LookTable(400);
  fill(table, 0, 1_000, 7);
  expect(table.size).toBe(300);
  expect(kept(table, 1_000)).toEqual(Array.from({ length: 300 }, (_, n) => n));
  for (let n = 100; n < 300; n += 1) table.meet(table.find(signature(n)) ?? -1, 8);
  fill(table, 1_000, 1_010, 8);
  expect(table.size).toBe(300);
  fill(table, 1_000, 1_010, 9);
  expect(kept(table, 1_010)).toEqual(
    Array.from({ length: 1_010 }, (_, n) => n).filter((n) => (n >= 100 && n < 300) || n >= 1_000),
  );
});

test('one that grows lets go of what was not met for two rounds, also where their count begins anew', () => {
  const table = new LookTable();
  fill(table, 0, 190, 254);
  fill(table, 190, 192, 255);
  fill(table, 192, 193, 0);
  expect(table.size).toBe(3);
  expect(kept(table, 193)).toEqual([190, 191, 192]);
});

import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Agenda } from '../../src/intake/agenda.ts';

test('the next one that is due comes first, and nothing before its time', () => {
  const agenda = new Agenda();
  agenda.add('later', 30);
  agenda.add('soon', 10);
  agenda.add('then', 20);
  expect(agenda.nextMs()).toBe(10);
  expect(agenda.take(9)).toBeNull();
  expect([agenda.take(25), agenda.take(25), agenda.take(25)]).toEqual(['soon', 'then', null]);
  expect(agenda.nextMs()).toBe(30);
});

test('what is agreed on only ever comes sooner, and is looked at once', () => {
  const agenda = new Agenda();
  agenda.add('a', 30);
  agenda.add('a', 50);
  agenda.add('a', 10);
  expect(agenda.size).toBe(1);
  expect(agenda.take(100)).toBe('a');
  expect(agenda.take(100)).toBeNull();
});

test('of any additions and deletions, what is left comes out in the order of its times', () => {
  const deed = fc.record({
    path: fc.integer({ min: 0, max: 20 }),
    at: fc.nat(1_000),
    isDeleted: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 200 }), (deeds) => {
      const agenda = new Agenda();
      const model = new Map<string, number>();
      for (const { path, at, isDeleted } of deeds) {
        const name = String(path);
        if (isDeleted) {
          agenda.delete(name);
          model.delete(name);
        } else {
          agenda.add(name, at);
          model.set(name, Math.min(at, model.get(name) ?? Infinity));
        }
      }
      const times: number[] = [];
      for (let path = agenda.take(Infinity); path !== null; path = agenda.take(Infinity)) {
        times.push(model.get(path) ?? NaN);
        model.delete(path);
      }
      expect(model.size).toBe(0);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }),
  );
});

test('what is opened and closed a hundred thousand times leaves nothing behind', () => {
  const agenda = new Agenda();
  agenda.add('stays', 1);
  for (let n = 0; n < 100_000; n += 1) {
    agenda.add(`run-${String(n)}`, 1_000 + n);
    agenda.delete(`run-${String(n)}`);
  }
  expect(agenda.size).toBe(1);
  expect(agenda.held).toBeLessThan(2_000);
  expect(agenda.take(1)).toBe('stays');
});

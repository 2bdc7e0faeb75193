/** Which directories lie in one another, found without comparing each with each. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { overlapsAmong, type Place, relation } from '../../src/config/places.ts';

/** Directories of a small tree, some of which do not exist, or are there under a second name by a bind mount. */
const names = fc.array(fc.constantFrom('a', 'b', 'aa'), { maxLength: 3 });
const places = fc.array(
  names.chain((path) =>
    fc.record({
      path: fc.constant(path),
      isThere: fc.boolean(),
      isBound: fc.boolean(),
      isSilent: fc.boolean(),
    }),
  ),
  { maxLength: 8 },
);

function placeFrom(given: {
  path: readonly string[];
  isThere: boolean;
  isBound: boolean;
  isSilent: boolean;
}): Place {
  const around = given.path.map((_, index) => `/${given.path.slice(0, given.path.length - index).join('/')}`);
  const realPaths = [...around, '/'];
  const identities = realPaths.map((path, index) => (index > 0 || given.isThere ? `1:${path}` : null));
  const [own = '/'] = realPaths;
  return {
    realPath: given.isBound ? join('/mnt', own).replace(/\/$/, '') : own,
    identities: given.isSilent ? [] : given.isBound ? [identities[0] ?? null, '1:/mnt', '1:/'] : identities,
  };
}

test('they are the same that comparing each with each finds', () => {
  fc.assert(
    fc.property(places, (given) => {
      const all = given.map(placeFrom);
      const compared = all.map((later, index) =>
        all.slice(0, index).flatMap((earlier, at) => (relation(later, earlier) === 'apart' ? [] : [at])),
      );
      expect(overlapsAmong(all)).toEqual(compared);
    }),
    { numRuns: 2_000 },
  );
});

test('with thousands each is looked at a few times', () => {
  let looks = 0;
  const all = Array.from({ length: 3_000 }, (_, index): Place => {
    const realPath = `/srv/runs/${String(index)}`;
    return {
      get realPath() {
        looks += 1;
        return realPath;
      },
      identities: [`1:${String(index + 10)}`, '1:3', '1:2', '1:1'],
    };
  });
  expect(overlapsAmong(all).flat()).toEqual([]);
  expect(looks).toBeLessThan(10 * all.length);
});

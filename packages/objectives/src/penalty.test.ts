import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  absoluteValue,
  allOf,
  certify,
  type Constraints,
  crossEntropy,
  eachWeight,
  elasticNet,
  freePattern,
  groups,
  l1,
  nuclear,
  type Penalty,
  penaltyTerms,
  ridge,
  ridgeOf,
  type ScalarPenalty,
  structureOf,
} from './index.js';
import { assertPenalty } from './laws/index.js';

/** |x| beyond 1, x^2 / 2 + 1/2 within (Huber 1964). */
const huber: ScalarPenalty = {
  name: 'huber',
  value: (x) => (Math.abs(x) > 1 ? Math.abs(x) : (x * x + 1) / 2),
  prox: (v, step) => (Math.abs(v) > 1 + step ? v - step * Math.sign(v) : v / (1 + step)),
  slopeBelow: (x) => Math.max(-1, Math.min(1, x)),
  slopeAbove: (x) => Math.max(-1, Math.min(1, x)),
};
/** max(0, x): only positive weights cost, with a kink at 0. */
const positivePart: ScalarPenalty = {
  name: 'positive part',
  value: (x) => Math.max(0, x),
  prox: (v, step) => (v > step ? v - step : Math.min(v, 0)),
  slopeBelow: (x) => (x > 0 ? 1 : 0),
  slopeAbove: (x) => (x < 0 ? 0 : 1),
};

describe('the laws of a penalty', () => {
  it.each([absoluteValue, huber, positivePart].map((of) => [of.name, of] as const))('hold for %s', (_, of) => {
    assertPenalty(of);
  });

  const wrong: readonly (readonly [string, ScalarPenalty, RegExp])[] = [
    ['a concave one', { ...absoluteValue, value: (x) => Math.sqrt(Math.abs(x)) }, /convex/],
    ['a prox that goes too far', { ...absoluteValue, prox: (v, s) => absoluteValue.prox(v, 2 * s) }, /prox is optimal/],
    ['hard thresholds', { ...absoluteValue, prox: (v, s) => (Math.abs(v) > s ? v : 0) }, /prox/],
    ['slopes of another function', { ...huber, slopeAbove: (x) => x, slopeBelow: (x) => x }, /slopes/],
    ['a kink that is kept silent', { ...absoluteValue, slopeBelow: (x) => (x >= 0 ? 1 : -1) }, /prox is optimal/],
    ['an indicator, which is not finite', { ...huber, value: (x) => (x < 0 ? Infinity : x) }, /finite/],
  ];
  it.each(wrong)('refuse %s', (_, of, law) => {
    expect(() => assertPenalty(of)).toThrow(law);
  });

  it("Moreau's identity: v = prox of |x| + projection to the dual ball", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -9, max: 9, noNaN: true }),
        fc.double({ min: 0.01, max: 5, noNaN: true }),
        (v, s) => {
          const projection = Math.max(-s, Math.min(s, v));
          expect(Math.abs(absoluteValue.prox(v, s) + projection - v)).toBeLessThan(1e-14);
        },
      ),
    );
  });
});

describe('a penalty', () => {
  it('is the sum of its terms', () => {
    const labels = ['a', 'a', 'b'];
    const terms = penaltyTerms(
      allOf(ridge(1), l1(2), elasticNet(4, 0.25), groups({ labels, strength: 3 }), allOf(nuclear(5), nuclear(6))),
    );
    expect(terms.ridge).toBe(4);
    expect(terms.each).toEqual({ strength: 3, penalty: absoluteValue });
    expect(terms.groups).toMatchObject([{ labels, strength: 3 }]);
    expect(terms.nuclear).toBe(11);
  });

  it('keeps the ridge of the objective, unless it names its own', () => {
    const ridgeFor = (penalty: Penalty, strength?: number): number =>
      ridgeOf(crossEntropy({ penalty, ...(strength === undefined ? {} : { ridge: strength }) }).penalty);
    expect(ridgeFor(l1(1))).toBe(1e-5);
    expect(ridgeFor(l1(1), 1e-3)).toBe(1e-3);
    expect(ridgeFor(ridge(0.5))).toBe(0.5);
    expect(ridgeFor(elasticNet(1, 0.2))).toBeCloseTo(0.8, 15);
    expect(ridgeFor(elasticNet(1, 0.2), 1)).toBeCloseTo(1.8, 15);
  });

  it('leaves the certificate to the slope', () => {
    expect(certify(crossEntropy({ clip: 0.2, penalty: l1(1), constraints: { signs: [1, -1] } })).verdict).toBe(
      'convex',
    );
  });

  it('is refused with everything that is wrong', () => {
    expect(() => crossEntropy({ penalty: allOf(l1(-1), elasticNet(1, 2), nuclear(Number.NaN)) })).toThrow(
      /l1: saw -1.*\nelastic-net ratio: saw 2.*\nnuclear: saw NaN/s,
    );
    expect(() => crossEntropy({ penalty: allOf(l1(1), eachWeight(1, huber)) })).toThrow(/one penalty on each weight/);
    expect(() => crossEntropy({ constraints: { signs: [1, 2], box: { low: 1, high: 0 } } })).toThrow(
      /signs: saw 2 at unit 1.*\nbox: saw \[1, 0\]/s,
    );
  });
});

describe('the structure of an objective', () => {
  const sizes = { units: 3, inputs: 1, bias: true, transitions: 10 };
  const of = (penalty: Penalty, constraints: Constraints = {}) =>
    structureOf({ penalty, constraints }, freePattern(constraints, 3, 1, true), sizes);

  it('is null where all is smooth', () => {
    expect(of(ridge(1))).toBeNull();
    expect(of(allOf(l1(0), nuclear(0), elasticNet(1, 0)))).toBeNull();
  });

  it('is per transition, not on the bias, and in bounds', () => {
    const structure = of(allOf(l1(0.5), groups({ labels: ['a', 'b', 'a'], strength: 1 })), {
      signs: [1, -1, 0],
      box: { low: -2, high: matrix(3, 4, new Float64Array(12).fill(3)) },
    });
    expect(structure?.each?.weight).toEqual(Float64Array.of(5, 5, 5, 5, 0));
    expect(structure?.blocks).toEqual([
      { members: Int32Array.of(0, 2), weight: 10 * Math.SQRT2 },
      { members: Int32Array.of(1), weight: 10 },
    ]);
    const column = (a: { readonly data: Float64Array } | undefined, j: number) =>
      Array.from({ length: 5 }, (_, p) => a?.data[p * 3 + j]);
    // From excitatory unit 0, inhibitory unit 1, unit 2 and the input, and the bias, to unit 1, which has no loop.
    expect(column(structure?.low, 1)).toEqual([0, 0, -2, -2, -Infinity]);
    expect(column(structure?.high, 1)).toEqual([3, 0, 3, 3, Infinity]);
  });

  it('is refused with named shapes', () => {
    expect(() => of(groups({ labels: [1, 2], strength: 1 }))).toThrow(/2 labels.*\[unit=3\] or \[unit \+ input=4\]/);
    expect(() => of(ridge(0), { signs: [1, 1] })).toThrow(/2 signs.*\[unit=3\]/);
    expect(() => of(ridge(0), { signs: 'auto' })).toThrow(/chooseSigns/);
    expect(() => of(ridge(0), { box: { low: matrix(4, 3) } })).toThrow(/box\.low: saw \[4, 3\].*transposed/);
    expect(() => of(ridge(0), { signs: [-1, 0, 0], box: { low: 0.1 } })).toThrow(/from unit 0 to unit 1/);
  });
});

import { matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { circleGuesses, circlesRound, fociAt } from './circle-branch.js';
import { curveDynamics } from './curve-dynamics.js';
import { resolvedCurve, sizeOf } from './invariant-curve.js';
import type { IteratedMap } from './iterated-map.js';
import { ring, rotation } from './known-systems.js';
import { holdInput } from './network.js';
import { networkMap } from './network-dynamics.js';
import { orbitCurve } from './orbit-curve.js';

/** The circles round a fixed point at 0, each with what the map does on it. */
const around = (map: IteratedMap, most: number) => {
  const [focus] = fociAt(map, new Float64Array(map.dimension));
  if (focus === undefined) return [];
  const guesses = circleGuesses(map, focus, most);
  const first = Math.min(...guesses.map(({ amplitude }) => amplitude));
  return circlesRound({ map }, focus, { first, most, wanted: guesses.length }).flatMap((nodes) => {
    const curve = resolvedCurve({ map }, nodes);
    const dynamics = curve === null ? null : curveDynamics(map, curve, map.dimension - 1);
    return curve === null || dynamics === null ? [] : [{ curve, dynamics, repels: guesses[0]?.repels }];
  });
};

describe('circles whose radius and turn are known', () => {
  it.each([
    ['a repelling one', 0.3 / (2 * Math.PI), 0.3],
    ['an attracting one', 0.3 / (2 * Math.PI), -0.3],
    ['a quarter of a turn', 1 / 4, 0.3],
    ['nearly a quarter', 1 / 4 + 1e-4, 0.3],
    ['a third of a turn', 1 / 3, 0.3],
    ['a fifth', 1 / 5, -0.3],
    ['one that is turned slowly', 0.004, 0.3],
    ['backward', -0.0789, 0.3],
  ])('%s', (_, turns, s) => {
    const radius = 0.6;
    const found = around(ring(turns, s, radius), 0.8);
    expect(found.length).toBe(1);
    const { curve, dynamics, repels } = found[0]!;
    expect(repels).toBe(s > 0);
    for (let p = 0; p < curve.nodes.rows; p++) {
      expect(Math.abs(Math.hypot(...curve.nodes.data.subarray(2 * p, 2 * p + 2)) - radius)).toBeLessThan(1e-11);
    }
    expect(curve.invariance).toBeLessThan(1e-11);
    expect(Math.abs(dynamics.circle.rotationNumber - Math.abs(turns))).toBeLessThan(1e-12);
    expect(Math.abs(dynamics.across[0]! - Math.log(Math.abs(1 + 2 * s * radius ** 2)))).toBeLessThan(1e-10);
    expect(Math.abs(dynamics.along)).toBeLessThan(1e-10);
  });

  it.each([0.5, 1.2])('with a third variable of multiplier %d beside it', (multiplier) => {
    const found = around(ring(0.09, 0.25, 0.7, multiplier), 0.8);
    expect(found.length).toBe(1);
    const expected = [Math.log(1 + 2 * 0.25 * 0.49), Math.log(multiplier)].toSorted((a, b) => b - a);
    expect(Math.abs(found[0]!.dynamics.circle.rotationNumber - 0.09)).toBeLessThan(1e-12);
    found[0]!.dynamics.across.forEach((value, k) => expect(Math.abs(value - expected[k]!)).toBeLessThan(1e-9));
  });

  it('any radius and turn', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.02, max: 0.48, noNaN: true }),
        fc.double({ min: 0.3, max: 0.7, noNaN: true }),
        fc.constantFrom(-0.3, 0.3),
        (turns, radius, s) => {
          const [found] = around(ring(turns, s, radius), 0.8);
          expect(Math.abs((found?.dynamics.circle.rotationNumber ?? 0) - turns)).toBeLessThan(1e-10);
          expect(Math.abs(sizeOf(found!.curve.nodes) / radius - 1)).toBeLessThan(1e-9);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('circles of two units that turn', () => {
  // Periods from 4e6 steps of the angle, weighted.
  it.each([
    [0.1, 30, 1.5, 113.390664253679],
    [0.1, 30, 2, 123.588933520186],
    [0.1, 90, 6, 13.813017811745],
    [0.5, 90, 2.5, 5.900363716108],
    // Nearly a sixth of a turn.
    [0.5, 90, 2, 5.983412612696],
  ])('a = %d, %d degrees, g = %d: the period of the averages', (alpha, degrees, gain, period) => {
    const map = networkMap(holdInput({ W: matrixOf(rotation(gain, degrees)), alpha }));
    const [found] = around(map, 0.8);
    expect(Math.abs((found?.dynamics.circle.period ?? 0) / period - 1)).toBeLessThan(1e-11);
    expect(found?.dynamics.across[0]).toBeLessThan(0);
    expect(found?.dynamics.circle.residual).toBeLessThan(1e-7);
  });
});

describe('what is no circle', () => {
  it('a contraction has none', () => {
    const map = networkMap(holdInput({ W: matrixOf(rotation(1, 30)), alpha: 0.1 }));
    expect(around(map, 0.8)).toEqual([]);
  });

  it('more unknowns than 2000, or a limit of the work, are refused', () => {
    const map = ring(0.1, 0.3, 0.6);
    const nodes = (count: number) =>
      matrix(
        count,
        2,
        Float64Array.from({ length: 2 * count }, (_, k) => {
          const angle = (2 * Math.PI * (k >> 1)) / count;
          return 0.58 * (k % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
        }),
      );
    expect(resolvedCurve({ map }, nodes(2001))).toBeNull();
    expect(resolvedCurve({ map, spend: () => true }, nodes(17))).toBeNull();
    expect(resolvedCurve({ map }, nodes(17))).not.toBeNull();
  });
});

describe('curves along orbits', () => {
  it('are found where states go all round, in any order, and nowhere else', () => {
    const states = matrix(
      500,
      3,
      Float64Array.from({ length: 1500 }, (_, k) => {
        const angle = 2.399963 * Math.floor(k / 3);
        return [1 + 2 * Math.cos(angle), Math.sin(angle), 0.3 * Math.cos(2 * angle)][k % 3]!;
      }),
    );
    const nodes = orbitCurve(states);
    expect(nodes).not.toBeNull();
    for (let p = 0; p < (nodes?.rows ?? 0); p++) {
      const [x, y] = [(nodes!.data[3 * p]! - 1) / 2, nodes!.data[3 * p + 1]!];
      expect(Math.abs(Math.hypot(x, y) - 1)).toBeLessThan(1e-2);
    }
    const half = matrix(
      200,
      2,
      Float64Array.from({ length: 400 }, (_, k) => (k % 2 === 0 ? k / 400 : (k / 400) ** 2)),
    );
    expect(orbitCurve(half)).toBeNull();
  });
});

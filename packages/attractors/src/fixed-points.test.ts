import { DrnnError, matrix, matrixOf, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttractorNetwork, type FixedPointSet, fixedPoints } from './index.js';
import { flipFlop, gaussianWeights, gridOfThree, hankelNetwork, weights } from './known-networks.test.data.js';

const distance = (a: Float64Array, b: Float64Array): number => Math.hypot(...a.map((value, i) => value - b[i]!));

const fixedOf = ({ points }: FixedPointSet): readonly Float64Array[] =>
  points.filter((point) => point.class === 'fixed').map(({ state }) => state);

/** The largest distance from a state of one set to the nearest of the other, both ways. */
const apart = (a: readonly Float64Array[], b: readonly Float64Array[]): number => {
  const far = (from: readonly Float64Array[], to: readonly Float64Array[]): number =>
    Math.max(0, ...from.map((state) => Math.min(...to.map((other) => distance(state, other)))));
  expect(a.length).toBe(b.length);
  return Math.max(far(a, b), far(b, a));
};

/** sum_j W_ij r_j + c_i - atanh(r_i) at a root is 0: another equation than the one that is solved. */
const inverseResidual = ({ W, b }: AttractorNetwork, r: Float64Array): number =>
  Math.max(
    ...r.map((value, i) => {
      let z = b?.[i] ?? 0;
      for (let j = 0; j < r.length; j++) z += W.data[i * r.length + j]! * r[j]!;
      return Math.abs(Math.tanh(z) - value);
    }),
  );

/** Small networks, driven or not, at gains where several points are the rule. */
const networks = fc
  .record({
    units: fc.integer({ min: 2, max: 6 }),
    gain: fc.double({ min: 0.5, max: 3, noNaN: true }),
    seed: fc.integer({ min: 1, max: 10_000 }),
    isDriven: fc.boolean(),
  })
  .map(({ units, gain, seed, isDriven }) => ({
    W: gaussianWeights(units, gain / Math.sqrt(units), seed),
    b: isDriven ? gaussianWeights(units, 0.3, seed + 1).data.slice(0, units) : new Float64Array(units),
    alpha: 0.1,
  }));

describe('fixed points', () => {
  it('are roots, proven, apart from each other, in the cube, and sum up to 1', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const set = fixedPoints(network);
        for (const [k, point] of set.points.entries()) {
          if (point.class !== 'fixed') continue;
          expect(inverseResidual(network, point.state)).toBeLessThanOrEqual(1e-14);
          expect(point.speed).toBeLessThanOrEqual(1e-14);
          expect(point.h).toBeLessThanOrEqual(0.5);
          expect(Math.max(...point.state.map(Math.abs))).toBeLessThan(1);
          for (const other of set.points.slice(k + 1)) {
            if (other.class !== 'fixed') continue;
            expect(distance(point.state, other.state)).toBeGreaterThan(
              point.certificateRadius + other.certificateRadius,
            );
          }
        }
        if (set.points.every((point) => point.class !== 'degenerate')) expect(set.indexSum).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  it('do not depend on alpha or the form', () => {
    fc.assert(
      fc.property(networks, ({ W, b }) => {
        const found = fixedPoints({ W, b, alpha: 0.1 }, { seeds: 256 });
        for (const other of [
          { W, b, alpha: 1 },
          { W, b, alpha: Float64Array.from(b, (_, i) => 0.1 + 0.1 * i) },
          { W, b, alpha: 0.5, form: 'current' as const },
        ]) {
          expect(fixedPoints(other, { seeds: 256 }).points).toEqual(found.points);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('move with the units, and change sign with them', () => {
    fc.assert(
      fc.property(networks, fc.integer({ min: 0, max: 63 }), ({ W, b }, flips) => {
        const n = W.rows;
        const sign = (i: number): number => (((flips >> i) & 1) === 1 ? -1 : 1);
        const to = (i: number): number => (i * 5 + 1) % n;
        // 5 and n have no common divisor but for n = 5, where the order is left as it is.
        const place = n === 5 ? (i: number): number => i : to;
        const turned = (r: Float64Array): Float64Array => {
          const out = new Float64Array(n);
          r.forEach((value, i) => (out[place(i)] = sign(i) * value));
          return out;
        };
        const other = matrix(n, n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) other.data[place(i) * n + place(j)] = sign(i) * sign(j) * W.data[i * n + j]!;
        }
        const found = fixedOf(fixedPoints({ W, b, alpha: 0.1 }));
        const moved = fixedOf(fixedPoints({ W: other, b: turned(b), alpha: 0.1 }));
        expect(apart(found.map(turned), moved)).toBeLessThan(1e-10);
      }),
      { numRuns: 30 },
    );
  });

  it('come with their mirror images and the origin, without drive', () => {
    fc.assert(
      fc.property(networks, ({ W }) => {
        const { points } = fixedPoints({ W, alpha: 0.1 }, { seeds: 64 });
        const roots = points.filter((point) => point.class === 'fixed');
        expect(roots.some(({ state }) => state.every((value) => value === 0))).toBe(true);
        roots.forEach(({ state, mirror }, k) => {
          const image = points[mirror ?? -1];
          expect(image?.mirror).toBe(k);
          expect(
            distance(
              image?.state ?? state,
              state.map((value) => -value),
            ),
          ).toBeLessThan(1e-14);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('are proven by certificates that hold: the root lies within the radius of a displaced state', () => {
    // A block flip-flop has its roots at block means of tanh(2 m) = m: known apart from this search.
    const exact = 0.9575040240772688;
    for (const { state, certificateRadius, uniqueRadius } of fixedPoints({ W: flipFlop(2, 8), alpha: 0.1 }).points) {
      const truth = state.map((value) => (Math.abs(value) < 0.5 ? 0 : Math.sign(value) * exact));
      expect(distance(state, truth)).toBeLessThanOrEqual(certificateRadius);
      expect(uniqueRadius).toBeGreaterThan(certificateRadius);
      expect(uniqueRadius).toBeLessThan(0.96 * Math.sqrt(8));
    }
  });

  it('are the same again for the same seed, and do not depend on how many starts went before', () => {
    const W = gaussianWeights(12, 0.6, 5);
    const few = fixedPoints({ W, alpha: 0.1 }, { seeds: 128, exhaustive: true });
    const again = fixedPoints({ W, alpha: 0.1 }, { seeds: 128, exhaustive: true });
    expect(again.points).toEqual(few.points);
    const more = fixedPoints({ W, alpha: 0.1 }, { seeds: 512, exhaustive: true });
    expect(more.points.length).toBeGreaterThanOrEqual(few.points.length);
  });

  it('are the same whether a network of low rank is searched in its rates or in its rank', () => {
    const [P, Q] = [gaussianWeights(20, 1, 1), gaussianWeights(20, 1, 2)];
    const W = weights(20, (i, j) => {
      let sum = 0;
      for (let k = 0; k < 3; k++) sum += P.data[i * 20 + k]! * (P.data[j * 20 + k]! + Q.data[j * 20 + k]!);
      return sum / 8;
    });
    const full = matrix(
      20,
      20,
      W.data.map((value, k) => value + (k % 21 === 0 ? 1e-9 : 0)),
    );
    const low = fixedPoints({ W, alpha: 0.1 });
    const high = fixedPoints({ W: full, alpha: 0.1 });
    expect([low.unknowns, high.unknowns]).toEqual([3, 20]);
    expect(low.points.length).toBeGreaterThan(1);
    expect(apart(fixedOf(low), fixedOf(high))).toBeLessThan(1e-6);
    for (const { state, certificateRadius } of low.points) {
      expect(inverseResidual({ W, alpha: 0.1 }, state)).toBeLessThan(1e-13);
      expect(certificateRadius).toBeLessThan(1e-9);
    }
  });

  it('are found from trajectories that pass them', () => {
    const W = flipFlop(2, 8, 0.05);
    const trajectories = matrix(200, 16);
    for (let t = 0; t < 200; t++) {
      for (let i = 0; i < 16; i++) trajectories.data[t * 16 + i] = Math.sin(t / 20 + (i < 8 ? 0 : 1.3)) * 0.95;
    }
    const set = fixedPoints({ W, alpha: 0.1 }, { trajectories, seeds: 256 });
    expect(fixedOf(set).length).toBe(9);
  });
});

describe('slow points', () => {
  it('are told from fixed ones: the ghost of a fold', () => {
    // r = tanh(2 r + b) has lost its left pair of points at |b| = 0.53284: beyond it, a ghost.
    const ghost = fixedPoints({ W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.5329) });
    expect(ghost.points.map((point) => point.class)).toEqual(['fixed', 'slow']);
    expect(ghost.points[1]!.state[0]).toBeCloseTo(-Math.SQRT1_2, 3);
    expect(ghost.points[1]!.speed).toBeGreaterThan(1e-6);
    expect(ghost.points[1]!.smallestSingularValue).toBeLessThan(1e-4);
    expect(ghost.indexSum).toBe(1);
    const before = fixedPoints({ W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.5328) });
    expect(before.points.map((point) => point.class)).toEqual(['fixed', 'fixed', 'fixed']);
  });

  it('are left out where the trial is so long that the network leaves them', () => {
    const network = { W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.54) };
    expect(fixedPoints(network, { trial: 10 }).points.length).toBe(2);
    expect(fixedPoints(network, { trial: 1000 }).points.length).toBe(1);
  });
});

describe('the end of a search', () => {
  it('is said: complete, or the seeds were spent', () => {
    expect(fixedPoints({ W: hankelNetwork(4), alpha: 1 }).stoppedBecause).toBe('complete');
    const few = fixedPoints({ W: hankelNetwork(4), alpha: 1 }, { starts: gridOfThree(4) });
    expect([few.stoppedBecause, few.starts]).toEqual(['seeds', 82]);
  });

  it('comes with the time limit, between two starts', () => {
    const network = { W: gaussianWeights(60, 0.35, 2), alpha: 0.1 };
    const { stoppedBecause, starts, seconds } = fixedPoints(network, { timeLimit: 0.05, seeds: 100_000 });
    expect(stoppedBecause).toBe('time');
    expect(starts).toBeLessThan(100_000);
    expect(seconds).toBeLessThan(30);
  });

  it('comes after a trace that counts up to what is returned', () => {
    fc.assert(
      fc.property(networks, fc.integer({ min: 0, max: 150 }), (network, seeds) => {
        const { trace, points, indexSum, starts } = fixedPoints({ ...network, alpha: 0.5 }, { seeds });
        expect(trace.at(-1)).toEqual({ starts, points: points.length, indexSum });
        trace.slice(1).forEach((stage, k) => {
          const before = trace[k]!;
          expect(stage.starts).toBeGreaterThan(before.starts);
          if (points.every(({ class: kind }) => kind !== 'degenerate'))
            expect(stage.points).toBeGreaterThanOrEqual(before.points);
        });
        // Only the end may have nothing new.
        const changes = trace.slice(0, -1).map((stage) => stage.points);
        changes.slice(1).forEach((count, k) => expect(count).not.toBe(changes[k]));
      }),
      { numRuns: 25 },
    );
  });

  it('shows in the trace what a shorter search finds', () => {
    const network = { W: flipFlop(3, 4), alpha: 0.1 };
    const whole = fixedPoints(network, { seeds: 160, exhaustive: true });
    const cut = fixedPoints(network, { seeds: 8 });
    expect(whole.points.length).toBeGreaterThan(cut.points.length);
    // The origin and eight random starts; what is tried between known points comes after them.
    const early = cut.trace.filter(({ starts }) => starts <= 9);
    expect(early.length).toBeGreaterThan(2);
    expect(whole.trace.filter(({ starts }) => starts <= 9)).toEqual(early);
    // The origin is known before the first random start.
    expect(whole.trace[0]).toEqual({ starts: 1, points: 1, indexSum: whole.points[0]!.indexSign });
  });

  it('admits an incomplete set by its index sum', () => {
    // One start away from the origin cannot find more than one pair of the nine.
    const starts = matrixOf([[0.9, -0.6, 0.4, -0.8]]);
    const { points, indexSum } = fixedPoints({ W: hankelNetwork(4), alpha: 1 }, { starts });
    expect(points.length).toBeLessThan(9);
    expect(indexSum).not.toBe(1);
  });
});

describe('degenerate networks', () => {
  it('without weights have one point, tanh(c)', () => {
    const b = Float64Array.of(0.5, -2, 0);
    const { points, indexSum, stoppedBecause } = fixedPoints({ W: matrix(3, 3), alpha: 0.2, b });
    expect(points.length).toBe(1);
    expect(distance(points[0]!.state, b.map(Math.tanh))).toBeLessThan(1e-15);
    expect([indexSum, stoppedBecause]).toEqual([1, 'contraction']);
  });

  it('that are saturated have their corners', () => {
    const W = matrixOf([
      [40, 0],
      [0, 40],
    ]);
    const { points, indexSum } = fixedPoints({ W, alpha: 0.1 });
    expect([points.length, indexSum]).toEqual([9, 1]);
    for (const { state } of points) expect(state.every((value) => [0, 1].includes(Math.abs(value)))).toBe(true);
    const driven = fixedPoints({ W, alpha: 0.1, b: Float64Array.of(500, -500) });
    expect(driven.points.map(({ state }) => [...state])).toEqual([[1, -1]]);
  });

  it('whose weights overflow have nothing that is proven, and nothing is returned', () => {
    for (const W of [matrixOf([[1e300]]), weights(3, () => 1e308)]) {
      const { points, converged } = fixedPoints(
        { W, alpha: 0.1, b: new Float64Array(W.rows).fill(0.3) },
        { seeds: 50 },
      );
      expect([points.length, converged]).toEqual([0, 0]);
    }
  });

  const issuesOf = (run: () => unknown): readonly string[] => {
    try {
      run();
    } catch (error) {
      if (error instanceof DrnnError) return error.issues.map(({ path }) => path);
      throw error;
    }
    return [];
  };

  it('are refused with everything that is wrong', () => {
    const W = matrixOf([
      [Number.NaN, 1],
      [0, 1],
    ]);
    const b = Float64Array.of(1, Infinity);
    expect(issuesOf(() => fixedPoints({ W, b, alpha: 1.5 }, { input: [1] }))).toEqual(['W', 'b', 'alpha', 'input']);
    const narrow: Matrix = matrix(2, 3);
    expect(issuesOf(() => fixedPoints({ W: narrow, alpha: 0 }))).toEqual(['W', 'alpha']);
    expect(
      issuesOf(() =>
        fixedPoints({ W: matrix(2, 2), alpha: 1 }, { seeds: -1, seed: 0.5, starts: matrix(1, 3), trial: 0 }),
      ),
    ).toEqual(['seeds', 'seed', 'starts', 'trial']);
  });
});

/** Networks whose fixed points are known by algebra, or to all digits from independent searches. */
import { simulate } from '@drnn/simulator';
import { matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { type FixedPointSet, fixedPoints } from './index.js';
import { flipFlop, gaussianWeights, gridOfThree, hankelNetwork, weights } from './known-networks.test.data.js';

const alpha = 0.1;

const sorted = ({ points }: FixedPointSet): readonly (readonly number[])[] =>
  points
    .map(({ state }) => Array.from(state))
    .toSorted((a, b) => {
      const at = a.findIndex((value, i) => Math.abs(value - b[i]!) > 1e-6);
      return at < 0 ? 0 : a[at]! - b[at]!;
    });

const farthest = (found: readonly (readonly number[])[], wanted: readonly (readonly number[])[]): number => {
  expect(found.length).toBe(wanted.length);
  return Math.max(...found.flatMap((state, k) => state.map((value, i) => Math.abs(value - wanted[k]![i]!))));
};

const mirrored = (...points: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  points.flatMap((point) => [point, point.map((value) => -value)]);

const inOrder = (points: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  points.toSorted((a, b) => {
    const at = a.findIndex((value, i) => Math.abs(value - b[i]!) > 1e-6);
    return at < 0 ? 0 : a[at]! - b[at]!;
  });

const allProven = (set: FixedPointSet): void => {
  for (const point of set.points) {
    expect(point.class).toBe('fixed');
    expect(point.h).toBeLessThanOrEqual(0.5);
    expect(point.speed).toBeLessThanOrEqual(1e-12);
    expect(point.certificateRadius).toBeLessThan(1e-9);
  }
};

describe('one unit, r = tanh(w r)', () => {
  it.each([-3, -1, 0, 0.3, 0.999])('has the origin alone at w = %d', (w) => {
    const set = fixedPoints({ W: matrixOf([[w]]), alpha });
    expect(farthest(sorted(set), [[0]])).toBeLessThanOrEqual(1e-12);
    expect(set.indexSum).toBe(1);
    allProven(set);
  });

  it('has a degenerate origin at w = 1', () => {
    const set = fixedPoints({ W: matrixOf([[1]]), alpha });
    expect(sorted(set)).toEqual([[0]]);
    expect(set.points[0]?.class).toBe('degenerate');
    expect(set.indexSum).toBeNull();
  });

  it.each([
    [1.01, 0.171661779279334],
    [1.1, 0.5029405749446414],
    [1.2, 0.6585696604057539],
    [1.5, 0.8585596366401104],
    [2, 0.9575040240772688],
    [3, 0.9949015284526289],
  ])('has three points at w = %d', (w, r) => {
    const set = fixedPoints({ W: matrixOf([[w]]), alpha });
    expect(farthest(sorted(set), [[-r], [0], [r]])).toBeLessThanOrEqual(1e-12);
    expect(set.indexSum).toBe(1);
    allProven(set);
  });

  it('has three points that are no mirror images with a drive', () => {
    const set = fixedPoints({ W: matrixOf([[2]]), alpha, b: Float64Array.of(0.2) });
    const wanted = [[-0.93029720271016], [-0.2028532144823], [0.97301568665235]];
    expect(farthest(sorted(set), wanted)).toBeLessThanOrEqual(1e-12);
    expect(set.indexSum).toBe(1);
  });

  it('does not take a slow passage for a fixed point', () => {
    // r' = tanh(r) - r from 0.5: at step 10^4 the speed passes for zero with the usual tolerance.
    let r = 0.5;
    const seen: number[] = [];
    for (let t = 1; t <= 100_000; t++) {
      r = 0.9 * r + 0.1 * Math.tanh(r);
      if ([100, 1000, 10_000, 100_000].includes(t)) seen.push(r);
    }
    const known = [0.3110896394, 0.1198104687, 0.03866591736, 0.01224616199];
    expect(Math.max(...seen.map((value, k) => Math.abs(value - known[k]!)))).toBeLessThan(1e-9);
    const starts = matrix(4, 1, Float64Array.from(seen));
    const { points } = fixedPoints({ W: matrixOf([[1]]), alpha }, { starts });
    expect(points.map(({ class: kind, state }) => [kind, state[0]])).toEqual([['degenerate', 0]]);
  });
});

describe('flip-flops of blocks', () => {
  it.each([
    [2, [4, 4, 1]],
    [3, [8, 12, 6, 1]],
  ])('of %d bits have 3^K points, exactly', (bits, counts) => {
    const size = 16;
    const set = fixedPoints({ W: flipFlop(bits, size), alpha }, { seeds: 512 });
    expect(set.points.length).toBe(3 ** bits);
    expect(set.indexSum).toBe(1);
    allProven(set);
    const unset = Array.from({ length: bits + 1 }, () => 0);
    for (const { state, indexSign } of set.points) {
      const levels = Array.from({ length: bits }, (_, k) => state.subarray(k * size, (k + 1) * size));
      let zero = 0;
      for (const block of levels) {
        const level = Math.abs(block[0]!) < 0.5 ? 0 : Math.sign(block[0]!) * 0.9575040240772688;
        if (level === 0) zero += 1;
        expect(Math.max(...block.map((value) => Math.abs(value - level)))).toBeLessThan(1e-12);
      }
      unset[zero]! += 1;
      expect(indexSign).toBe((-1) ** zero);
    }
    expect(unset).toEqual(counts);
  });

  it('of three bits keep 27 points under noise of 5%, from 512 starts', () => {
    const set = fixedPoints({ W: flipFlop(3, 16, 0.05), alpha }, { seeds: 512 });
    expect(set.points.length).toBe(27);
    expect(set.indexSum).toBe(1);
    allProven(set);
  });
});

describe('two coupled units, W = [[2, k], [k, 2]]', () => {
  it.each([
    [0.5, 9],
    [0.6458, 9],
    [0.646, 5],
    [0.99, 5],
    [1.01, 3],
    [1.5, 3],
  ])('has at k = %d %d points', (k, count) => {
    const set = fixedPoints({
      W: matrixOf([
        [2, k],
        [k, 2],
      ]),
      alpha,
    });
    expect(set.points.length).toBe(count);
    expect(set.indexSum).toBe(1);
    allProven(set);
  });

  it('has at k = 1 three, the origin degenerate', () => {
    const W = matrixOf([
      [2, 1],
      [1, 2],
    ]);
    const set = fixedPoints({ W, alpha }, { seeds: 2000 });
    expect(set.points.map(({ class: kind }) => kind)).toEqual(['fixed', 'fixed', 'degenerate']);
    expect(set.points[2]?.state).toEqual(Float64Array.of(0, 0));
    expect(set.points[2]?.extent).toBeLessThan(0.01);
    expect(set.indexSum).toBeNull();
  });
});

describe("fixed-point-finder's networks, from its grids", () => {
  const truth: Readonly<Record<number, readonly (readonly number[])[]>> = {
    2: [[0, 0], ...mirrored([-0.9575040240773, 0.9575040240773])],
    3: [[0, 0, 0], ...mirrored([-0.949795711387, 0.425502295113, 0.879894003155])],
    4: [
      [0, 0, 0, 0],
      ...mirrored(
        [-0.962891906718, -0.525235230965, 0.962891906718, 0.525235230965],
        [-0.87726314175, 0.569696163135, -0.339744995542, 0.789647670965],
        [-0.339744995542, 0.789647670965, -0.87726314175, 0.569696163135],
        [-0.775516313852, 0.775516313852, -0.775516313852, 0.775516313852],
      ),
    ],
  };

  it.each([2, 3, 4])('finds those of N = %d and no other', (units) => {
    const set = fixedPoints({ W: hankelNetwork(units), alpha: 1 }, { starts: gridOfThree(units) });
    expect(farthest(sorted(set), inOrder(truth[units] ?? []))).toBeLessThanOrEqual(1e-9);
    expect(set.indexSum).toBe(1);
    allProven(set);
  });

  it.each([
    [5, 5],
    [6, 11],
    [7, 7],
    [8, 13],
  ])('finds in the one of N = %d %d points', (units, count) => {
    const set = fixedPoints({ W: hankelNetwork(units), alpha: 1 });
    expect(set.points.length).toBe(count);
    expect(set.indexSum).toBe(1);
    allProven(set);
  });
});

describe('the index sum', () => {
  it.each([8, 16, 32])('is 1 for a random network of %d units, whatever its drive', (units) => {
    const b = gaussianWeights(units, 0.3, 9).data.slice(0, units);
    for (const drive of [{}, { b }]) {
      const set = fixedPoints({ W: gaussianWeights(units, 1.5 / Math.sqrt(units), units), alpha, ...drive });
      expect(set.indexSum).toBe(1);
      allProven({ ...set, points: set.points.filter((point) => point.class !== 'slow') });
    }
  });
});

describe('a contraction', () => {
  it('has one point, and says why no search was needed', () => {
    const units = 20;
    const W = gaussianWeights(units, 0.4 / Math.sqrt(units), 3);
    const b = gaussianWeights(units, 1, 4).data.slice(0, units);
    const set = fixedPoints({ W, alpha, b });
    expect(set.stoppedBecause).toBe('contraction');
    expect(set.points.length).toBe(1);
    let r = new Float64Array(units);
    for (let t = 0; t < 2000; t++) {
      const before = r;
      r = before.map((_, i) =>
        Math.tanh(before.reduce((sum, value, j) => sum + W.data[i * units + j]! * value, b[i]!)),
      );
    }
    expect(Math.max(...r.map((value, i) => Math.abs(value - set.points[0]!.state[i]!)))).toBeLessThan(1e-14);
  });
});

describe('a ring of units', () => {
  // W_ij = (2 J / N) cos(theta_i - theta_j) with J = 2.
  const ring = (units: number): ReturnType<typeof weights> =>
    weights(units, (i, j) => (4 / units) * Math.cos((2 * Math.PI * (i - j)) / units));

  it.each([
    [4, 9],
    [6, 13],
    [8, 17],
    [12, 25],
    [5, 21],
    [7, 29],
  ])('of %d has %d points: on the ring, and the origin', (units, count) => {
    const set = fixedPoints({ W: ring(units), alpha });
    expect(set.points.length).toBe(count);
    expect(set.indexSum).toBe(1);
  });

  it('of 64 is a continuum, one degenerate point that reaches across, and not many', () => {
    const set = fixedPoints({ W: ring(64), alpha }, { seeds: 400 });
    const [origin, continuum, ...others] = set.points;
    expect(others).toEqual([]);
    expect(origin?.class).toBe('fixed');
    expect(continuum?.class).toBe('degenerate');
    // The diameter of the ring: radius 1.158 in the plane, so that r = tanh(2 J (1.158 / 2) cos).
    expect(continuum?.extent).toBeGreaterThan(1);
    expect(set.indexSum).toBeNull();
  });
});

describe('a recording of the current form', () => {
  it('satisfies the rate form once it is filtered, with the input filtered too', () => {
    const units = 20;
    const steps = 300;
    const W = gaussianWeights(units, 1.8 / Math.sqrt(units), 2);
    const drive = gaussianWeights(units, 1, 3).data.slice(0, units);
    const initial = gaussianWeights(units, 1, 4).data.slice(0, units);
    const inputs = matrix(
      steps,
      1,
      Float64Array.from({ length: steps }, (_, t) => Math.sin(t / 9)),
    );
    const Win = matrix(units, 1, drive);
    const { rates } = simulate({ W, Win, inputs, alpha, steps, initial, form: 'current' });
    // s~+ = (1-a) s~ + a s of what was recorded, and v of the input alike; then W s~ + Win v is the current itself.
    const filtered = new Float64Array(units);
    let v = 0;
    const seen: number[] = [];
    for (let t = 0; t <= steps; t++) {
      let largest = 0;
      for (let i = 0; i < units; i++) {
        let z = drive[i]! * v;
        for (let j = 0; j < units; j++) z += W.data[i * units + j]! * filtered[j]!;
        largest = Math.max(largest, Math.abs(z - Math.atanh(rates.data[t * units + i]!)));
      }
      seen.push(largest);
      for (let j = 0; j < units; j++) filtered[j] = 0.9 * filtered[j]! + 0.1 * rates.data[t * units + j]!;
      v = 0.9 * v + 0.1 * (inputs.data[t] ?? 0);
    }
    // What is left is the unknown start, which fades as 0.9^t.
    for (const t of [1, 10, 50, 100]) expect(seen[t]! / seen[0]!).toBeCloseTo(0.9 ** t, 9);
    expect(seen[steps]).toBeLessThan(1e-11);
  });
});

/** Rings and lines whose drift is known: section 4 of the specification, case G15. */
import { type Matrix, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { slowManifold } from './index.js';
import { weights } from './known-networks.test.data.js';

const alpha = 0.1;
/** W_ij = (2 J / N) cos(theta_i - theta_j). */
const ring = (units: number, J = 2): Matrix =>
  weights(units, (i, j) => ((2 * J) / units) * Math.cos((2 * Math.PI * (i - j)) / units));

/** The largest speed per time constant on the way from a saddle to its neighbour, which lies on the manifold. */
const fastestOnTheWay = (W: Matrix, saddle: Float64Array, tangent: Float64Array): number => {
  const n = W.rows;
  let r = saddle.map((value, i) => value + 1e-4 * tangent[i]!);
  let fastest = 0;
  for (let t = 0; t < 200_000; t++) {
    const move = r.map((value, i) => {
      let z = 0;
      for (let j = 0; j < n; j++) z += W.data[i * n + j]! * r[j]!;
      return Math.tanh(z) - value;
    });
    const speed = Math.hypot(...move);
    // The start is not quite on the manifold.
    if (t > 500) fastest = Math.max(fastest, speed);
    r = r.map((value, i) => value + alpha * move[i]!);
    if (t > 2000 && speed < fastest / 100) break;
  }
  return fastest;
};

describe('slowManifold of the tanh ring', () => {
  it.each([
    [6, 0.389, -0.405, 1e-3],
    [8, 0.1459, -0.152, 1e-4],
    [12, 1.756e-2, -1.77e-2, 1e-5],
    [16, 1.855e-3, -1.857e-3, 1e-6],
  ])(
    'of %d units has a saddle and a stable point for each, with their rates along it',
    (units, saddle, stable, digits) => {
      const found = slowManifold({ W: ring(units), alpha }, { topology: 'ring' });
      expect(found.topology).toBe('ring');
      const rates = found.points.map(({ tangentialRate }) => tangentialRate);
      if (units >= 8) {
        expect(rates.length).toBe(2 * units);
        expect(rates.filter((rate) => rate < 0).length).toBe(units);
        // By turns along the ring, and where the drift changes sign.
        rates.forEach((rate, k) => expect(rate > 0).toBe(rates[(k + 1) % rates.length]! < 0));
        expect(found.zeros.length).toBe(2 * units);
        expect(found.zeros.filter(({ isStable }) => isStable).length).toBe(units);
        expect(Math.abs((found.memory.capacity ?? 0) - Math.log2(units))).toBeLessThan(0.05);
      }
      expect(Math.abs(Math.max(...rates) - saddle)).toBeLessThan(digits);
      expect(Math.abs(Math.min(...rates) - stable)).toBeLessThan(digits);
    },
  );

  it('is sorted by how much a trial drifts: none, discrete, continuous', () => {
    const kind = (units: number): string => slowManifold({ W: ring(units), alpha }).kind;
    expect([6, 8, 16].map(kind)).toEqual(['none', 'discrete', 'continuous']);
  });

  it('of 12 units has the drift of its heteroclinic orbits, to 5%, and a bound on the error that holds', () => {
    const W = ring(12);
    const found = slowManifold({ W, alpha });
    const saddle = found.points.find(({ tangentialRate }) => tangentialRate > 0)!;
    const near = found.points.find(
      ({ tangentialRate, position }) => tangentialRate < 0 && Math.abs(position - saddle.position) < 1.5,
    )!;
    const way = near.point.state.map((value, i) => value - saddle.point.state[i]!);
    const size = Math.hypot(...way);
    const truth = fastestOnTheWay(
      W,
      saddle.point.state,
      way.map((value) => value / size),
    );
    expect(Math.abs(found.memory.fastest / truth - 1)).toBeLessThan(0.05);
    expect(Math.max(...found.across)).toBeLessThan(0.05 * found.memory.fastest);
    found.memory.trials.forEach((trials, k) => {
      expect(found.memory.largestError[k]).toBeLessThanOrEqual(1.05 * found.memory.fastest * trials * 50);
      expect(found.memory.meanError[k]).toBeLessThanOrEqual(found.memory.largestError[k]!);
    });
  });

  it('of 64 units is a circle with the radial rate of the limit of many', () => {
    const found = slowManifold({ W: ring(64), alpha }, { seeds: 64, knots: 16 });
    expect(found.kind).toBe('continuum');
    expect(found.memory.fastest).toBeLessThan(1e-12);
    expect(found.memory.largestError[3]).toBeLessThan(1e-10);
    expect([found.memory.capacity, found.zeros]).toEqual([null, []]);
    // lambda = 0.2084077772 radially: mu = 0.9 + 0.1 lambda is the slowest across.
    expect(found.normalRate).toBeCloseTo(-Math.log(0.9 + 0.1 * 0.2084077772), 3);
    // Radius of (2/N) sum r cos in the limit: kappa.
    const r = found.knots.data.subarray(0, 64);
    const [c, s] = [0, 1].map((quarter) =>
      r.reduce(
        (sum, value, i) => sum + (4 / 64) * value * Math.cos((2 * Math.PI * i) / 64 - (quarter * Math.PI) / 2),
        0,
      ),
    );
    const radius = Math.hypot(c ?? 0, s ?? 0);
    expect(radius / 2).toBeCloseTo(1.15817186709, 9);
  });
});

describe('slowManifold of a line', () => {
  const m = 8;
  const block = matrix(m, m, new Float64Array(m * m).fill(1 / m));
  const starts = matrix(41, m);
  for (let k = 0; k < 41; k++) {
    for (let i = 0; i < m; i++) starts.data[k * m + i] = (k - 20) / 22 + 0.05 * Math.sin(k * i);
  }

  it('drifts as the mean does by itself, to 1% up to ten trials', () => {
    const found = slowManifold({ W: block, alpha }, { starts, knots: 41, trial: 20 });
    expect(found.topology).toBe('line');
    const first = found.knots.data[0]!;
    for (let i = 0; i < m; i++) expect(found.knots.data[i]).toBeCloseTo(first, 12);
    [1, 2, 5, 10].forEach((trials, k) => {
      let r = first;
      for (let t = 0; t < 200 * trials; t++) r = 0.9 * r + 0.1 * Math.tanh(r);
      const truth = Math.abs(first - r) * Math.sqrt(m);
      // The outermost knot is the one that drifts most.
      expect(Math.abs(found.memory.largestError[k]! / truth - 1)).toBeLessThan(0.01);
    });
    const k = 5;
    const r = found.knots.data[k * m]!;
    expect(Math.abs(found.drift[k]!)).toBeCloseTo(Math.sqrt(m) * Math.abs(Math.tanh(r) - r), 8);
    expect(found.memory.diffusion).toBeCloseTo(1, 9);
    expect(found.separation).toBeGreaterThan(3);
  });

  it('of a leaky integrator has its time constant', () => {
    // Small states of W = (1 - eps) / m: mu = 1 - a eps, 999.5 steps for eps = 0.01.
    const W = matrix(
      m,
      m,
      block.data.map((w) => 0.99 * w),
    );
    const small = matrix(
      41,
      m,
      starts.data.map((value) => 1e-4 * value),
    );
    const found = slowManifold({ W, alpha }, { starts: small, knots: 21, trial: 1 });
    expect(1 / found.tangentialRate).toBeCloseTo(999.5, 0);
    expect(found.normalRate).toBeCloseTo(-Math.log(0.9), 9);
    expect(found.points.length).toBe(1);
    expect(found.points[0]?.tangentialRate).toBeCloseTo(-0.01, 9);
  });

  it('says so where there is none: one point, and what does not fit', () => {
    expect(() => slowManifold({ W: matrix(3, 3), alpha })).toThrow(/one point/);
    expect(() => slowManifold({ W: matrixOf([[0.5]]), alpha }, { knots: 2, starts: matrix(3, 1) })).toThrow(
      /knots[^]*starts/,
    );
    const pair = slowManifold({ W: matrixOf([[2]]), alpha });
    expect(pair.kind).toBe('discrete');
    expect(pair.points.length).toBe(3);
  });
});

/** Changes of stability along a branch whose places are known: sections 5.5 and 8.5 of the specification, case G17. */
import { type Matrix, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { continueFixedPoint, continueToNetwork, fixedPoints } from './index.js';
import { gaussianWeights } from './known-networks.test.data.js';

const scaled = (W: Matrix, factor: number): Matrix =>
  matrix(
    W.rows,
    W.columns,
    W.data.map((w) => factor * w),
  );

/** The gain at a position of a branch from W to `last` W. */
const gainAt = (position: number, last: number): number => 1e-6 + position * (last - 1e-6);

const fromOrigin = (W: Matrix, alpha: number, last: number, form: 'rate' | 'current' = 'rate') =>
  continueToNetwork(
    { W: scaled(W, 1e-6), alpha, form },
    { W: scaled(W, last), alpha, form },
    new Float64Array(W.rows),
    { bifurcations: true },
  );

describe('the origin of a rotation, W = g R(theta), as g grows', () => {
  const rotation = (degrees: number): Matrix => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return matrixOf([
      [c, -s],
      [s, c],
    ]);
  };
  it.each([
    [90, 0.1, 4.35889894354, 13.930847],
    [90, 0.2, 3, 9.7640629],
    [90, 0.5, 1.73205080757, 6],
    [90, 1, 1, 4],
    [30, 0.1, 1.13605691569, 110.55438],
    [30, 0.2, 1.11847407982, null],
    [30, 0.5, 1.07046626932, null],
    [30, 1, 1, null],
  ])('at %d degrees and a = %d begins to turn at g = %d', (degrees, alpha, gain, period) => {
    for (const form of ['rate', 'current'] as const) {
      const { bifurcations } = fromOrigin(rotation(degrees), alpha, 6, form);
      expect(bifurcations?.map(({ kind }) => kind)).toEqual(['neimark-sacker']);
      const [found] = bifurcations ?? [];
      expect(Math.abs(gainAt(found?.position ?? 0, 6) - gain)).toBeLessThan(1e-9);
      if (period !== null) expect(Math.abs((found?.period ?? 0) / period - 1)).toBeLessThan(1e-6);
    }
  });
});

describe('one unit', () => {
  it.each([0.1, 0.2, 0.5, 1])('with a negative weight flips at w = -(2 - a) / a, a = %d', (alpha) => {
    const { bifurcations, folds } = fromOrigin(matrixOf([[-1]]), alpha, 25);
    expect(bifurcations?.map(({ kind, period }) => [kind, period])).toEqual([['flip', 2]]);
    expect(Math.abs(gainAt(bifurcations?.[0]?.position ?? 0, 25) - (2 - alpha) / alpha)).toBeLessThan(1e-9);
    expect(folds).toEqual([]);
  });

  it('with a positive weight has a pitchfork at w = 1', () => {
    const { bifurcations } = fromOrigin(matrixOf([[1]]), 0.1, 3);
    expect(bifurcations?.map(({ kind }) => kind)).toEqual(['branch']);
    expect(Math.abs(gainAt(bifurcations?.[0]?.position ?? 0, 3) - 1)).toBeLessThan(1e-9);
  });

  it.each([
    [1.5, 0.207546455322],
    [2, 0.532839975354],
    [3, 1.303273908],
  ])('of weight %d folds with its bias, and a fold is no bifurcation of another kind', (w, wanted) => {
    const network = { W: matrixOf([[w]]), alpha: 0.1, b: Float64Array.of(0) };
    const low = fixedPoints(network).points.find(({ state }) => (state[0] ?? 0) < -0.1)!;
    const { folds, bifurcations } = continueToNetwork(network, { ...network, b: Float64Array.of(2) }, low.state, {
      bifurcations: true,
    });
    expect(Math.abs(2 * folds[0]!.position - wanted)).toBeLessThan(1e-9);
    expect(bifurcations).toEqual([]);
  });
});

describe('continueToNetwork', () => {
  it('follows a coupled pair to where it loses points: the fold at k = 0.6458873133', () => {
    const pair = (k: number) => ({
      W: matrixOf([
        [2, k],
        [k, 2],
      ]),
      alpha: 0.1,
    });
    const { points } = fixedPoints(pair(0.5));
    const mixed = points.find(({ state }) => state[0]! > 0.5 && Math.abs(state[0]! + state[1]!) < 1e-9)!;
    // By symmetry this one meets two saddles, and goes on unstable.
    const { bifurcations } = continueToNetwork(pair(0.5), pair(0.9), mixed.state, { bifurcations: true });
    expect(bifurcations?.map(({ kind }) => kind)).toEqual(['branch']);
    expect(Math.abs(0.5 + 0.4 * (bifurcations?.[0]?.position ?? 0) - 0.6458873133455321)).toBeLessThan(1e-8);
  });

  it('ends at fixed points of the other network, on the way that one parameter of the input would take', () => {
    const n = 6;
    const W = gaussianWeights(n, 1.2 / Math.sqrt(n), 4);
    const other = gaussianWeights(n, 1.2 / Math.sqrt(n), 5);
    const b = gaussianWeights(n, 1, 6).data.slice(0, n);
    const from = fixedPoints({ W, alpha: 0.2, b }).points[0]!.state;
    const branch = continueToNetwork({ W, alpha: 0.2, b }, { W: other, alpha: 0.2, b }, from);
    expect(branch.bifurcations).toBeNull();
    for (const { state, position } of branch.path) {
      const residual = Math.max(
        ...state.map((r, i) => {
          let z = b[i]!;
          for (let j = 0; j < n; j++) {
            z += ((1 - position) * W.data[i * n + j]! + position * other.data[i * n + j]!) * state[j]!;
          }
          return Math.abs(r - Math.tanh(z));
        }),
      );
      expect(residual).toBeLessThan(1e-12);
    }
    const Win = matrix(n, 1, b);
    const driven = { W, alpha: 0.2, Win };
    const still = fixedPoints(driven, { input: [1] }).points[0]!.state;
    const byInput = continueFixedPoint(driven, still, { from: [1], to: [2] });
    const byBias = continueToNetwork({ W, alpha: 0.2, b }, { W, alpha: 0.2, b: b.map((x) => 2 * x) }, still);
    expect(byInput.end).toBe(byBias.end);
    expect(byInput.path.at(-1)?.position).toBeCloseTo(byBias.path.at(-1)?.position ?? 0, 12);
  });

  it('refuses networks that are not alike', () => {
    const one = { W: matrixOf([[1]]), alpha: 0.1 };
    expect(() => continueToNetwork(one, { W: matrix(2, 2), alpha: 0.1 }, Float64Array.of(0))).toThrow(/1 units/);
    expect(() => continueToNetwork(one, { ...one, alpha: 0.2 }, Float64Array.of(0))).toThrow(/same alpha/);
    expect(() => continueToNetwork(one, one, Float64Array.of(0.5))).toThrow(/leaves/);
  });
});

import { matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AttractorNetwork, fixedPoints, type Linearisation, linearise } from './index.js';
import { flipFlop, gaussianWeights, gridOfThree, hankelNetwork } from './known-networks.test.data.js';

type Pair = readonly [number, number];

const byPlace = (pairs: readonly Pair[]): readonly Pair[] =>
  pairs.toSorted(([a, b], [c, d]) => (Math.abs(a - c) > 1e-9 ? c - a : d - b));

const difference = (a: readonly Pair[], b: readonly Pair[]): number => {
  expect(a.length).toBe(b.length);
  const other = byPlace(b);
  return Math.max(...byPlace(a).map(([re, im], k) => Math.hypot(re - other[k]![0], im - other[k]![1])));
};

const real = (...values: readonly number[]): readonly Pair[] => values.map((value) => [value, 0]);

/** One step of a network, on its own state. */
const step = ({ W, alpha, b, form }: AttractorNetwork, x: Float64Array, drive?: Float64Array): Float64Array => {
  const n = x.length;
  const a = (i: number): number => (typeof alpha === 'number' ? alpha : alpha[i]!);
  const sum = (i: number, r: Float64Array): number =>
    r.reduce((total, value, j) => total + W.data[i * n + j]! * value, (b?.[i] ?? 0) + (drive?.[i] ?? 0));
  return form === 'current'
    ? x.map((value, i) => (1 - a(i)) * value + a(i) * sum(i, x.map(Math.tanh)))
    : x.map((value, i) => (1 - a(i)) * value + a(i) * Math.tanh(sum(i, x)));
};

describe('linearise', () => {
  it.each([
    [1.01, 0.98023755587, 505.51],
    [1.1, 0.821755855882, 55.6013],
    [1.2, 0.679543202872, 30.7027],
    [1.5, 0.394313025499, 16.005],
    [2, 0.166372087752, 11.4885],
    [3, 0.030512846, 9.80624],
  ])('has the eigenvalue and time constant of one unit at w = %d', (w, lambda, tau) => {
    const network = { W: matrixOf([[w]]), alpha: 0.1 };
    for (const { state } of fixedPoints(network).points) {
      const isOrigin = state[0] === 0;
      const { eigenvalues, multipliers, modes, isMapStable } = linearise(network, state);
      expect(eigenvalues[0]![0]).toBeCloseTo(isOrigin ? w : lambda, 9);
      expect(multipliers[0]![0]).toBeCloseTo(isOrigin ? 0.9 + 0.1 * w : 0.9 + 0.1 * lambda, 9);
      expect(isMapStable).toBe(!isOrigin);
      if (!isOrigin) expect(Math.abs(modes[0]!.timeConstant - tau)).toBeLessThan(tau * 1e-4);
      else expect(modes[0]!.timeConstant).toBeLessThan(0);
    }
  });

  it('has the three eigenvalues of one driven unit', () => {
    const network = { W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.2) };
    const found = fixedPoints(network).points.map(({ state }) => linearise(network, state).eigenvalues[0]![0]);
    const wanted = [0.10648095, 0.26909423, 1.9177011];
    expect(Math.max(...found.toSorted((p, q) => p - q).map((value, k) => Math.abs(value - wanted[k]!)))).toBeLessThan(
      1e-7,
    );
  });

  it('has the multipliers of a flip-flop of blocks: set bits, bits that are not, and the rest', () => {
    const network = { W: flipFlop(3, 16), alpha: 0.1 };
    const { points } = fixedPoints(network, { seeds: 512 });
    for (const { state } of points) {
      const unset = [0, 16, 32].filter((i) => Math.abs(state[i]!) < 0.5).length;
      const { multipliers, mapIndex, flowIndex, isMarginal, kind } = linearise(network, state);
      const wanted = [
        ...Array.from({ length: unset }, () => 1.1),
        ...Array.from({ length: 3 - unset }, () => 0.9166372088),
        ...Array.from({ length: 45 }, () => 0.9),
      ];
      expect(difference(multipliers, real(...wanted))).toBeLessThan(1e-9);
      expect([mapIndex, flowIndex, isMarginal, kind]).toEqual([unset, unset, false, unset === 0 ? 'node' : 'saddle']);
    }
  });

  it("has the eigenvalues of fixed-point-finder's networks, and both verdicts of stability", () => {
    // By the first entry of the state, to tell the points apart: eigenvalues, stable as a map with a = 1, as a flow.
    const known: Readonly<Record<number, readonly (readonly [number, readonly number[], boolean, boolean])[]>> = {
      2: [
        [0, [2, 0], false, false],
        [0.957504024, [0.166372088, 0], true, true],
      ],
      3: [
        [0, [1.7320508076, 0, -1.7320508076], false, false],
        [0.949795711, [0.28534648, 0, -1.006406171], false, true],
      ],
      4: [
        [0, [1.885618083, 1.333333333, 0, -1.885618083], false, false],
        [0.962891907, [0.531311419, 0.179045206, 0, -1.047430241], false, true],
        [0.877263142, [1.315956679, 0.448416293, 0, -1.000024533], false, false],
        [0.339744996, [1.315956679, 0.448416293, 0, -1.000024533], false, false],
        [0.775516314, [0.751559185, 0.531432596, 0, -0.751559185], true, true],
      ],
    };
    for (const units of [2, 3, 4]) {
      const network = { W: hankelNetwork(units), alpha: 1 };
      for (const { state, certificateRadius, indexSign } of fixedPoints(network, { starts: gridOfThree(units) })
        .points) {
        const at = Math.abs(state[0]!);
        const [, wanted, isMapStable, isFlowStable] = (known[units] ?? []).find(([r]) => Math.abs(r - at) < 1e-8)!;
        const found = linearise(network, state, { radius: certificateRadius });
        expect(difference(found.eigenvalues, real(...wanted))).toBeLessThan(2e-9);
        expect([found.isMapStable, found.isFlowStable, found.isMarginal]).toEqual([isMapStable, isFlowStable, false]);
        expect(indexSign).toBe((-1) ** wanted.filter((lambda) => lambda > 1).length);
        // With a = 0.1 the flips are gone and the flow decides.
        expect(linearise({ ...network, alpha: 0.1 }, state).isMapStable).toBe(isFlowStable);
      }
    }
  });

  it('calls a point marginal where its modulus is 1 to rounding', () => {
    const { isMarginal, isMapStable } = linearise({ W: matrixOf([[1]]), alpha: 0.1 }, Float64Array.of(0));
    expect([isMarginal, isMapStable]).toEqual([true, false]);
    expect(linearise({ W: matrixOf([[1 - 1e-9]]), alpha: 1 }, Float64Array.of(0)).isMarginal).toBe(false);
    expect(linearise({ W: matrixOf([[1 - 1e-9]]), alpha: 1 }, Float64Array.of(0), { radius: 1e-8 }).isMarginal).toBe(
      true,
    );
  });

  it('does not take a defective multiplier for a marginal one, unless it is', () => {
    const marginal = (rows: readonly (readonly number[])[]): boolean =>
      linearise({ W: matrixOf(rows), alpha: 1 }, new Float64Array(rows.length)).isMarginal;
    expect(
      marginal([
        [0.9, 1],
        [0, 0.9],
      ]),
    ).toBe(false);
    expect(
      marginal([
        [1, 1],
        [0, 1],
      ]),
    ).toBe(true);
    const [c, s] = [0.9 * Math.cos(1), 0.9 * Math.sin(1)];
    expect(
      marginal([
        [c, -s, 1, 0],
        [s, c, 0, 1],
        [0, 0, c, -s],
        [0, 0, s, c],
      ]),
    ).toBe(false);
    const network = { W: flipFlop(3, 8), alpha: 0.1 };
    const { points } = fixedPoints(network, { seeds: 200 });
    expect(points.length).toBe(27);
    for (const { state } of points) expect(linearise(network, state).isMarginal).toBe(false);
  });

  const networks = fc
    .record({
      units: fc.integer({ min: 1, max: 8 }),
      seed: fc.integer({ min: 1, max: 10_000 }),
      isUniform: fc.boolean(),
      form: fc.constantFrom('rate' as const, 'current' as const),
    })
    .map(({ units, seed, isUniform, form }) => ({
      W: gaussianWeights(units, 1.7 / Math.sqrt(units), seed),
      Win: matrix(units, 2, gaussianWeights(units + 2, 1, seed + 1).data.slice(0, 2 * units)),
      b: gaussianWeights(units, 0.3, seed + 2).data.slice(0, units),
      alpha: isUniform ? 0.3 : Float64Array.from({ length: units }, (_, i) => 0.2 + (0.7 * i) / units),
      form,
    }));

  /** x = W r + c in the current form. */
  const stateOf = ({ W, b, form }: AttractorNetwork, rates: Float64Array): Float64Array =>
    form === 'current'
      ? rates.map((_, i) => rates.reduce((sum, value, j) => sum + W.data[i * rates.length + j]! * value, b?.[i] ?? 0))
      : rates;

  it('has modes of the map: a small step along one comes out multiplied, by finite differences', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const { state: rates } = fixedPoints(network, { seeds: 64 }).points[0]!;
        const at = stateOf(network, rates);
        const { modes, right } = linearise(network, rates);
        const size = 1e-6;
        modes.forEach(({ multiplier: [re, im] }, k) => {
          const x = at.map((_, i) => right.real.data[i * modes.length + k]!);
          const y = at.map((_, i) => right.imaginary.data[i * modes.length + k]!);
          const up = step(
            network,
            at.map((value, i) => value + size * x[i]!),
          );
          const down = step(
            network,
            at.map((value, i) => value - size * x[i]!),
          );
          const largest = Math.max(
            ...up.map((value, i) => Math.abs((value - down[i]!) / (2 * size) - (re * x[i]! - im * y[i]!))),
          );
          expect(largest).toBeLessThan(1e-7);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('predicts what a pulse of an input leaves after some steps: the modes, each by its multiplier', () => {
    fc.assert(
      fc.property(networks, fc.integer({ min: 0, max: 1 }), (network, input) => {
        const { state: rates } = fixedPoints(network, { seeds: 64 }).points[0]!;
        const { modes, right, pulseResponse } = linearise(network, rates);
        fc.pre(modes.every(({ condition }) => condition < 1e3));
        const n = rates.length;
        const at = stateOf(network, rates);
        const size = 1e-6;
        const drive = at.map((_, i) => size * network.Win.data[i * 2 + input]!);
        const follow = (sign: number): Float64Array => {
          let x = step(
            network,
            at,
            drive.map((value) => sign * value),
          );
          for (let t = 0; t < 4; t++) x = step(network, x);
          return x;
        };
        const [up, down] = [follow(1), follow(-1)];
        for (let i = 0; i < n; i++) {
          let predicted = 0;
          modes.forEach(({ multiplier: [re, im] }, k) => {
            const modulus = Math.hypot(re, im) ** 4;
            const turn = 4 * Math.atan2(im, re);
            const [p, q] = [modulus * Math.cos(turn), modulus * Math.sin(turn)];
            const [w, v] = [pulseResponse.real.data[k * 2 + input]!, pulseResponse.imaginary.data[k * 2 + input]!];
            const [a, b] = [p * w - q * v, p * v + q * w];
            predicted += right.real.data[i * modes.length + k]! * a - right.imaginary.data[i * modes.length + k]! * b;
          });
          expect(Math.abs((up[i]! - down[i]!) / (2 * size) - predicted)).toBeLessThan(1e-6);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('has the same multipliers in the rate and the current form, with an alpha for each unit too', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const { state } = fixedPoints(network, { seeds: 64 }).points[0]!;
        const rate = linearise({ ...network, form: 'rate' }, state);
        const current = linearise({ ...network, form: 'current' }, state);
        fc.pre(rate.modes.every(({ condition }) => condition < 1e3));
        expect(difference(rate.eigenvalues, current.eigenvalues)).toBeLessThan(1e-10);
        expect(difference(rate.multipliers, current.multipliers)).toBeLessThan(1e-10);
      }),
      { numRuns: 40 },
    );
  });

  it('moves with the units and is affine in alpha', () => {
    fc.assert(
      fc.property(networks, fc.double({ min: 0.05, max: 1, noNaN: true }), (network, alpha) => {
        const n = network.W.rows;
        const { state } = fixedPoints(network, { seeds: 64 }).points[0]!;
        const turned = (values: Float64Array): Float64Array => values.map((_, i) => values[(i + 1) % n]!);
        const W = matrix(n, n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) W.data[i * n + j] = network.W.data[((i + 1) % n) * n + ((j + 1) % n)]!;
        }
        const { W: weights, b, form } = network;
        const own = linearise({ W: weights, b, form, alpha }, state);
        fc.pre(own.modes.every(({ condition }) => condition < 1e3));
        const other = linearise({ W, b: turned(b), form, alpha }, turned(state));
        expect(difference(own.multipliers, other.multipliers)).toBeLessThan(1e-10);
        const affine = own.eigenvalues.map(([re, im]): Pair => [1 - alpha + alpha * re, alpha * im]);
        expect(difference(own.multipliers, affine)).toBeLessThan(1e-12);
      }),
      { numRuns: 40 },
    );
  });

  it('measures how far from normal J is, and how far it grows before it falls', () => {
    const shear = {
      W: matrixOf([
        [0, 20],
        [0, 0],
      ]),
      alpha: 0.1,
    };
    const origin = new Float64Array(2);
    const { nonNormality, isMapStable, modes } = linearise(shear, origin, { transient: 60 });
    expect(isMapStable).toBe(true);
    // J = [0.9, 2; 0, 0.9]: J^t = 0.9^t [1, 2 t / 0.9; 0, 1].
    const norm = (t: number): number => {
      const s = (2 * t) / 0.9;
      return 0.9 ** t * ((s + Math.sqrt(s * s + 4)) / 2);
    };
    const best = Array.from({ length: 60 }, (_, t) => t + 1).toSorted((p, q) => norm(q) - norm(p))[0]!;
    expect(nonNormality.transientGrowth?.step).toBe(best);
    expect(nonNormality.transientGrowth?.factor).toBeCloseTo(norm(best), 6);
    expect(nonNormality.henrici).toBeCloseTo(2 / Math.sqrt(4 + 2 * 0.81), 12);
    expect(nonNormality.numericalAbscissa).toBeCloseTo(9, 12);
    expect(modes[0]!.condition).toBeGreaterThan(1e7);
    const symmetric: Linearisation = linearise({ W: hankelNetwork(4), alpha: 0.2 }, new Float64Array(4));
    expect(symmetric.nonNormality.henrici).toBeLessThan(1e-7);
  });

  it('agrees with how fast a contraction settles', () => {
    const units = 12;
    const W = gaussianWeights(units, 0.25 / Math.sqrt(units), 3);
    const symmetric = matrix(
      units,
      units,
      W.data.map((value, k) => value + W.data[(k % units) * units + Math.floor(k / units)]!),
    );
    const network = { W: symmetric, alpha: 0.2, b: gaussianWeights(units, 0.3, 4).data.slice(0, units) };
    const set = fixedPoints(network);
    expect([set.stoppedBecause, set.points.length]).toEqual(['contraction', 1]);
    const { multipliers, isMapStable } = linearise(network, set.points[0]!.state);
    expect(isMapStable).toBe(true);
    const away = (t: number): number => {
      let x: Float64Array = new Float64Array(units).fill(0.3);
      for (let s = 0; s < t; s++) x = step(network, x);
      return Math.hypot(...x.map((value, i) => value - set.points[0]!.state[i]!));
    };
    const [near, far] = [120, 140];
    const rate = Math.log(away(far) / away(near)) / (far - near);
    expect(Math.abs(rate - Math.log(Math.hypot(...multipliers[0]!)))).toBeLessThan(2e-3);
  });
});

/** Gramians and stimuli with known answers: section 8 of the specification, cases G40 and G41. */
import { discreteLyapunov, product } from '@drnn/linalg';
import { type Matrix, matrix, matrixOf, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  controllability,
  fixedPoints,
  gramian,
  linearise,
  linearMinimalEnergy,
  minimalEnergy,
  minimalKick,
  observabilityGramian,
  optimalStimulus,
  optimalSwitch,
  pulseThreshold,
  switchProbability,
} from './index.js';
import { flipFlop, gaussianWeights } from './known-networks.test.data.js';

const r2 = 0.9575040240772688;
const unit = { W: matrixOf([[2]]), alpha: 0.1 };
const across = { from: Float64Array.of(-r2), to: Float64Array.of(r2) };
const farthest = (a: Float64Array, b: ArrayLike<number>): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe('gramian', () => {
  it('of a scalar is the geometric series', () => {
    const [A, B] = [matrixOf([[0.9]]), matrixOf([[1]])];
    expect(gramian(A, B).data[0]).toBeCloseTo(5.263157894736842, 12);
    expect(gramian(A, B, 10).data[0]).toBeCloseTo(4.623280765312794, 12);
    expect(gramian(A, B, 1).data[0]).toBe(1);
  });

  it('of a Jordan block, with both inputs and with one', () => {
    const A = matrixOf([
      [0.5, 1],
      [0, 0.5],
    ]);
    const both = gramian(
      A,
      matrixOf([
        [1, 0],
        [0, 1],
      ]),
    );
    expect(farthest(both.data, [116 / 27, 8 / 9, 8 / 9, 4 / 3])).toBeLessThan(1e-12);
    const one = gramian(A, matrixOf([[0], [1]])).data;
    expect(farthest(one, [80 / 27, 8 / 9, 8 / 9, 4 / 3])).toBeLessThan(1e-12);
    expect(one[0]! * one[3]! - one[1]! * one[2]!).toBeCloseTo(3.160493827160494, 12);
  });

  it('over steps is the sum, for any matrix and any number of them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 1000 }),
        (n, steps, seed) => {
          const A = gaussianWeights(n, 0.5, seed);
          const B = gaussianWeights(n, 1, seed + 1);
          let term: Matrix = B;
          const sum = new Float64Array(n * n);
          for (let k = 0; k < steps; k++) {
            product(term, term, { transposeB: true }).data.forEach((value, i) => (sum[i]! += value));
            term = product(A, term);
          }
          const size = Math.hypot(...sum);
          expect(farthest(gramian(A, B, steps).data, sum) / size).toBeLessThan(1e-12);
          const seen = observabilityGramian(transpose(A), transpose(B), steps);
          expect(farthest(seen.data, sum) / size).toBeLessThan(1e-12);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('refuses an infinite horizon of an unstable system, and has a finite one', () => {
    const [A, B] = [matrixOf([[1.1]]), matrixOf([[1]])];
    expect(() => gramian(A, B)).toThrow(/unstable/);
    expect(() => gramian(A, B, 0)).toThrow(/horizon/);
    expect(() => gramian(A, B, 1e6)).toThrow(/fewer steps/);
    expect(gramian(A, B, 3).data[0]).toBeCloseTo(1 + 1.21 + 1.4641, 12);
  });

  it('solves its equation to 1e-11 at 100 units', () => {
    const A = gaussianWeights(100, 0.9 / 10, 1);
    const B = gaussianWeights(100, 1, 2);
    const G = gramian(A, B);
    const left = product(product(A, G), A, { transposeB: true });
    const right = product(B, B, { transposeB: true });
    const scale = Math.hypot(...G.data);
    expect(Math.hypot(...left.data.map((v, i) => v - G.data[i]! + right.data[i]!)) / scale).toBeLessThan(1e-11);
    expect(farthest(discreteLyapunov(A, right).data, G.data)).toBe(0);
  });
});

describe('linearMinimalEnergy', () => {
  it('is the energy that is known, and its stimulus arrives with it', () => {
    const [a, b] = [matrixOf([[0.9]]), matrixOf([[1]])];
    const { energy } = linearMinimalEnergy(a, b, { from: Float64Array.of(0), to: Float64Array.of(1), horizon: 10 });
    expect(energy).toBeCloseTo(0.2162966193839503, 12);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 6, max: 20 }),
        fc.integer({ min: 1, max: 999 }),
        (n, horizon, seed) => {
          const A = gaussianWeights(n, 0.6 / Math.sqrt(n), seed);
          const B = gaussianWeights(n, 1, seed + 1);
          const [from, to] = [
            gaussianWeights(n, 1, seed + 2).data.slice(0, n),
            gaussianWeights(n, 1, seed + 3).data.slice(0, n),
          ];
          const found = linearMinimalEnergy(A, B, { from, to, horizon });
          fc.pre(found.reachable === n);
          let x = matrix(n, 1, from);
          for (let k = 0; k < horizon; k++) {
            const pushed = product(B, matrix(n, 1, found.stimulus.data.slice(k * n, (k + 1) * n)));
            x = matrix(
              n,
              1,
              product(A, x).data.map((value, i) => value + pushed.data[i]!),
            );
          }
          expect(farthest(x.data, to)).toBeLessThan(1e-6);
          const spent = found.stimulus.data.reduce((sum, value) => sum + value * value, 0);
          expect(spent / found.energy).toBeCloseTo(1, 6);
          expect(found.unreachable).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('says what is out of reach', () => {
    const A = matrixOf([
      [0.5, 0],
      [0, 0.5],
    ]);
    const found = linearMinimalEnergy(A, matrixOf([[1], [0]]), {
      from: Float64Array.of(0, 0),
      to: Float64Array.of(3, 4),
      horizon: 5,
    });
    expect(found.unreachable).toBeCloseTo(0.8, 12);
    expect(found.reachable).toBe(1);
  });
});

describe('controllability', () => {
  it('at a fixed point of one unit is the series of its multiplier', () => {
    const { eigenvalues } = linearise(unit, across.to);
    const lambda = eigenvalues[0]![0];
    const mu = 0.9 + 0.1 * lambda;
    const gain = 0.1 * (lambda / 2);
    const c = controllability(unit, across.to);
    expect(c.trace).toBeCloseTo(gain ** 2 / (1 - mu ** 2), 12);
    expect(c.hankel[0]).toBeCloseTo(gain / (1 - mu ** 2), 12);
    expect(c.modes[0]?.reach).toBeCloseTo(c.trace, 12);
    expect(() => controllability(unit, Float64Array.of(0))).toThrow(/unstable/);
    expect(controllability(unit, Float64Array.of(0), { horizon: 2 }).trace).toBeCloseTo(0.01 * (1 + 1.21), 12);
  });

  it('adds up over channels, and knows what a channel does not reach', () => {
    const network = { W: flipFlop(2, 3), alpha: 0.2 };
    const state = new Float64Array(6).fill(r2);
    const all = controllability(network, state);
    expect(all.byChannel.reduce((sum, value) => sum + value, 0)).toBeCloseTo(all.trace, 10);
    expect(all.reachable).toBe(6);
    const block = controllability(network, state, { channels: { units: [0, 1, 2] } });
    expect(block.reachable).toBe(3);
    expect(block.hardest).toBe(Infinity);
    expect(block.logDeterminant).toBe(-Infinity);
    expect(block.byUnit[4]).toBe(0);
    expect(block.byUnit[0]).toBeGreaterThan(0);
  });

  it('does not depend on the form where it should not: the modes and their reach', () => {
    const n = 8;
    const W = gaussianWeights(n, 0.7 / Math.sqrt(n), 4);
    const b = gaussianWeights(n, 0.5, 5).data.slice(0, n);
    const state = fixedPoints({ W, alpha: 0.3, b }).points[0]!.state;
    const rate = controllability({ W, alpha: 0.3, b }, state);
    const current = controllability({ W, alpha: 0.3, b, form: 'current' }, state);
    rate.modes.forEach(({ multiplier }, k) => {
      expect(Math.abs(multiplier[0] - current.modes[k]!.multiplier[0])).toBeLessThan(1e-10);
    });
  });
});

describe('pulseThreshold', () => {
  const direction = Float64Array.of(1);
  it.each([
    [10, 1.6599521362],
    [20, 1.0733309109],
    [50, 0.7268862948],
    [1000, 0.5341451601],
  ])('of one unit and %d steps is the one that is known', (steps, wanted) => {
    const found = pulseThreshold(unit, { ...across, direction }, { steps });
    expect(Math.abs((found ?? 0) - wanted)).toBeLessThan(1e-9);
  });

  it('comes down to the fold as the pulse gets longer', () => {
    const found = pulseThreshold(unit, { ...across, direction }, { steps: 20_000 });
    expect(found).toBeGreaterThan(0.532839975354);
    expect(found).toBeLessThan(0.53285);
  });

  it('is null where a pulse is too short, however strong', () => {
    for (const steps of [1, 3, 6]) expect(pulseThreshold(unit, { ...across, direction }, { steps })).toBeNull();
    expect(pulseThreshold(unit, { ...across, direction }, { steps: 7 })).toBeGreaterThan(2);
    expect(pulseThreshold(unit, { ...across, direction: Float64Array.of(-1) }, { steps: 50 })).toBeNull();
  });

  it('refuses ends that are no attractors of the network', () => {
    expect(() =>
      pulseThreshold(unit, { from: across.from, to: Float64Array.of(0.3), direction }, { steps: 5 }),
    ).toThrow(/leaves/);
    expect(() => pulseThreshold(unit, { from: across.from, to: Float64Array.of(0), direction }, { steps: 5 })).toThrow(
      /unstable/,
    );
    expect(() => pulseThreshold(unit, { from: across.to, to: across.to, direction }, { steps: 5 })).toThrow(
      /by itself/,
    );
    expect(() => pulseThreshold(unit, { ...across, direction: Float64Array.of(0) }, { steps: 5 })).toThrow(/not all 0/);
  });
});

describe('optimalSwitch', () => {
  it.each([7, 10, 20, 50])('of one unit in %d steps costs less than the constant pulse, and switches', (steps) => {
    const found = optimalSwitch(unit, across, { steps });
    const threshold = pulseThreshold(unit, { ...across, direction: Float64Array.of(1) }, { steps }) ?? 0;
    expect(found?.constantEnergy ?? 0).toBeCloseTo(steps * threshold ** 2, 3);
    expect(found?.energy).toBeLessThan(0.9 * steps * threshold ** 2);
    expect(found?.angle).toBeLessThan(1e-4);
    const run = (factor: number): number => {
      let r = -r2;
      for (let t = 0; t < 3000; t++) r += 0.1 * (Math.tanh(2 * r + factor * (found?.stimulus.data[t] ?? 0)) - r);
      return r;
    };
    expect(run(1)).toBeGreaterThan(0.9);
    expect(run(1 - 1e-9)).toBeLessThan(-0.9);
  });

  it('is the least energy by another way: to the boundary at the last step', () => {
    for (const steps of [7, 10]) {
      const bySwitch = optimalSwitch(unit, across, { steps })?.energy ?? Number.NaN;
      const byState = optimalStimulus(unit, { from: across.from, to: Float64Array.of(0) }, { horizon: steps });
      expect(byState.status).toBe('reached');
      expect(Math.abs(bySwitch / byState.energy - 1)).toBeLessThan(1e-7);
    }
  });

  it('stays within bounds, and is null where they forbid it', () => {
    const free = optimalSwitch(unit, across, { steps: 20 });
    const bounded = optimalSwitch(unit, across, { steps: 20, bound: 1.3 });
    expect(free?.peak).toBeGreaterThan(1.3);
    expect(bounded?.peak).toBeLessThanOrEqual(1.3);
    expect(bounded?.energy).toBeGreaterThan(free?.energy ?? 0);
    expect(bounded?.energy).toBeLessThan(bounded?.constantEnergy ?? 0);
    expect(optimalSwitch(unit, across, { steps: 20, bound: 0.5 })).toBeNull();
  });

  it('flips one bit of a flip-flop through the units of that bit alone', () => {
    const network = { W: flipFlop(2, 4), alpha: 0.2 };
    const from = new Float64Array(8).fill(-r2);
    const to = from.slice().fill(r2, 0, 4);
    const found = optimalSwitch(network, { from, to }, { steps: 12 });
    expect(found).not.toBeNull();
    const { stimulus } = found!;
    for (let k = 0; k < 12; k++) {
      const row = stimulus.data.subarray(k * 8, (k + 1) * 8);
      expect(Math.max(...row.subarray(4).map(Math.abs))).toBeLessThan(1e-3 * found!.peak);
      // Units of a block are alike.
      expect(Math.max(...row.subarray(0, 4)) - Math.min(...row.subarray(0, 4))).toBeLessThan(1e-3 * found!.peak);
    }
    expect(optimalSwitch(network, { from, to }, { steps: 12, channels: { units: [5, 6] }, largest: 100 })).toBeNull();
  });

  it('works in the current form, and with an input held', () => {
    for (const form of ['rate', 'current'] as const) {
      const network = { W: matrixOf([[2]]), Win: matrixOf([[1]]), alpha: 0.2, form };
      const points = fixedPoints(network, { input: [0.1] }).points.map(({ state }) => state[0]!);
      const from = Float64Array.of(Math.min(...points));
      const to = Float64Array.of(Math.max(...points));
      const found = optimalSwitch(network, { from, to }, { steps: 10, input: [0.1], channels: 'inputs' });
      expect(found?.energy).toBeLessThanOrEqual(found?.constantEnergy ?? 0);
      let x = form === 'rate' ? from[0]! : Math.atanh(from[0]!);
      for (let t = 0; t < 2000; t++) {
        const u = 0.1 + (found?.stimulus.data[t] ?? 0);
        x += 0.2 * ((form === 'rate' ? Math.tanh(2 * x + u) : 2 * Math.tanh(x) + u) - x);
      }
      expect(form === 'rate' ? x : Math.tanh(x)).toBeCloseTo(to[0]!, 9);
    }
  });

  it('lies on the edge: with noise it works half of the time, twice as strong nearly always', () => {
    const found = optimalSwitch(unit, across, { steps: 20 });
    const stimulus = found?.stimulus ?? matrix(1, 1);
    const probability = (factor: number, noise: number): number =>
      switchProbability(
        unit,
        {
          ...across,
          stimulus: matrix(
            stimulus.rows,
            1,
            stimulus.data.map((u) => factor * u),
          ),
        },
        { noise, replays: 200 },
      );
    expect(Math.abs(probability(1, 0.3) - 0.5)).toBeLessThan(0.15);
    expect(probability(2, 0.3)).toBeGreaterThan(0.98);
    expect(probability(0.5, 0.3)).toBeLessThan(0.02);
    expect(probability(1, 0)).toBe(1);
  });
});

describe('optimalStimulus', () => {
  it('of a network that is nearly linear is the stimulus of its Gramian', () => {
    const n = 5;
    const W = gaussianWeights(n, 0.5 / Math.sqrt(n), 2);
    const at = new Float64Array(n);
    const to = gaussianWeights(n, 1e-5, 3).data.slice(0, n);
    const linear = minimalEnergy({ W, alpha: 0.3 }, { at, to }, { horizon: 8 });
    const found = optimalStimulus({ W, alpha: 0.3 }, { from: at, to }, { horizon: 8, tolerance: 1e-13 });
    expect(found.status).toBe('reached');
    expect(Math.abs(found.energy / linear.energy - 1)).toBeLessThan(1e-6);
  });

  it('has the exact derivative: no small change of the stimulus that arrives costs less', () => {
    const n = 3;
    const W = gaussianWeights(n, 1.5 / Math.sqrt(n), 7);
    for (const form of ['rate', 'current'] as const) {
      const [from, to] = [Float64Array.of(0.1, -0.2, 0.3), Float64Array.of(0.4, 0.1, -0.3)];
      const found = optimalStimulus({ W, alpha: 0.4, form }, { from, to }, { horizon: 9 });
      expect(found.status).toBe('reached');
      expect(farthest(found.rates.data.slice(9 * n), to)).toBeLessThan(1e-8);
      // Through another entry of the same path: a perturbed start of the search ends no lower.
      const start = matrix(
        9,
        n,
        found.stimulus.data.map((u, i) => u + 0.05 * Math.sin(3 * i)),
      );
      const again = optimalStimulus({ W, alpha: 0.4, form }, { from, to }, { horizon: 9, start });
      expect(again.energy).toBeGreaterThan(found.energy * (1 - 1e-6));
    }
  });

  it('says that a target is not reached where saturation forbids it', () => {
    const found = optimalStimulus(unit, { from: across.from, to: Float64Array.of(0) }, { horizon: 6 });
    expect(found.status).toBe('not-reached');
    expect(found.error).toBeGreaterThan(0.03);
  });

  it('takes a readout for its target, at less cost than the whole state', () => {
    const n = 6;
    const W = gaussianWeights(n, 1 / Math.sqrt(n), 5);
    const readout = matrix(1, n, gaussianWeights(n, 1, 6).data.slice(0, n));
    const from = new Float64Array(n);
    const whole = optimalStimulus({ W, alpha: 0.3 }, { from, to: new Float64Array(n).fill(0.1) }, { horizon: 10 });
    const y = readout.data.reduce((sum, value) => sum + 0.1 * value, 0);
    const part = optimalStimulus({ W, alpha: 0.3 }, { from, to: Float64Array.of(y) }, { horizon: 10, readout });
    expect(part.status).toBe('reached');
    expect(part.energy).toBeLessThan(whole.energy);
  });
});

describe('minimalKick', () => {
  it.each([
    [-0.93029720271016, 0.97301568665235],
    [0.97301568665235, -0.93029720271016],
  ])('of one driven unit is the way to the boundary, from %d', (from, to) => {
    const network = { W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.2) };
    const found = minimalKick(network, { from: Float64Array.of(from), to: Float64Array.of(to) });
    expect(Math.abs(from + (found?.kick[0] ?? 0) + 0.2028532144823)).toBeLessThan(1e-10);
    expect(found?.lowerBound).toBeLessThanOrEqual(found?.size ?? 0);
    expect(found?.lowerBound).toBeGreaterThan(0.3);
  });

  it('of a flip-flop moves a whole block by its level, in every unit alike', () => {
    const network = { W: flipFlop(2, 4), alpha: 0.1 };
    const from = new Float64Array(8).fill(-r2);
    const found = minimalKick(network, { from, to: from.slice().fill(r2, 0, 4) }, { directions: 8 });
    expect(Math.abs((found?.size ?? 0) - 2 * r2)).toBeLessThan(1e-9);
    expect(farthest(found?.kick ?? new Float64Array(8), [r2, r2, r2, r2, 0, 0, 0, 0])).toBeLessThan(1e-4);
    // Through two units of the four each must move twice as far.
    const half = minimalKick(network, { from, to: from.slice().fill(r2, 0, 4) }, { units: [0, 1], directions: 8 });
    expect(Math.abs((half?.size ?? 0) - 2 * r2 * Math.SQRT2)).toBeLessThan(1e-9);
  });

  it('is null through units that lead nowhere', () => {
    const network = { W: flipFlop(2, 3), alpha: 0.1 };
    const from = new Float64Array(6).fill(-r2);
    expect(minimalKick(network, { from, to: from.slice().fill(r2, 0, 3) }, { units: [3], directions: 2 })).toBeNull();
  });
});

import { type Matrix, matrix, matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cycles, type FoundCycle } from './cycles.js';
import { fixedPoints } from './fixed-points.js';
import { flipFlop, gaussianWeights } from './known-networks.test.data.js';
import { invariantCircle } from './invariant-circle.js';
import type { IteratedMap } from './iterated-map.js';
import { rotation } from './known-systems.js';
import { holdInput } from './network.js';
import { networkMap } from './network-dynamics.js';

const only = (network: Parameters<typeof cycles>[0], seeds = 2): FoundCycle => {
  const set = cycles(network, { seeds });
  expect(set.cycles.length).toBe(1);
  expect([set.atFixedPoints, set.unsettled]).toEqual([0, 0]);
  return set.cycles[0]!;
};

describe('two units that turn', () => {
  // Periods and exponents from 4e6 steps of the angle, weighted; the flow's from an independent table.
  it.each([
    [0.1, 30, 1.5, 113.390664253689, -0.0457058],
    [0.1, 30, 2, 123.588933520182, -0.07317206],
    [0.1, 90, 6, 13.813017811745, -0.1028107],
    [0.5, 90, 2.5, 5.900363716107, -0.5620057],
  ])('a = %d, %d degrees, g = %d: an invariant circle', (alpha, degrees, gain, period, exponent) => {
    for (const form of ['rate', 'current'] as const) {
      const cycle = only({ W: matrixOf(rotation(gain, degrees)), alpha, form });
      expect(cycle.class).toBe('circle');
      expect(Math.abs(cycle.period / period - 1)).toBeLessThan(1e-11);
      expect(Math.abs(cycle.exponents[0]!)).toBeLessThan(1e-8);
      expect(Math.abs(cycle.exponents[1]! / exponent - 1)).toBeLessThan(1e-6);
      expect(cycle.transverseMultiplier).toBeCloseTo(Math.exp(cycle.exponents[1]! * period), 10);
      expect(cycle.residual).toBeLessThan(1e-8);
      expect(cycle.mirror).toBe(0);
    }
  });

  it.each([
    [1.5, 11.14564483, 9.4195e-3],
    [2, 12.16783874, 2.51935e-4],
  ])('the flow at 30 degrees, g = %d: period %d time constants, multiplier %d', (gain, period, multiplier) => {
    const { flow } = only({ W: matrixOf(rotation(gain, 30)), alpha: 0.1 });
    expect(Math.abs((flow?.period ?? 0) / 10 - period)).toBeLessThan(1e-8);
    expect(Math.abs((flow?.multipliers[1]?.value[0] ?? 0) / multiplier - 1)).toBeLessThan(2e-6);
    expect(flow?.trivialError).toBeLessThan(1e-8);
    expect(flow?.liouvilleError).toBeLessThan(1e-8);
    expect([flow?.isStable, flow?.phaseResponse?.rows]).toEqual([true, 128]);
  });

  it.each([
    [1.9, 5.99],
    [2, 5.983412612696],
  ])('near a sixth of a turn a step (g = %d) have no other period than that, or none', (gain, period) => {
    const { cycles: found, unsettled } = cycles(
      { W: matrixOf(rotation(gain, 90)), alpha: 0.5 },
      { seeds: 1, limit: 1000 },
    );
    for (const cycle of found) expect(cycle.period).toBeCloseTo(period, 1);
    expect(found.length + unsettled).toBe(1);
  });

  it.each([
    [90, 0.2, 3],
    [30, 0.1, 1.13605691569],
  ])('at %d degrees with a = %d begin to at g = %d', (degrees, alpha, onset) => {
    const below = cycles({ W: matrixOf(rotation(onset - 0.02, degrees)), alpha }, { seeds: 2 });
    expect([below.cycles.length, below.atFixedPoints]).toEqual([0, 2]);
    expect(only({ W: matrixOf(rotation(onset + 0.02, degrees)), alpha }, 2).class).toBe('circle');
  });
});

describe('periodic cycles', () => {
  it('one unit with w = -2 and a = 1 flips', () => {
    const cycle = only({ W: matrixOf([[-2]]), alpha: 1 });
    expect([cycle.class, cycle.period, cycle.flow]).toEqual(['periodic', 2, null]);
    expect(Math.abs(cycle.orbit.data[0]! - 0.957504024077269)).toBeLessThan(1e-10);
    expect(cycle.multipliers?.[0]?.value[0]).toBeCloseTo(0.02767967158, 10);
  });

  it('units in a ring hand on a state, one step each', () => {
    // r_i <- tanh(4 r_{i-1}): of signs that are not all the same every shift is another phase of one cycle.
    const W = matrixOf([
      [0, 0, 4],
      [4, 0, 0],
      [0, 4, 0],
    ]);
    const set = cycles({ W, alpha: 1 }, { seeds: 24 });
    expect(set.cycles.map(({ period }) => period)).toEqual([3, 3]);
    expect(set.cycles[0]?.mirror).toBe(1);
    expect(set.unsettled).toBe(0);
  });
});

describe('what has none', () => {
  it.each<readonly [string, Matrix, number]>([
    ['no weights', matrix(3, 3), 1],
    ['a flip-flop', flipFlop(2, 4), 0.1],
    [
      'saturated units',
      matrixOf([
        [1e8, -1e7],
        [1e7, 1e8],
      ]),
      0.2,
    ],
    ['a contraction', gaussianWeights(10, 0.1, 1), 0.5],
  ])('%s', (_, W, alpha) => {
    const set = cycles({ W, alpha }, { seeds: 6 });
    expect([set.cycles.length, set.atFixedPoints, set.unsettled]).toEqual([0, 6, 0]);
  });

  it('two phases that are independent are no cycle', () => {
    const [p, q] = [rotation(1.5, 30), rotation(2, 50)];
    const W = matrixOf([
      [...p[0]!, 0, 0],
      [...p[1]!, 0, 0],
      [0, 0, ...q[0]!],
      [0, 0, ...q[1]!],
    ]);
    const set = cycles({ W, alpha: 0.1 }, { seeds: 2, limit: 10_000 });
    expect([set.cycles.filter(({ isStable }) => isStable).length, set.unsettled]).toEqual([0, 2]);
  });

  it('weights that are not numbers are refused', () => {
    expect(() => cycles({ W: matrixOf([[Number.NaN]]), alpha: 0.1 })).toThrow(/finite/);
  });
});

describe('the same network in other words', () => {
  const units = 4;
  // A turning pair that drives another, slower one.
  const W = matrixOf([
    [1.3, -0.75, 0, 0.1],
    [0.75, 1.3, 0.2, 0],
    [0.4, 0, 0.5, -0.3],
    [0, -0.3, 0.2, 0.4],
  ]);
  const b = Float64Array.of(0.05, 0, -0.1, 0.02);
  const reference = cycles({ W, alpha: 0.2, b }, { seeds: 2 }).cycles[0]!;

  it('has cycles that a permutation and a change of signs take along', () => {
    expect(reference.class).toBe('circle');
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        fc.array(fc.constantFrom(-1, 1), { minLength: 4, maxLength: 4 }),
        (order, signs) => {
          const turned = matrix(units, units);
          const drive = new Float64Array(units);
          for (let i = 0; i < units; i++) {
            drive[i] = signs[i]! * b[order[i]!]!;
            for (let j = 0; j < units; j++) {
              turned.data[i * units + j] = signs[i]! * signs[j]! * W.data[order[i]! * units + order[j]!]!;
            }
          }
          const cycle = cycles({ W: turned, alpha: 0.2, b: drive }, { seeds: 1 }).cycles[0]!;
          expect(Math.abs(cycle.period / reference.period - 1)).toBeLessThan(1e-10);
          for (let i = 0; i < units; i++) {
            expect(Math.abs(cycle.amplitude[i]! - reference.amplitude[order[i]!]!)).toBeLessThan(1e-3);
            if (i > 1) continue;
            expect(Math.abs(cycle.exponents[i]! - reference.exponents[i]!)).toBeLessThan(1e-7);
          }
        },
      ),
      { numRuns: 3 },
    );
  });
});

describe('a random network without drive', () => {
  it('has with each cycle its mirror image, found or not', () => {
    const W = gaussianWeights(20, 1.6 / Math.sqrt(20), 5);
    const { cycles: found } = cycles({ W, alpha: 0.3 }, { seeds: 6, limit: 5000 });
    found.forEach((cycle, k) => {
      expect(cycle.mirror).not.toBeNull();
      const image = found[cycle.mirror ?? -1];
      expect(image?.mirror).toBe(k);
      expect(image?.period).toBe(cycle.period);
    });
  });
});

describe('starts', () => {
  it('from an unstable focus lead to the cycle around it', () => {
    const W = matrixOf(rotation(1.5, 30));
    const { points } = fixedPoints({ W, alpha: 0.1 }, { seeds: 20 });
    const starts = matrix(
      1,
      2,
      points[0]!.state.map((value) => value + 1e-6),
    );
    const set = cycles({ W, alpha: 0.1 }, { starts, seeds: 0 });
    expect([set.starts, set.cycles.length, set.cycles[0]?.hits]).toEqual([1, 1, 1]);
  });
});

describe('a network without drive', () => {
  // A pair that turns, beside a unit that is up or down: two cycles, each the image of the other. Runs come to them by
  // half in a turn, so that some are still on their way when they are known for what they will be.
  const W = matrixOf([
    [...rotation(1.19, 30)[0]!, 0.1],
    [...rotation(1.19, 30)[1]!, 0],
    [0, 0, 2],
  ]);

  it('has each cycle once, and its image with the same numbers', () => {
    const { cycles: all, starts, atFixedPoints } = cycles({ W, alpha: 0.1 }, { seeds: 8 });
    const found = all.filter(({ isStable }) => isStable);
    expect(found.map(({ mirror }) => mirror)).toEqual([1, 0]);
    expect(found.reduce((sum, { hits }) => sum + hits, 0)).toBe(starts - atFixedPoints);
    const [one, other] = found;
    expect([other?.period, other?.transverseMultiplier]).toEqual([one?.period, one?.transverseMultiplier]);
    expect(other?.exponents).toEqual(one?.exponents);
    expect(other?.flow?.multipliers).toEqual(one?.flow?.multipliers);
    // The same states with the other sign, from where the widest unit is highest.
    const { data, rows, columns } = other!.flow!.orbit;
    const widest = one!.flow!.amplitude.indexOf(Math.max(...one!.flow!.amplitude));
    for (let p = 1; p < rows; p++) expect(data[p * columns + widest]).toBeLessThanOrEqual(data[widest]!);
    const negative = Array.from(one!.flow!.orbit.data, (value) => (-value).toFixed(12)).toSorted();
    expect(Array.from(data, (value) => value.toFixed(12)).toSorted()).toEqual(negative);
    // Z moves along: it still gives a phase of one for a displacement along the flow, by symmetric differences.
    const response = other!.flow!.phaseResponse!;
    const step = other!.flow!.period / rows;
    for (let p = 0; p < rows; p += 16) {
      let dot = 0;
      for (let i = 0; i < columns; i++) {
        const ahead = data[((p + 1) % rows) * columns + i]!;
        const behind = data[((p + rows - 1) % rows) * columns + i]!;
        dot += (response.data[p * columns + i]! * (ahead - behind)) / (2 * step);
      }
      expect(Math.abs(dot - 1)).toBeLessThan(0.01);
    }
  });
});

describe('cycles that no run ends on', () => {
  // The pair turns by itself, beside a unit that leaves 0 for up or down: with it at 0 there is a circle, a saddle.
  it.each([
    [1.5, 113.390664253679, -0.045705809412],
    [2, 123.588933520186, -0.073172058256],
  ])('a saddle: its period is that of the pair alone, g = %d', (gain, period, exponent) => {
    const [p, q] = rotation(gain, 30);
    const W = matrixOf([
      [...p!, 0],
      [...q!, 0],
      [0, 0, 2],
    ]);
    for (const form of ['rate', 'current'] as const) {
      const { cycles: found } = cycles({ W, alpha: 0.1, form }, { seeds: 2 });
      const saddles = found.filter(({ isStable }) => !isStable);
      expect(saddles.length).toBe(1);
      const [saddle] = saddles;
      expect(Math.abs(saddle!.period / period - 1)).toBeLessThan(1e-10);
      // J of the third unit is .9 + .1 2.
      expect(Math.abs(saddle!.exponents[0]! - Math.log(1.1))).toBeLessThan(1e-9);
      expect(Math.abs(saddle!.exponents[1]!)).toBeLessThan(1e-9);
      expect(Math.abs(saddle!.exponents[2]! / exponent - 1)).toBeLessThan(1e-6);
      expect(saddle!.transverseMultiplier).toBeCloseTo(1.1 ** period, -2);
      expect(saddle!.residual).toBeLessThan(1e-7);
      expect([saddle!.hits, found[saddle!.mirror ?? -1]]).toEqual([0, saddle]);
    }
  });

  it('one that repels parts the states that come to rest from those that oscillate', () => {
    const W = matrixOf([
      [3.7, -2.1],
      [10.63, -3.7],
    ]);
    const alpha = 0.2;
    const starts = matrix(1, 2, Float64Array.of(0.01, 0));
    const { cycles: all, atFixedPoints } = cycles({ W, alpha }, { starts, seeds: 0 });
    const found = all.filter(({ isStable }) => !isStable);
    expect([atFixedPoints, found.length]).toEqual([1, 1]);
    const circle = found[0]!;
    expect([circle.hits, all[circle.mirror ?? -1]]).toEqual([0, circle]);
    expect(circle.residual).toBeLessThan(1e-7);
    expect(circle.transverseMultiplier).toBeGreaterThan(1);
    // The map backward, by Newton's method in two variables: there it attracts, and its orbit is averaged.
    const map = networkMap(holdInput({ W, alpha }));
    const [y, J] = [new Float64Array(2), new Float64Array(4)];
    const backward: IteratedMap = {
      ...map,
      image: (x, out) => {
        out.set(x);
        for (let step = 0; step < 12; step++) {
          map.image(out, y, 0);
          map.jacobian(J);
          const [p, q] = [y[0]! - x[0]!, y[1]! - x[1]!];
          const volume = J[0]! * J[3]! - J[1]! * J[2]!;
          out[0]! -= (J[3]! * p - J[1]! * q) / volume;
          out[1]! -= (J[0]! * q - J[2]! * p) / volume;
        }
      },
    };
    const x = Float64Array.of(0.01, 0);
    const next = new Float64Array(2);
    for (let t = 0; t < 6000; t++) {
      backward.image(x, next, t);
      x.set(next);
    }
    const averaged = invariantCircle(backward, x);
    expect(Math.abs((averaged?.period ?? 0) / circle.period - 1)).toBeLessThan(1e-9);
    averaged?.amplitude.forEach((value, i) => expect(Math.abs(value / circle.amplitude[i]! - 1)).toBeLessThan(2e-3));
    // Forward, a hundredth inside and outside.
    const after = (part: number): number => {
      const state = circle.orbit.data.slice(0, 2).map((value) => part * value);
      for (let t = 0; t < 6000; t++) {
        map.image(state, next, t);
        state.set(next);
      }
      return Math.hypot(...state);
    };
    expect(after(0.99)).toBeLessThan(1e-6);
    expect(after(1.01)).toBeGreaterThan(0.1);
  });

  it('a run that had no time to settle near a sixth of a turn counts for the circle it goes along', () => {
    const found = cycles({ W: matrixOf(rotation(2, 90)), alpha: 0.5 }, { seeds: 1, limit: 1000 });
    expect(found.cycles.map(({ isStable, hits }) => [isStable, hits])).toEqual([[true, 1]]);
    expect(Math.abs(found.cycles[0]!.period / 5.983412612696 - 1)).toBeLessThan(1e-10);
    expect(found.unsettled).toBe(0);
  });

  it('are not looked for where there is no work for it, and are counted', () => {
    const W = matrixOf([
      [...rotation(1.5, 30)[0]!, 0],
      [...rotation(1.5, 30)[1]!, 0],
      [0, 0, 2],
    ]);
    const { cycles: found, circleGuesses, unresolvedCircles } = cycles({ W, alpha: 0.1 }, { seeds: 2, circleWork: 1 });
    expect(found.every(({ isStable }) => isStable)).toBe(true);
    expect(circleGuesses).toBeGreaterThan(0);
    expect(unresolvedCircles).toBe(circleGuesses);
  });
});

describe('a search that ends early', () => {
  // Chaotic: no run of it settles.
  const W = gaussianWeights(20, 3 / Math.sqrt(20), 1);

  it('says so, of work and of time', () => {
    const set = cycles({ W, alpha: 1 }, { work: 2e6 });
    expect([set.stoppedBecause, set.cycles.length, set.starts, set.unsettled]).toEqual(['work', 0, 1, 1]);
    const four = cycles({ W, alpha: 1 }, { limit: 2000 });
    expect([four.stoppedBecause, four.starts, four.unsettled]).toEqual(['unsettled', 4, 4]);
    const began = performance.now();
    const late = cycles({ W, alpha: 1 }, { timeLimit: 0.05, limit: 1e9, work: 1e15 });
    expect([late.stoppedBecause, late.starts, late.unsettled]).toEqual(['time', 1, 1]);
    // Without the limit this run would take hours.
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(cycles({ W: matrix(3, 3), alpha: 1 }, { seeds: 3 }).stoppedBecause).toBe('starts');
  });

  it('finds the same with a budget that is not spent', () => {
    const turning = { W: matrixOf(rotation(1.5, 30)), alpha: 0.1 };
    expect(cycles(turning, { seeds: 2, work: 1e12, timeLimit: 1e6 })).toEqual(cycles(turning, { seeds: 2 }));
  });

  it('refuses limits that are none, all at once', () => {
    expect(() => cycles({ W, alpha: 1 }, { work: 0, timeLimit: -1, limit: 0.5, seeds: -1, circleWork: 0 })).toThrow(
      /seeds[^]*limit[^]*work[^]*circleWork[^]*timeLimit/,
    );
  });
});

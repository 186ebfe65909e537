import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseIssues, noiseSampler, type Noise } from './noise.js';

const UNITS = 24;
const STEPS = 12_000;

const field = (noise: Noise, seed = 1, units = UNITS, steps = STEPS): Float64Array[] => {
  const sample = noiseSampler(noise, units, seed, 'test');
  return Array.from({ length: steps }, (_, t) => {
    const row = new Float64Array(units);
    sample(t, row);
    return row;
  });
};

/** E[(x(t, i) - m) (x(t + lag, j) - m)] over time. */
const covariance = (rows: Float64Array[], mean: number, i: number, j: number, lag: number): number => {
  let sum = 0;
  const count = rows.length - lag;
  for (let t = 0; t < count; t++) sum += ((rows[t]?.[i] ?? 0) - mean) * ((rows[t + lag]?.[j] ?? 0) - mean);
  return sum / count;
};

describe('noiseSampler', () => {
  const laws = [
    [{ kind: 'gaussian', size: 0.7 }, 0, 0.49],
    [{ kind: 'laplace', size: 0.7 }, 0, 0.98],
    [{ kind: 'poisson', size: 0.7 }, 0.7, 0.7],
  ] satisfies [Noise, number, number][];

  it.each(laws)('white %o has the mean and variance of its law and no correlation', (noise, mean, variance) => {
    const rows = field(noise);
    const all = rows.reduce((sum, row) => sum + row.reduce((s, v) => s + v, 0), 0) / (STEPS * UNITS);
    expect(Math.abs(all - mean)).toBeLessThan(4 * Math.sqrt(variance / (STEPS * UNITS)));
    const bound = 5 / Math.sqrt(STEPS);
    expect(Math.abs(covariance(rows, mean, 0, 0, 0) / variance - 1)).toBeLessThan(bound * Math.sqrt(5));
    expect(Math.abs(covariance(rows, mean, 3, 3, 1) / variance)).toBeLessThan(bound);
    expect(Math.abs(covariance(rows, mean, 3, 4, 0) / variance)).toBeLessThan(bound);
  });

  it.each(laws)('smoothed %o keeps both at every unit, and correlates as stated', (law, mean, variance) => {
    const widths = { time: 2, space: 1.5 };
    const rows = field({ ...law, correlation: widths });
    // About 2 sqrt(pi) * 2 = 7 steps share one independent value.
    const bound = 5 * Math.sqrt(7 / STEPS);
    for (let j = 0; j < UNITS; j++) {
      const unitMean = rows.reduce((sum, row) => sum + (row[j] ?? Number.NaN), 0) / STEPS;
      expect(Math.abs(unitMean - mean) / Math.sqrt(variance)).toBeLessThan(bound);
      expect(Math.abs(covariance(rows, mean, j, j, 0) / variance - 1)).toBeLessThan(bound * Math.SQRT2);
    }
    const cases = [
      [0, 0, 1],
      [5, 5, 3],
      [0, 1, 0],
      [10, 13, 0],
      [8, 9, 2],
      [0, UNITS - 1, 0],
    ] as const;
    for (const [i, j, lag] of cases) {
      const expected = Math.exp(-(lag ** 2) / (4 * widths.time ** 2) - (j - i) ** 2 / (4 * widths.space ** 2));
      expect(Math.abs(covariance(rows, mean, i, j, lag) / variance - expected)).toBeLessThan(bound);
    }
  });

  it('depends on (seed, stream, time) only: any order of asking gives the same rows', () => {
    const noise = fc.record({
      kind: fc.constantFrom('gaussian' as const, 'laplace' as const, 'poisson' as const),
      size: fc.double({ min: 0, max: 20, noNaN: true }),
      correlation: fc.record({
        time: fc.double({ min: 0, max: 3, noNaN: true }),
        space: fc.double({ min: 0, max: 3, noNaN: true }),
      }),
    });
    const times = fc.array(fc.integer({ min: -30, max: 30 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(noise, times, fc.integer(), (spec, order, seed) => {
        const remembering = noiseSampler(spec, 5, seed, 'a');
        for (const time of order) {
          const one = new Float64Array(5);
          const other = new Float64Array(5);
          remembering(time, one);
          noiseSampler(spec, 5, seed, 'a')(time, other);
          expect(one).toEqual(other);
          expect(one.every(Number.isFinite)).toBe(true);
        }
      }),
    );
  });

  it('uses streams and seeds that are independent', () => {
    const noise: Noise = { kind: 'gaussian', size: 1 };
    const [a, b] = [field(noise, 1), field(noise, 2)];
    const crossed = a.map((row, t) => Float64Array.of(row[0] ?? 0, b[t]?.[0] ?? 0));
    expect(Math.abs(covariance(crossed, 0, 0, 1, 0))).toBeLessThan(5 / Math.sqrt(STEPS));
  });
});

describe('noiseIssues', () => {
  it('lists every bad part', () => {
    const issues = noiseIssues('inputNoise', {
      kind: 'poisson',
      size: 1e12,
      correlation: { time: -1, space: Number.NaN },
    });
    expect(issues.map(({ path }) => path)).toEqual([
      'inputNoise.size',
      'inputNoise.correlation.time',
      'inputNoise.correlation.space',
    ]);
    expect(noiseIssues('x', { kind: 'gaussian', size: Number.NaN })).toHaveLength(1);
    expect(noiseIssues('x', { kind: 'gaussian', size: 0 })).toEqual([]);
  });
});

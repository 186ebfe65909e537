import { describe, expect, it } from 'vitest';
import { accuracyCurve } from './accuracy-curve.js';
import type { Job } from './job.js';

const job = (network: number, states: readonly (readonly [seconds: number, r: number])[]): Job => ({
  method: 'm',
  network,
  ending: 'finished',
  driveScore: 0,
  load: 0,
  points: states.map(([seconds, correlation], step) => ({ step, seconds, correlation, slope: 1, relativeError: 1 })),
});

describe('accuracyCurve', () => {
  it('has for every network the last state until then, and its result at the end', () => {
    const curve = accuracyCurve(
      [
        job(0, [
          [1, 0.1],
          [10, 0.5],
        ]),
        job(1, [
          [2, 0.2],
          [20, 0.6],
          [100, 0.9],
        ]),
      ],
      'correlation',
    );
    const at = (seconds: number): number | undefined => curve.findLast((point) => point.seconds <= seconds)?.median;
    const end = (10 + 100) / 2;
    expect(curve[0]).toMatchObject({ seconds: (1 + 2) / 2, median: (0.1 + 0.2) / 2 });
    expect(at(9.5)).toBeCloseTo(0.15, 12);
    expect(at(15)).toBeCloseTo((0.5 + 0.2) / 2, 12);
    expect(at(0.99 * end)).toBeCloseTo((0.5 + 0.6) / 2, 12);
    expect(curve.at(-1)).toMatchObject({ seconds: end, median: (0.5 + 0.9) / 2 });
    expect(curve.at(-1)?.lower).toBeCloseTo(0.6, 12);
  });

  it('ends where the table has the result, though one network took ten times as long', () => {
    const curve = accuracyCurve(
      [1, 1, 1, 10].map((slow, network) =>
        job(network, [
          [slow, 0.1],
          [5 * slow, 0.2],
        ]),
      ),
      'correlation',
    );
    expect(curve[0]?.seconds).toBe(1);
    expect(curve.at(-1)).toMatchObject({ seconds: 5, median: 0.2, lower: 0.2 });
  });

  it('is a point for states of one time, and nothing without states', () => {
    expect(accuracyCurve([job(0, [[3, 0.7]])], 'correlation')).toEqual([
      { seconds: 3, median: 0.7, lower: 0.7, upper: 0.7 },
    ]);
    expect(accuracyCurve([], 'correlation')).toEqual([]);
    expect(accuracyCurve([job(0, [[3, Number.NaN]])], 'correlation')).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { comparisons, shortcomings } from './comparisons.js';
import type { Scores } from './report-data.js';
import { sampleReport } from './sample-report.test.data.js';

const scores: Scores = sampleReport().scores ?? expect.unreachable();

describe('shortcomings', () => {
  it('is silent where every score beats its baselines', () => {
    expect(shortcomings(comparisons(scores, 0.02))).toEqual([]);
  });

  it('says which score does not beat which baseline, pooled, median or both', () => {
    const worse: Scores = {
      ...scores,
      oneStep: { pooled: 0.955, median: 0.99 },
      drive: { pooled: -0.5, median: -0.5 },
      closedLoop: scores.closedLoop.map((score) => (score.horizon === 33 ? { ...score, median: -2 } : score)),
    };
    expect(shortcomings(comparisons(worse, null))).toEqual([
      'The model predicts no better than autoregression one step ahead (pooled R²).',
      'The model predicts no better than training mean for the drive (pooled and median R²).',
      'The model predicts no better than persistence in closed loop after 33\u00a0frames (median R²).',
    ]);
  });

  it('claims nothing about scores that could not be computed', () => {
    expect(shortcomings(comparisons({ ...scores, drive: { pooled: Number.NaN, median: Number.NaN } }, null))).toEqual(
      [],
    );
  });
});

import { matrixOf } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thetaOf, weightAccuracy } from './weight-accuracy.js';

const W = matrixOf([
  [0, 3],
  [-1, 0],
]);

describe('weightAccuracy', () => {
  it('is as calculated by hand, the diagonal included and theta transposed', () => {
    // W = (0, 3, -1, 0), fitted (1, 2, -1, 0): theta [predictor, unit] is its transpose.
    const theta = matrixOf([
      [1, -1],
      [2, 0],
    ]);
    const { correlation, slope, relativeError } = weightAccuracy(W)(theta);
    // Means 1/2 and 1/2; sums of squares about them 9 and 5, of products 6.
    expect(correlation).toBeCloseTo(6 / Math.sqrt(9 * 5), 12);
    // <W, What> = 6 + 1, <W, W> = 9 + 1.
    expect(slope).toBeCloseTo(0.7, 12);
    // RMSE = sqrt((1 + 1) / 4), sd(W) = sqrt(9 / 4).
    expect(relativeError).toBeCloseTo(Math.sqrt(0.5) / 1.5, 12);
  });

  it('leaves predictors after the units out', () => {
    const theta = matrixOf([
      [0, -1],
      [3, 0],
      [7, 8],
    ]);
    expect(weightAccuracy(W)(theta)).toEqual({ correlation: 1, slope: 1, relativeError: 0 });
  });

  it('knows no weights at all as such', () => {
    const nothing = weightAccuracy(W)(
      matrixOf([
        [0, 0],
        [0, 0],
      ]),
    );
    expect(nothing.correlation).toBeNaN();
    expect(nothing.slope).toBe(0);
    // RMSE / sd is 1 for a W of mean 0; here the mean is 1/2 and <W^2> = 10/4.
    expect(nothing.relativeError).toBeCloseTo(Math.sqrt(10 / 9), 12);
  });

  it('does not see the scale in r, and sees it alone in the slope', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 10, noNaN: true }), (scale) => {
        const truth = thetaOf(W);
        const fitted = { ...truth, data: truth.data.map((w) => scale * w) };
        const { correlation, slope } = weightAccuracy(W)(fitted);
        expect(correlation).toBeCloseTo(1, 10);
        expect(slope).toBeCloseTo(scale, 10);
      }),
    );
  });
});

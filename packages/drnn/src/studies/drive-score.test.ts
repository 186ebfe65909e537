import { backend } from '@drnn/backend-cpu';
import { transitions } from '@drnn/simulator';
import { matrixOf } from '@drnn/tensor';
import { expect, it } from 'vitest';
import { driveScore, meanTargets } from './drive-score.js';

it('is 1 - SSE / SST about the means that were fitted, pooled over units, with and without a bias', async () => {
  // With alpha = 1 the targets are the next rates.
  const heldOut = transitions({
    rates: matrixOf([
      [0.5, 0],
      [0.2, 0.4],
      [0.1, -0.3],
    ]),
    alpha: 1,
  });
  expect(heldOut.targets.data).toEqual(Float64Array.of(0.2, 0.4, 0.1, -0.3));
  const means = Float64Array.of(0.1, 0.2);
  const [a, b] = [0.6, -0.4];
  const theta = matrixOf([
    [a, 0],
    [0, b],
  ]);
  const predicted = [Math.tanh(a * 0.5), Math.tanh(0), Math.tanh(a * 0.2), Math.tanh(b * 0.4)];
  const targets = [0.2, 0.4, 0.1, -0.3];
  const square = (values: readonly number[]): number => values.reduce((sum, v) => sum + v * v, 0);
  const total = square([0.2 - 0.1, 0.4 - 0.2, 0, -0.3 - 0.2]);
  const on = await backend({ precision: 'float64' });
  expect(await driveScore(on, heldOut, means, theta)).toBeCloseTo(
    1 - square(predicted.map((p, i) => p - targets[i]!)) / total,
    12,
  );
  const biased = matrixOf([
    [a, 0],
    [0, b],
    [0.3, -0.2],
  ]);
  const shifted = [Math.tanh(a * 0.5 + 0.3), Math.tanh(-0.2), Math.tanh(a * 0.2 + 0.3), Math.tanh(b * 0.4 - 0.2)];
  expect(await driveScore(on, heldOut, means, biased)).toBeCloseTo(
    1 - square(shifted.map((p, i) => p - targets[i]!)) / total,
    12,
  );
  expect(on.memory().handles).toBe(0);
  await on.close();
});

it('takes the means of the targets by unit', () => {
  const fitted = transitions({
    rates: matrixOf([
      [0, 0],
      [0.2, 0.4],
      [0.4, -0.2],
    ]),
    alpha: 1,
  });
  const means = meanTargets(fitted);
  expect(means[0]).toBeCloseTo(0.3, 12);
  expect(means[1]).toBeCloseTo(0.1, 12);
});

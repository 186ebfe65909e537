import { readFileSync } from 'node:fs';
import { backend } from '@drnn/backend-cpu';
import { crossEntropy, type ObjectiveOptions } from '@drnn/objectives';
import { decodeNpy, toFloat64 } from '@drnn/recordings';
import { transitions, type Transitions } from '@drnn/simulator';
import { matrix, type Matrix, transpose } from '@drnn/tensor';
import { requires, sharedPath } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { firstOf, maxSteps, newton, problem, run, stalled, tolerance, withStopping } from './index.js';

/** Exact optima, polished in long double by an independent reference (specs/algorithms.md, section 5). */
const available = requires('shared');

const read = (name: string): Matrix => {
  const array = decodeNpy(readFileSync(sharedPath('fixtures', `${name}.npy`)), name);
  const [rows = 1, columns = 1] = array.shape;
  return matrix(rows, columns, toFloat64(array));
};

interface Case {
  readonly data: 'A' | 'B';
  readonly options: (from: Transitions) => ObjectiveOptions;
}

const zeroDiagonal = { constraints: { zeroDiagonal: true } } as const;
const variance = { weights: 'variance', ridge: 1e-5 } as const;

/** Weights of a noise-calibrated round from the true network: q / V where |d - mu| < 4 sqrt V, d not clipped. */
const frozenWeights = (from: Transitions, data: 'A' | 'B', inner: number, outer: number): Matrix => {
  const truth = [read(`${data}_W`), ...(data === 'B' ? [read('B_Win')] : [])];
  const { rows, columns } = from.targets;
  const weights = matrix(rows, columns);
  for (let t = 0; t < rows; t++) {
    for (let j = 0; j < columns; j++) {
      let z = 0;
      let p = 0;
      for (const part of truth) {
        for (let k = 0; k < part.columns; k++, p++) {
          z += part.data[j * part.columns + k]! * from.predictors.data[t * from.predictors.columns + p]!;
        }
      }
      const mu = Math.tanh(z);
      const q = 1 - mu * mu;
      const spread = (inner * q) ** 2 + outer ** 2;
      const kept = Math.abs(from.targets.data[t * columns + j]! - mu) < 4 * Math.sqrt(spread);
      weights.data[t * columns + j] = kept ? q / spread : 0;
    }
  }
  return weights;
};

const calibratedRound =
  (data: 'A' | 'B', inner: number, outer: number, lambda: number) =>
  (from: Transitions): ObjectiveOptions => ({
    ...zeroDiagonal,
    weights: { kind: 'explicit', values: frozenWeights(from, data, inner, outer) },
    ridge: lambda / from.targets.rows,
    targetClip: null,
  });

const cases: Readonly<Record<string, Case>> = {
  A1_wce_full: { data: 'A', options: () => ({ ...variance, constraints: { zeroDiagonal: false } }) },
  A2_wce_diag0: { data: 'A', options: () => ({ ...variance, ...zeroDiagonal }) },
  'A3_clip0.2_diag0': { data: 'A', options: () => ({ ...variance, ...zeroDiagonal, clip: 0.2 }) },
  A4_cap10_diag0: {
    data: 'A',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'capped', cap: 10 } }),
  },
  A5_calib_diag0: {
    data: 'A',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'calibrated', kappa: 0.0004 } }),
  },
  A7_nct_truew_diag0: { data: 'A', options: calibratedRound('A', 0.05, 0.001, 3.7037037037037033) },
  B1_wce_full: { data: 'B', options: () => ({ ...variance, constraints: { zeroDiagonal: false } }) },
  B2_wce_diag0: { data: 'B', options: () => ({ ...variance, ...zeroDiagonal }) },
  'B3_clip0.2_diag0': { data: 'B', options: () => ({ ...variance, ...zeroDiagonal, clip: 0.2 }) },
  B4_cap10_diag0: {
    data: 'B',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'capped', cap: 10 } }),
  },
  B5_calib_diag0: {
    data: 'B',
    options: () => ({ ...variance, ...zeroDiagonal, weights: { kind: 'calibrated', kappa: 0.010000000000000002 } }),
  },
  B6_cap10_mask: {
    data: 'B',
    options: () => ({
      ...variance,
      weights: { kind: 'capped', cap: 10 },
      constraints: { zeroDiagonal: false, connections: transpose(read('B_mask_free')) },
    }),
  },
  B7_nct_truew_diag0: { data: 'B', options: calibratedRound('B', 0.01, 0.001, 1.7777777777777777) },
};

describe.skipIf(!available)('exact optima', () => {
  it.each(Object.entries(cases))('%s', async (name, { data, options }) => {
    const from = transitions({
      rates: read(`${data}_r`),
      alpha: 0.1,
      ...(data === 'B' ? { inputs: read('B_u') } : {}),
    });
    const on = await backend();
    const task = await problem(on, from, crossEntropy(options(from)), { bias: false });
    const solver = withStopping(firstOf(tolerance(1e-12), maxSteps(300), stalled(5)))(newton);
    const solution = await run(solver, task);
    const theta = read(`${name}_theta`);
    const value = read(`${name}_F`);
    const scale = Math.max(...theta.data.map(Math.abs));
    const error = Math.max(...theta.data.map((x, i) => Math.abs(x - solution.theta.data[i]!)));
    expect(error / scale).toBeLessThan(1e-8);
    solution.value.forEach((f, j) => expect(Math.abs(f / value.data[j]! - 1)).toBeLessThan(1e-10));
    if (process.env['DRNN_PRINT'] !== undefined) {
      const total = value.data.reduce((a, b) => a + b, 0);
      console.log(
        `${name}: theta ${(error / scale).toExponential(1)} relative, objective ${Math.abs(solution.objective / total - 1).toExponential(1)}, ` +
          `${solution.status} in ${solution.steps} steps, residual ${solution.residual.toExponential(1)}, bound ${solution.thetaErrorBound.toExponential(1)}`,
      );
    }
    await on.close();
  });
});

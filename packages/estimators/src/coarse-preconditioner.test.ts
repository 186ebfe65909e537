import { backend } from '@drnn/backend-cpu';
import { transfers } from '@drnn/objectives';
import { cornnRecording, sourceOfTransitions, transitions } from '@drnn/simulator';
import { batchedPcg, metricOf, projectOut } from '@drnn/solvers';
import { copyMatrix, matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { calibratedLoss } from './calibrated-loss.js';
import { coarsePreconditioner } from './coarse-preconditioner.js';
import { leastSquaresPath } from './ridge-fits.js';
import { curvatureTimes, freezeAt, releasePoint } from './round-point.js';
import { roundPreconditioner } from './round-preconditioner.js';
import { releaseTask, roundTask } from './round-task.js';
import { ridgeOf } from './shrinkage.js';

const units = 80;
const frames = 2400;
const loss = calibratedLoss(transfers.tanh, { input: 1e-2, output: 1e-4 }, 1, false);
const every = Int32Array.from({ length: units }, (_, j) => j);

interface Prepared {
  /** Products that the solution takes with this preconditioner and with the shared metric. */
  readonly products: { readonly grouped: number; readonly shared: number };
  readonly solution: Matrix;
  readonly alongResidual: Float64Array;
  readonly work: number;
}

/** One preconditioning of random residuals at the least squares fit of a recording; null where there is none. */
const prepared = async (options: {
  readonly zeroDiagonal: boolean;
  readonly mask?: boolean;
  readonly shuffled?: boolean;
}): Promise<Prepared | null> => {
  const on = await backend();
  const { rates } = cornnRecording({
    units,
    frames,
    g: 3,
    inputNoise: 1e-2,
    conversionNoise: 1e-4,
    alpha: 0.05,
    seed: 5,
  });
  // White rows: nothing is alike from one to the next.
  if (options.shuffled === true)
    rates.data.forEach((_, i) => (rates.data[i] = Math.tanh(3 * Math.sin(1e4 * (i + 1) ** 2))));
  const mask = matrix(units, units);
  mask.data.fill(1);
  for (let i = 0; i < units; i += 3) mask.data[i * units + ((i + 7) % units)] = 0;
  const constraints = {
    zeroDiagonal: options.zeroDiagonal,
    ...(options.mask === true ? { connections: mask } : {}),
  };
  const source = sourceOfTransitions(transitions({ rates, alpha: 0.1 }));
  const task = await roundTask(on, [source], { transfer: transfers.tanh, constraints, bias: true });
  const theta = (await leastSquaresPath(task, [1e-4]))?.[0];
  if (theta === undefined) throw new Error('no fit to start from');
  const ridge = ridgeOf({ W: units / 9, Win: 1 }, task.shape);
  const { round, point } = await freezeAt(task, theta, loss, ridge, false);
  const meanCurvature = point.curvatureSums.reduce((a, b) => a + b, 0) / units / task.shape.transitions;
  const metric = metricOf(
    on.host,
    task.gram,
    ridge.map((lambda) => lambda / meanCurvature),
    task.free,
  );
  const coarse = await coarsePreconditioner(round, point, metric, meanCurvature);
  try {
    if (coarse === null) return null;
    const residual = copyMatrix(point.gradient);
    const solution = copyMatrix(await coarse.precondition(residual, every));
    const work = coarse.work();
    const shared = roundPreconditioner(metric, point, task.shape.transitions, meanCurvature);
    const productsWith = async (
      precondition: (r: Matrix, of: Int32Array) => Matrix | Promise<Matrix>,
    ): Promise<number> => {
      const { products, ending } = await batchedPcg({
        host: on.host,
        right: residual,
        hessianTimes: (v) => curvatureTimes(round, point, v),
        precondition,
        project: (a, of) => projectOut(task.free, a, of),
        relative: 1e-3,
      });
      expect(ending.every((why) => why === 'solved')).toBe(true);
      return products;
    };
    return {
      products: { grouped: await productsWith(coarse.precondition), shared: await productsWith(shared) },
      solution,
      alongResidual: on.host.columnDot(residual, solution),
      work,
    };
  } finally {
    coarse?.release();
    releasePoint(point);
    round.release();
    releaseTask(task);
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
    await on.close();
  }
};

describe('coarsePreconditioner', () => {
  it('takes less than half of the products, and preconditions for a few more', async () => {
    for (const zeroDiagonal of [false, true]) {
      const found = await prepared({ zeroDiagonal });
      if (found === null) throw new Error('slow recordings have groups');
      const { products, alongResidual, work, solution } = found;
      expect(products.grouped).toBeLessThan(0.5 * products.shared);
      for (const sum of alongResidual) expect(sum).toBeGreaterThan(0);
      expect(work).toBeGreaterThan(0);
      expect(work).toBeLessThan(30 / 4 + 1);
      if (zeroDiagonal)
        for (let j = 0; j < units; j++) expect(Math.abs(solution.data[j * units + j]!)).toBeLessThan(1e-9);
    }
  });

  it('is none where rows change from one to the next, and under a general mask', async () => {
    expect(await prepared({ zeroDiagonal: true, shuffled: true })).toBeNull();
    expect(await prepared({ zeroDiagonal: false, mask: true })).toBeNull();
  });
});

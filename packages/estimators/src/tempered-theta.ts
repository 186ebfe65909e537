import { batchedPcg, type Metric, metricOf } from '@drnn/solvers';
import { matrix, type Matrix } from '@drnn/tensor';
import { type FrozenRound, narrowingProducts, type RoundPoint, withRidge } from './round-point.js';
import { roundPreconditioner } from './round-preconditioner.js';

/** A round that was solved, while its rows are kept. */
export interface SolvedRound {
  readonly round: FrozenRound;
  /** Where its last Newton step began. */
  readonly point: RoundPoint;
  /** Theta after that step. */
  readonly theta: Matrix;
  readonly metric: Metric;
  readonly meanCurvature: number;
}

/** The bound on what the change may lack, as a part of its decrement; it is some 4 times what is lacking. */
const relative = 0.1;
const mostProducts = 12;

/**
 * The estimate of a solved round had all its weights been m times smaller, as if m times as many frames made one
 * independent sample: the ridge is then m times as heavy. With the weights frozen a round is quadratic near its end, so
 *
 *     Theta' = Theta + delta,   (H + m Lambda) delta = -(m - 1) Lambda Theta,
 *
 * and what the round left undone stays undone. Cost a few products.
 */
export const temperedTheta = async (solved: SolvedRound, tempering: number): Promise<Matrix> => {
  const { round, point, theta, meanCurvature } = solved;
  const { task } = round;
  const { on, shape } = task;
  const ridge = round.ridge.map((lambda) => lambda * tempering);
  const right = withRidge(
    task,
    round.ridge.map((lambda) => -lambda * (tempering - 1)),
    theta,
    matrix(theta.rows, theta.columns),
  );
  const metric = metricOf(
    on.host,
    task.gram,
    ridge.map((lambda) => lambda / meanCurvature),
    task.free,
  );
  const products = narrowingProducts({ ...round, ridge }, point);
  try {
    const { direction } = await batchedPcg({
      host: on.host,
      right,
      narrowing: true,
      hessianTimes: (v, units) => products.times(v, units),
      precondition: roundPreconditioner(metric, point, shape.transitions, meanCurvature),
      relative,
      maxProducts: mostProducts,
    });
    for (let i = 0; i < theta.data.length; i++) direction.data[i]! += theta.data[i]!;
    return direction;
  } finally {
    products.release();
  }
};

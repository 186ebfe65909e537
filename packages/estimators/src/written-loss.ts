import { type Expression, type Matrix, mul, substitute, variable, variablesOf } from '@drnn/tensor';
import type { FrozenLoss } from './calibrated-loss.js';

/**
 * Whether weights and curvatures of a round stay on the backend as rows [time, unit], or are made again in every pass
 * from the Theta that they were frozen at.
 */
export type Memory = 'keep' | 'recompute';

/** A frozen loss with its weight written out, in the currents that `currents` names and in d and o. */
export interface WrittenLoss {
  readonly weight: Expression;
  readonly value: Expression;
  readonly slope: Expression;
  readonly curvature: Expression;
  /** h v, of a current v. */
  readonly product: Expression;
  /** z = X theta and, where the weight needs it, z0 = X start. */
  currents(theta: Matrix, start: Matrix): Readonly<Record<string, Matrix>>;
}

/** The loss where it is frozen, of one current, z = z0. */
export const writtenAtStart = (loss: FrozenLoss): WrittenLoss => ({
  ...written(loss, substitute(loss.weight, { z0: variable('z') })),
  currents: (_, start) => ({ z: start }),
});

/** The loss anywhere else, of z and z0. */
export const writtenElsewhere = (loss: FrozenLoss): WrittenLoss => {
  const needsStart = variablesOf(loss.weight).includes('z0');
  return {
    ...written(loss, loss.weight),
    currents: (theta, start) => (needsStart ? { z: theta, z0: start } : { z: theta }),
  };
};

const written = (loss: FrozenLoss, weight: Expression) => {
  const [value, slope, curvature] = [loss.value, loss.slope, loss.curvature].map((e) => substitute(e, { w: weight }));
  if (value === undefined || slope === undefined || curvature === undefined) throw new Error('a loss has three parts');
  return { weight, value, slope, curvature, product: mul(curvature, variable('v')) };
};

import type { Model } from '@drnn/recordings';
import { matrix, type Matrix, refuse } from '@drnn/tensor';
import type { NetworkFacts } from './prepared.js';
import type { Scaling } from './scaling.js';

/** W [unit, unit] and Win [unit, input] with row = target, and b, from Theta [predictor, unit]. */
export const modelOf = (
  theta: Matrix,
  of: NetworkFacts,
  bias: boolean,
  scaling: Scaling,
  groups: readonly string[] | null = null,
): Omit<Model, 'record'> => {
  const { units, inputs, alpha } = of;
  const part = (from: number, count: number): Matrix => {
    const result = matrix(units, count);
    for (let p = 0; p < count; p++) {
      for (let j = 0; j < units; j++) result.data[j * count + p] = theta.data[(from + p) * units + j]!;
    }
    return result;
  };
  return {
    W: part(0, units),
    Win: part(units, inputs),
    inputLags: of.inputLags,
    groups,
    b: bias ? theta.data.slice((units + inputs) * units) : new Float64Array(units),
    alpha,
    scale: scaling.scale,
    offset: scaling.offset,
  };
};

/** Theta [predictor, unit] of a model; the inverse of `modelOf`. */
export const thetaFrom = (
  { W, Win, b }: Pick<Model, 'W' | 'Win' | 'b'>,
  of: Pick<NetworkFacts, 'units' | 'inputs'>,
  bias: boolean,
): Matrix => {
  const { units, inputs } = of;
  refuse(
    W.rows === units && Win.columns === inputs
      ? []
      : [
          {
            path: 'from',
            seen: `a model of [unit=${W.rows}, input=${Win.columns}]`,
            expected: `[unit=${units}, input=${inputs}], as the recording`,
          },
        ],
  );
  const theta = matrix(units + inputs + (bias ? 1 : 0), units);
  const put = (from: number, part: Matrix): void => {
    for (let p = 0; p < part.columns; p++) {
      for (let j = 0; j < units; j++) theta.data[(from + p) * units + j] = part.data[j * part.columns + p]!;
    }
  };
  put(0, W);
  put(units, Win);
  if (bias) theta.data.set(b, (units + inputs) * units);
  return theta;
};

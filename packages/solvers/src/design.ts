import type { Transitions } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';

/** X = [R | U | 1], [transition, predictor]; without a bias it is the predictors themselves. */
export const designOf = ({ predictors }: Transitions, bias: boolean): Matrix => {
  if (!bias) return predictors;
  const { rows, columns } = predictors;
  const design = matrix(rows, columns + 1);
  for (let t = 0; t < rows; t++) {
    design.data.set(predictors.data.subarray(t * columns, (t + 1) * columns), t * (columns + 1));
    design.data[t * (columns + 1) + columns] = 1;
  }
  return design;
};

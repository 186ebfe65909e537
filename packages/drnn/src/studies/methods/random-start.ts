import { fillGaussian, randomStream } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';

/** The paper's random start: Theta [predictor, unit] of independent N(0, 1 / N). */
export const randomStart = (predictors: number, units: number, seed: number): Matrix => {
  const theta = matrix(predictors, units);
  fillGaussian(randomStream(seed, 'start')(0), 1 / Math.sqrt(units), theta.data);
  return theta;
};

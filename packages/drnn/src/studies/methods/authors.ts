import { authorsAdmm, authorsThresholded } from '@drnn/solvers';
import type { StudyMethod } from '../study-method.js';
import { randomStart } from './random-start.js';

interface ThresholdedSettings {
  readonly threshold: number;
  readonly ridge: number;
  readonly steps: number;
  readonly start?: 'fixed-point' | 'random';
}

/** The authors' solver: shared Hessian, redescending threshold, free diagonal. */
export const authors = ({ threshold, ridge, steps, start = 'fixed-point' }: ThresholdedSettings): StudyMethod => {
  const name = start === 'random' ? 'authors-random' : 'authors';
  return {
    name,
    label: start === 'random' ? 'CORNN, random start' : 'CORNN (authors)',
    curve: name,
    endsByItself: start === 'fixed-point',
    settings: { threshold, ridge, steps, start, zeroDiagonal: false, bias: false },
    run: async ({ on, recording, seed, probe }) => {
      const units = recording.rates.columns;
      const predictors = units + (recording.inputs?.columns ?? 0);
      await authorsThresholded(on, recording, {
        threshold,
        ridge,
        steps,
        onStep: probe.state,
        ...(start === 'random' ? { start: randomStart(predictors, units, seed) } : {}),
      });
      return 'finished';
    },
  };
};

interface AdmmSettings {
  readonly threshold: number;
  readonly ridge: number;
  readonly rho: number;
  readonly steps: number;
}

/** The authors' solver with the diagonal masked, by their inexact ADMM. */
export const authorsMasked = ({ threshold, ridge, rho, steps }: AdmmSettings): StudyMethod => ({
  name: 'authors-admm',
  label: 'CORNN, ADMM (authors)',
  curve: 'authors-admm',
  endsByItself: true,
  settings: { threshold, ridge, rho, steps, zeroDiagonal: true, bias: false },
  run: async ({ on, recording, probe }) => {
    await authorsAdmm(on, recording, { threshold, ridge, rho, steps, onStep: probe.state });
    return 'finished';
  },
});

import { type Choosing, type Effort, estimate } from '@drnn/estimators';
import { transfers } from '@drnn/objectives';
import { sourceOfRecording } from '@drnn/simulator';
import { settle } from '../../fit-options.js';
import type { OwnEnding, StudyMethod } from '../study-method.js';

/**
 * The estimator of `drnn fit` with its defaults, none of them tuned: a convex pilot, noise-calibrated rounds, and the
 * choice between them and plain ridge; `rounds` is that without the choice.
 */
export const calibrated = (form: 'quick' | 'rounds' | 'full'): StudyMethod => {
  const effort: Effort = form === 'quick' ? 'quick' : 'full';
  const choosing: Choosing = form === 'quick' ? 'split' : form === 'rounds' ? 'none' : 'cross-validation';
  const { clip, ridge, tolerance, maxSteps, bias, zeroDiagonal } = settle({ alpha: 0.1, effort });
  const name = form === 'full' ? 'calibrated' : `calibrated-${form}`;
  return {
    name,
    label: { quick: 'drnn fit, quick', rounds: 'drnn fit, no choice', full: 'drnn fit' }[form],
    curve: name,
    endsByItself: true,
    settings: { effort, choosing, pilot: { clip, ridge, tolerance, maxSteps }, zeroDiagonal, bias },
    run: ({ on, recording, probe }) =>
      on.scope(async (inner): Promise<OwnEnding> => {
        const controller = new AbortController();
        let states = 0;
        const { theta, converged } = await estimate(inner, sourceOfRecording(recording), {
          transfer: transfers.tanh,
          constraints: { zeroDiagonal },
          bias,
          effort,
          choosing,
          pilot: { clip: clip ?? Infinity, ridge, tolerance, maxSteps },
          signal: controller.signal,
          onProgress: (progress) => {
            // The estimate of part of the rows is none yet.
            if (progress.theta !== null && !probe.state(states++, progress.theta)) controller.abort();
          },
        });
        probe.state(states, theta);
        return converged ? 'converged' : 'finished';
      }),
  };
};

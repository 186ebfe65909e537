import { type Observations, randomNetwork, simulate, type Transitions, transitions } from '@drnn/simulator';
import { type Matrix, rowRange } from '@drnn/tensor';
import type { Study } from './study.js';

/** A network of a study with its recording, and a later stretch of the same run that no method sees. */
export interface StudyNetwork {
  readonly index: number;
  readonly seed: number;
  /** [unit, unit], row = target. */
  readonly W: Matrix;
  readonly recording: Observations;
  readonly heldOut: Transitions;
}

/** Transitions that are held out: enough for a score to three digits, and no more than are fitted. */
const longestHeldOut = 1000;

/** A 32-bit hash of a text (FNV-1a, Fowler, Noll & Vo). */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
};

/** The seed of all that is random about a network of a study and about the methods on it. */
export const networkSeed = (study: Study, index: number, seed: number): number =>
  hashOf(`${study.name}/${seed}/${index}`);

/**
 * Network `index` of a study: made of (study, index, seed) alone, so that it is the same whatever ran before. The
 * recording is [transitions + 1, unit]; the held-out part goes on where it ends, with noise of its own.
 */
export const studyNetwork = (
  study: Study,
  size: { readonly units: number; readonly transitions: number },
  index: number,
  seed: number,
): StudyNetwork => {
  const own = networkSeed(study, index, seed);
  const { W, initial } = randomNetwork({ units: size.units, gain: study.gain, seed: own });
  const later = Math.min(longestHeldOut, size.transitions);
  const { alpha } = study;
  const { rates } = simulate({
    W,
    initial,
    alpha,
    steps: size.transitions + later,
    inputNoise: study.inputNoise,
    outputNoise: study.outputNoise,
    seed: own,
  });
  return {
    index,
    seed: own,
    W,
    recording: { rates: rowRange(rates, 0, size.transitions + 1), alpha },
    heldOut: transitions({ rates: rowRange(rates, size.transitions, rates.rows), alpha }),
  };
};

import type { Structure } from '@drnn/objectives';
import { failure, type Matrix } from '@drnn/tensor';
import type { Problem } from './problem.js';

/** The structure of a problem; one that is all smooth has only its zeros. */
export const structureFor = (problem: Problem): Structure => {
  if (problem.structure !== null) return problem.structure;
  throw failure({
    path: 'solver',
    seen: 'a proximal solver for a smooth objective without bounds',
    expected: 'a penalty with a kink, or bounds',
    hint: 'use shared-newton or newton, which are faster there',
  });
};

export const isBounded = ({ low, high }: Structure): boolean =>
  low.data.some((value, i) => value !== high.data[i] && (value !== -Infinity || high.data[i] !== Infinity));

/** Into the bounds, in place. */
export const clipToBounds = ({ low, high }: Structure, theta: Matrix): void => {
  for (let i = 0; i < theta.data.length; i++) {
    theta.data[i] = Math.min(high.data[i]!, Math.max(low.data[i]!, theta.data[i]!));
  }
};

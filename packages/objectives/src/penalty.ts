import type { Issue } from '@drnn/tensor';

/**
 * Ridge: strength x (number of transitions) / 2 x |theta|^2 over W and Win, not over the bias, whose level is not a
 * matter of size. Times the number of transitions, so that the strength is per sample and does not fade with data.
 */
export interface Penalty {
  readonly kind: 'ridge';
  readonly strength: number;
}

export const ridge = (strength: number): Penalty => ({ kind: 'ridge', strength });

export const penaltyIssues = (penalty: Penalty): readonly Issue[] =>
  penalty.strength >= 0 && Number.isFinite(penalty.strength)
    ? []
    : [{ path: 'ridge', seen: `${penalty.strength}`, expected: 'a finite number of at least 0' }];

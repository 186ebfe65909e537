import type { Objective } from '@drnn/objectives';
import type { Transitions } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';

/** Explicit weights with a row for every transition, moved to the frames, so that parts of the samples find theirs. */
export const weightsByFrame = (objective: Objective, all: Transitions): Objective => {
  const { weights } = objective;
  if (weights.kind !== 'explicit' || weights.values.rows !== all.targets.rows) return objective;
  const { columns, data } = weights.values;
  const values = matrix((all.frames.at(-1) ?? 0) + 1, columns);
  all.frames.forEach((frame, row) => {
    values.data.set(data.subarray(row * columns, (row + 1) * columns), frame * columns);
  });
  return { ...objective, weights: { kind: 'explicit', values } };
};

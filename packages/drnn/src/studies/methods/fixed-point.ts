import { crossEntropy } from '@drnn/objectives';
import { problem } from '@drnn/solvers';
import type { OwnEnding, StudyMethod } from '../study-method.js';

/** The authors' start and nothing more: ridge regression on inverted currents, A^-1 X' atanh(d). */
export const fixedPoint = ({ ridge }: { readonly ridge: number }): StudyMethod => ({
  name: 'fixed-point',
  label: 'fixed point only',
  curve: 'fixed-point',
  endsByItself: true,
  settings: { ridge, zeroDiagonal: false, bias: false },
  run: ({ on, recording, probe }) =>
    on.scope(async (inner): Promise<OwnEnding> => {
      const objective = crossEntropy({ ridge, constraints: { zeroDiagonal: false } });
      const task = await problem(inner, recording, objective, { bias: false });
      probe.state(0, await task.start());
      return 'finished';
    }),
});

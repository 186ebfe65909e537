import { crossEntropy } from '@drnn/objectives';
import { problem } from '@drnn/solvers';
import { forceEpochs } from '@drnn/training';
import type { Matrix } from '@drnn/tensor';
import type { MethodTask, StudyMethod } from '../study-method.js';

interface Settings {
  readonly form: 'currents' | 'rates';
  /** P(0) = I / lambda. */
  readonly lambda: number;
  readonly epochs: number;
  /** Random: N(0, g^2 / N) with g = `gain`. */
  readonly start: 'fixed-point' | 'random';
  /** The fixed point has a ridge of lambda / (this T), all in all. Default 1. */
  readonly ridgeDivisor?: number;
}

const gain = 2;

/** FORCE with recursive least squares, in the original form on currents and the modified one on rates. */
export const forceLearning = ({ form, lambda, epochs, start, ridgeDivisor = 1 }: Settings): StudyMethod => ({
  name: `force-${form}`,
  label: `FORCE, ${form}`,
  curve: `force-${form}`,
  settings: { form, lambda, epochs, start, ...(start === 'random' ? { gain } : { ridgeDivisor }) },
  run: async (task) => {
    const { recording, seed, probe } = task;
    const from = start === 'random' ? null : await fixedPointOf(task, lambda / ridgeDivisor);
    if (from !== null && !probe.state(0, from)) return 'finished';
    const training = forceEpochs(recording, {
      form,
      lambda,
      epochs,
      gain,
      seed,
      ...(from === null ? {} : { start: from }),
    });
    for await (const { epochs: passed, theta } of training) if (!probe.state(passed, theta)) break;
    return 'finished';
  },
});

/** CORNN's fixed point with a ridge of lambda / T in all, as the authors give it to FORCE. */
const fixedPointOf = ({ on, recording }: MethodTask, lambda: number): Promise<Matrix> =>
  on.scope(async (inner) => {
    const ridge = lambda / (recording.rates.rows - 1) ** 2;
    const objective = crossEntropy({ ridge, constraints: { zeroDiagonal: false } });
    return (await problem(inner, recording, objective, { bias: false })).start();
  });

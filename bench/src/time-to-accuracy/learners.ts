import { estimate } from '@drnn/estimators';
import { crossEntropy, transfers } from '@drnn/objectives';
import { type Observations, sourceOfRecording } from '@drnn/simulator';
import * as solvers from '@drnn/solvers';
import { type Backend, matrix, type Matrix } from '@drnn/tensor';
import { pilots } from '../pilots.js';
import { type Learner, learnerOf } from './learner.js';

const { accelerate, anderson, iterate, problem, sharedNewton } = solvers;

/** Theta of each state of a solver, until its own rule or `most` steps end it. */
async function* thetasOf<State extends solvers.Iterate>(
  solver: solvers.Solver<State>,
  task: solvers.Problem,
  most: number,
  start?: Matrix,
): AsyncGenerator<Matrix, void, void> {
  for await (const state of iterate(solver, task, start === undefined ? {} : { start })) {
    yield state.theta;
    if (state.step >= most || state.exhausted === true) return;
  }
}

/** The convex fit of `--estimator convex`: clipped slopes, shared Newton with Anderson, so many steps. */
const convexLearner = (steps: number): Learner => ({
  name: `convex, ${steps} steps`,
  learn: async function* (on, recording) {
    const task = await problem(on, recording, crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 }));
    try {
      yield* thetasOf(accelerate(anderson(5))(sharedNewton), task, steps);
    } finally {
      task.release();
    }
  },
});

/** The authors' iteration on our backends: what is left is the difference of the arithmetic. */
const authorsLearner = (steps: number): Learner =>
  learnerOf(`authors, ${steps} steps`, (on, recording) => solvers.authorsThresholded(on, recording, { steps }));

/** The calibrated estimator as `fit` runs it with effort quick: the pilot, one round, and the choice on one split. */
const quickLearner: Learner = learnerOf('calibrated, quick', async (on, recording) => {
  const { theta } = await estimate(on, sourceOfRecording(recording), {
    transfer: transfers.tanh,
    constraints: { zeroDiagonal: true },
    bias: true,
    effort: 'quick',
    pilot: { clip: 0.2, ridge: 1e-5, ...pilots.quick, acceleration: anderson(5) },
  });
  return theta;
});

/** Who may be timed against NumPy, by a word for the command line. An estimator enters with a line here. */
const candidates = {
  authors: ({ steps }: { readonly steps: number }): Learner => authorsLearner(steps),
  convex: (): Learner => convexLearner(12),
  quick: (): Learner => quickLearner,
};

export type CandidateName = keyof typeof candidates;

export const isCandidateName = (name: string): name is CandidateName => Object.hasOwn(candidates, name);

/** In the order of their names; the last one stands for us against Adam. */
export const candidatesFor = (
  names: readonly CandidateName[],
  authors: { readonly steps: number },
): readonly Learner[] => names.map((name) => candidates[name](authors));

/** Where the authors' Adam starts: the ridge of the fixed point, a transition (1e4 times that of the fit). */
const startRidge = 1e-4;

/** Adam on the cross-entropy with the authors' weight decay of 1e-8, from zero or from the fixed point. */
const adamLearner = (
  adam: (options: { readonly learningRate: number }) => solvers.Solver,
  learningRate: number,
  start: 'zero' | 'fixed point',
): Learner => ({
  name: `Adam ${learningRate}, from ${start === 'zero' ? 'zero' : 'the fixed point'}`,
  learn: async function* (on: Backend, recording: Observations) {
    const fixedPoint = async (): Promise<Matrix> => {
      const task = await problem(on, recording, crossEntropy({ ridge: startRidge }), { bias: false });
      const theta = await task.start();
      task.release();
      return theta;
    };
    const begin = start === 'zero' ? matrix(recording.rates.columns, recording.rates.columns) : await fixedPoint();
    const task = await problem(on, recording, crossEntropy({ ridge: 1e-8 }), { bias: false });
    try {
      yield* thetasOf(adam({ learningRate }), task, Number.POSITIVE_INFINITY, begin);
    } finally {
      task.release();
    }
  },
});

const isAdam = (found: unknown): found is (options: { readonly learningRate: number }) => solvers.Solver =>
  typeof found === 'function';

/** Adam in all its settings; none where the solvers have no Adam. */
export const adamLearners = (): readonly Learner[] => {
  const adam: unknown = Object.entries(solvers).find(([name]) => name === 'adam')?.[1];
  if (!isAdam(adam)) return [];
  return [1e-3, 3e-3, 1e-2, 3e-2].flatMap((rate) =>
    (['zero', 'fixed point'] as const).map((start) => adamLearner(adam, rate, start)),
  );
};

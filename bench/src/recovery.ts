import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate } from '@drnn/simulator';
import { accelerate, anderson, authorsThresholded, problem, run, sharedNewton } from '@drnn/solvers';
import { type WeightAccuracy, weightAccuracy } from 'drnn';

/**
 * How near fits come to the true weights of chaotic networks: units 100, steps 10000, gain 3, alpha 0.1, input noise
 * 1e-2, output noise 1e-4, five seeds. Usage: recovery.js [units] [steps] [seeds].
 */
const [units = 100, steps = 10_000, seeds = 5] = process.argv.slice(2).map(Number);

const row = (
  seed: number,
  method: string,
  seconds: number,
  { correlation, slope, relativeError }: WeightAccuracy,
): void =>
  console.log(
    `${String(seed).padStart(4)}  ${method.padEnd(34)}${seconds.toFixed(1).padStart(8)}${correlation.toFixed(5).padStart(13)}${slope.toFixed(4).padStart(9)}${relativeError.toFixed(4).padStart(9)}`,
  );

const timed = async <Result>(work: () => Promise<Result>): Promise<readonly [Result, number]> => {
  const began = performance.now();
  const result = await work();
  return [result, (performance.now() - began) / 1000];
};

console.log(
  `units ${units}, steps ${steps}, gain 3, alpha 0.1, input noise 1e-2, output noise 1e-4; Node ${process.version}`,
);
console.log('seed  method                             seconds  correlation    slope  rel err');
for (let seed = 1; seed <= seeds; seed++) {
  const { W, initial } = randomNetwork({ units, gain: 3, seed });
  const { rates } = simulate({
    W,
    initial,
    alpha: 0.1,
    steps,
    seed,
    inputNoise: { kind: 'gaussian', size: 1e-2 },
    outputNoise: { kind: 'gaussian', size: 1e-4 },
  });
  const accuracyOf = weightAccuracy(W);
  const on = await backend();
  const [solution, seconds] = await timed(async () => {
    const task = await problem(
      on,
      { rates, alpha: 0.1 },
      crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 }),
    );
    return run(accelerate(anderson(5))(sharedNewton), task);
  });
  row(seed, `clipped 0.2 (${solution.status}, ${solution.steps} steps)`, seconds, accuracyOf(solution.theta));
  const snapshots = new Map<number, WeightAccuracy>();
  const [, authorsSeconds] = await timed(() =>
    authorsThresholded(
      on,
      { rates, alpha: 0.1 },
      {
        steps: 100,
        onStep: (step, theta) => {
          if (step === 30 || step === 100) snapshots.set(step, accuracyOf(theta));
        },
      },
    ),
  );
  for (const [step, result] of snapshots)
    row(seed, `authors thresholded, ${step} steps`, (authorsSeconds * step) / 100, result);
  await on.close();
}

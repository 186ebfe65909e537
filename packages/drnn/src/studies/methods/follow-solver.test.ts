import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { cornnRecording } from '@drnn/simulator';
import { accelerate, anderson, sharedNewton } from '@drnn/solvers';
import type { Precision } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { followSolver } from './follow-solver.js';

/** How a fit to ten digits ends, and the step of its last state. */
const ended = async (precision: Precision, patience?: number) => {
  const { W, ...recording } = cornnRecording({ units: 12, frames: 241, seed: 1 });
  const noise = { kind: 'gaussian', size: 0 } as const;
  const on = await backend({ precision });
  let last = 0;
  const ending = await followSolver(
    {
      on,
      recording,
      seed: 1,
      truth: { W, inputNoise: noise, outputNoise: noise },
      probe: { state: (step) => ((last = step), true) },
    },
    {
      solver: accelerate(anderson(5))(sharedNewton),
      objective: crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 }),
      maxSteps: 200,
      tolerance: 1e-10,
      ...(patience === undefined ? {} : { patience }),
    },
  );
  await on.close();
  return { ending, last };
};

describe('followSolver', () => {
  it('ends a fit at the floor of mixed precision once its patience is over', async () => {
    const patient = await ended('mixed', 10);
    expect(patient.ending).toBe('stalled');
    expect(patient.last).toBeGreaterThan(10);
    expect(patient.last).toBeLessThan(150);
    expect(await ended('mixed')).toEqual({ ending: 'finished', last: 200 });
  });

  it('lets one that goes on converge', async () => {
    const { ending, last } = await ended('float64', 10);
    expect(ending).toBe('converged');
    expect(last).toBeLessThan(200);
  });
});

import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { simulate, randomNetwork, streamTransitions } from '@drnn/simulator';
import { type RowSource } from '@drnn/tensor';
import { streamed } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { newton, problem, run } from './index.js';

const network = randomNetwork({ units: 5, gain: 2, seed: 3 });
const { rates } = simulate({
  ...network,
  alpha: 0.3,
  steps: 400,
  seed: 3,
  inputNoise: { kind: 'gaussian', size: 0.1 },
});
const objective = crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });

describe('a problem of a recording read in pieces', () => {
  it('has the optimum of the recording in memory, and reads it no more once it is on the backend', async () => {
    const on = await backend();
    let readings = 0;
    const source = streamed(rates, true);
    const counted: RowSource = {
      ...source,
      blocks: (length) => {
        readings++;
        return source.blocks(length);
      },
    };
    const task = await problem(on, streamTransitions({ rates: counted, alpha: 0.3 }), objective);
    await task.start();
    const before = readings;
    const found = await run(newton, task);
    expect(readings).toBe(before);
    const whole = await run(newton, await problem(on, { rates, alpha: 0.3 }, objective));
    expect(found.status).toBe('converged');
    expect(found.theta).toEqual(whole.theta);
    await on.close();
  });
});

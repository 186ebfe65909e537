import { matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { linearNetwork } from './linear-network.js';
import { gaussian } from './networks.test.data.js';

/** r+ = A r + B u + c with a rotation that decays. */
const recorded = (decay: number, inputs: Matrix): Matrix => {
  const [c, s] = [decay * Math.cos(0.3), decay * Math.sin(0.3)];
  const states = matrix(inputs.rows + 1, 2);
  states.data.set([1, 0]);
  for (let t = 0; t < inputs.rows; t++) {
    const [x, y] = [states.data[2 * t]!, states.data[2 * t + 1]!];
    states.data.set([c * x - s * y + 0.1, s * x + c * y + 0.5 * inputs.data[t]!], 2 * t + 2);
  }
  return states;
};

describe('linearNetwork', () => {
  it('is exact for a linear recording, and runs on as it did', () => {
    const inputs = gaussian(200, 1, 1);
    const states = recorded(0.95, inputs);
    const found = linearNetwork(states, inputs, { first: 0, steps: 150 });
    expect(found?.map.rows).toBe(4);
    // Frames 160 to 200 had no part in it.
    const run = found?.run(160, 40);
    let worst = 0;
    for (let k = 0; k < 82; k++) worst = Math.max(worst, Math.abs((run?.data[k] ?? 9) - states.data[320 + k]!));
    expect(worst).toBeLessThan(1e-5);
  });

  it('is none where there are more unknowns than steps', () => {
    const inputs = gaussian(300, 1, 2);
    expect(linearNetwork(recorded(0.9, inputs), inputs, { first: 0, steps: 4 })).toBeNull();
    expect(() => linearNetwork(recorded(0.9, inputs), inputs, { first: 10, steps: 300 })).toThrow(
      /recording[^]*inputs/,
    );
  });
});

import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fixedPoints, runEnds } from './index.js';

const network = { W: matrixOf([[2]]), Win: matrixOf([[1]]), alpha: 0.1 };

describe('runEnds', () => {
  it('says on which side of the saddle each run is', () => {
    // The saddle of tanh(2 r + 0.2) lies at -0.20285321448230.
    const { points } = fixedPoints(network, { input: [0.2] });
    const starts = matrixOf([[-1], [-0.2028533], [-0.2028531], [0], [1]]);
    const states = [...runEnds(network, points, starts, { input: [0.2] })].map((k) => points[k]?.state[0] ?? 0);
    expect(states.map(Math.sign)).toEqual([-1, -1, 1, 1, 1]);
  });

  it('has -1 where a run does not end, and refuses other units', () => {
    const { points } = fixedPoints(network);
    expect([...runEnds(network, points, matrixOf([[1e-9]]), { limit: 3 })]).toEqual([-1]);
    expect(() => runEnds(network, points, matrixOf([[0, 0]]))).toThrow('unit=1');
  });
});

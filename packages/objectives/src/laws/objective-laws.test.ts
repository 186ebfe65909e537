import { constant, log2cosh, mul, power, sub, variable } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { crossEntropy, matching, objective, transfers } from '../index.js';
import { assertObjective } from './index.js';

describe('the laws of an objective', () => {
  it.each(Object.entries(transfers))('hold for the matching loss of %s', (_, transfer) => {
    assertObjective(matching(transfer), { runs: 60 });
  });

  it('hold with weights and a clip', () => {
    assertObjective(crossEntropy({ weights: 'variance', clip: 0.2 }), { runs: 60 });
  });

  it.each([
    ['one that is not convex', objective({ loss: ({ z }) => sub(power(z, 4), power(z, 2)) }), /certified convex/],
    [
      'a bound that is too small',
      objective({ loss: ({ z, d, w }) => mul(w, log2cosh(sub(z, d))), slopeBound: 0.5 }),
      /slopeBound/,
    ],
    ['a slope of another loss', { ...crossEntropy(), slope: sub(variable('z'), variable('d')) }, /rises by its slopes/],
    ['the inverse of another', { ...crossEntropy(), inverse: variable('d') }, /leads back/],
    ['another stable slope', { ...crossEntropy(), slopeFromInverse: constant(0) }, /inverted target/],
  ] as const)('refuse %s', (_, of, law) => {
    expect(() => assertObjective(of)).toThrow(law);
  });
});

import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fixedPoints, persistence } from './index.js';
import { flipFlop, gaussianWeights } from './known-networks.test.data.js';

const distance = (a: Float64Array, b: Float64Array): number => Math.hypot(...a.map((value, i) => value - b[i]!));

describe('persistence', () => {
  const W = flipFlop(3, 16);
  const generator = { W, alpha: 0.1 };
  const own = fixedPoints(generator, { seeds: 512 }).points;
  const E = gaussianWeights(48, 1, 7);
  const lengthOf = (data: Float64Array): number => Math.hypot(...data);
  const fitWith = (error: number): { readonly W: typeof W; readonly alpha: number } => {
    const factor = (error * lengthOf(W.data)) / lengthOf(E.data);
    return {
      W: matrix(
        48,
        48,
        W.data.map((value, k) => value + factor * E.data[k]!),
      ),
      alpha: 0.1,
    };
  };

  it.each([
    [0.02, 0.018],
    [0.1, 0.088],
    [0.4, 0.353],
  ])('predicts where the points of a flip-flop go under weight errors of %d, to first order', (error, known) => {
    const fit = fitWith(error);
    const found = fixedPoints(fit, { seeds: 512 }).points.filter((point) => point.class === 'fixed');
    expect(found.length).toBe(27);
    let worst = 0;
    for (const { state } of own) {
      const { displacement, isProven, radius } = persistence(generator, fit, state);
      if (state.every((value) => value === 0)) continue;
      const nearest = found.toSorted((a, b) => distance(a.state, state) - distance(b.state, state))[0]!;
      const moved = nearest.state.map((value, i) => value - state[i]!);
      worst = Math.max(worst, distance(moved, displacement) / Math.hypot(...moved));
      if (isProven) expect(distance(nearest.state, state)).toBeLessThanOrEqual(radius);
    }
    // Of the same size as in networks that were perturbed elsewhere, and proportional to the error of the weights.
    expect(worst).toBeGreaterThan(known * 0.7);
    expect(worst).toBeLessThan(known * 1.3);
  });

  it('is proven for every point of a fit that is near enough', () => {
    const fit = fitWith(0.02);
    expect(own.every(({ state }) => persistence(generator, fit, state).isProven)).toBe(true);
  });

  it('is not proven where the point is lost in a fold', () => {
    const unit = (b: number) => ({ W: matrix(1, 1, Float64Array.of(2)), alpha: 0.1, b: Float64Array.of(b) });
    const left = fixedPoints(unit(0)).points.find(({ state }) => state[0]! < -0.5)!.state;
    expect(persistence(unit(0), unit(0.1), left).isProven).toBe(true);
    const lost = persistence(unit(0), unit(0.6), left);
    expect([lost.isProven, lost.radius]).toEqual([false, Infinity]);
  });

  it('proves with singular values what cheaper bounds leave open, and nothing that is not so', () => {
    // A small change of a large network: norms of the inverse that are loose by sqrt N prove nothing.
    const large = { W: flipFlop(3, 32), alpha: 0.1 };
    const other = { W: flipFlop(3, 32, 0.25, 5), alpha: 0.1 };
    const { points } = fixedPoints(large, { seeds: 400 });
    const found = fixedPoints(other, { seeds: 400 }).points;
    const proofs = points
      .map(({ state }) => ({ state, ...persistence(large, other, state) }))
      .filter((each) => each.isProven);
    expect(proofs.length).toBeGreaterThan(0);
    for (const { state, radius } of proofs) {
      const near = found.filter((point) => distance(point.state, state) <= radius + 1e-12);
      expect(near.length).toBeGreaterThanOrEqual(1);
    }
    // tanh(2 r + b) has lost both its left roots beyond the fold.
    const fold = persistence(
      { W: matrix(1, 1, Float64Array.of(2)), alpha: 0.1 },
      { W: matrix(1, 1, Float64Array.of(2)), b: Float64Array.of(0.54), alpha: 0.1 },
      Float64Array.of(-0.9575040240772688),
    );
    expect([fold.isProven, fold.radius]).toEqual([false, Infinity]);
  });
});

import type { Basin } from '@drnn/attractors';
import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { basinAgreement } from './basin-agreement.js';
import { comparePortraits } from './compare-portraits.js';
import { matchFixedPoints } from './match-fixed-points.js';
import { flipFlop, portraitOf } from './networks.test.data.js';
import { shuffled } from './shuffled.js';
import { judge, verdictOf } from './verdict.js';

describe('comparePortraits', () => {
  const reference = portraitOf(flipFlop(2, 6));

  it('gives exact zeros and ones to a network and itself', () => {
    const same = comparePortraits(reference, portraitOf(flipFlop(2, 6), { seed: 9 }));
    expect(same.match.typed.f1).toBe(1);
    expect([same.graph.f1, same.graph.editDistance, same.basins?.agreement]).toEqual([1, 0, 1]);
    expect(same.medianSpectrumDistance ?? 1).toBeLessThan(1e-12);
    // -1 / ln|mu| of the fast modes is known to rounding times its own size.
    expect(same.largestTimeConstantError ?? 1).toBeLessThan(1e-12);
    expect(same.basins?.chance).toBeCloseTo(0.25, 1);
  });

  it('keeps the graph and most of the basins of a fit with a small error of its weights', () => {
    const fit = portraitOf(flipFlop(2, 6, 0.05, 2));
    const near = comparePortraits(reference, fit);
    expect([near.match.typed.f1, near.graph.f1, near.graph.editDistance]).toEqual([1, 1, 0]);
    expect(near.basins?.agreement ?? 0).toBeGreaterThan(0.95);
    expect(near.medianTimeConstantError ?? 9).toBeLessThan(0.3);
    expect(near.graphs.reference.edges.length).toBe(near.graphs.fit.edges.length);
  });

  it('names edges that are missing, and those that are too much', () => {
    const fit = { ...reference, points: reference.points.filter((_, k) => k !== 0) };
    const cut = comparePortraits(reference, fit);
    const lost = cut.graphs.reference.edges.filter(({ from, to }) => from === 0 || to === 0);
    expect(lost.length).toBeGreaterThan(0);
    expect(cut.graph.missing).toEqual(lost.map(({ from, to }) => [from, to]));
    expect([cut.graph.precision, cut.graph.extra]).toEqual([1, []]);
    expect(cut.graph.editDistance).toBe(1 + lost.length);
  });
});

describe('basinAgreement', () => {
  it('is the part of the starts on the same side', () => {
    // The saddle of the second lies at -0.2028535 and that of the first at 0: between them ends differ.
    const unit = { W: matrixOf([[2]]), Win: matrixOf([[1]]), alpha: 0.1 };
    const [a, b] = [portraitOf(unit), portraitOf(unit, { input: [0.2] })];
    const match = matchFixedPoints(a, b, { gate: 0.3 });
    const starts = matrixOf([[-0.5], [-0.3], [-0.1], [-0.05], [0.4], [0.5], [0.6], [0.7]]);
    const found = basinAgreement(a, b, match, { starts });
    expect([found.agreement, found.ended, found.starts]).toEqual([0.75, 8, 8]);
    // Half of one and a quarter of the other on the left: 1/2 1/4 + 1/2 3/4.
    expect(found.chance).toBe(0.5);
    // Four of the eight to the left of 0, two to the left of -0.2.
    const shares = (set: typeof a, ofPoints: readonly Basin[]): readonly (readonly [number, number])[] =>
      ofPoints.map(({ point, starts: runs }) => [Math.sign(set.points[point ?? -1]?.state[0] ?? 0), runs] as const);
    expect(shares(a, found.reference).toSorted()).toEqual([
      [-1, 4],
      [1, 4],
    ]);
    expect(shares(b, found.fit).toSorted()).toEqual([
      [-1, 2],
      [1, 6],
    ]);
    const uniform = basinAgreement(a, b, match, { seeds: 4000 });
    expect(Math.abs((uniform.agreement ?? 0) - (1 - 0.2028535 / 2))).toBeLessThan(0.02);
  });
});

describe('shuffled', () => {
  it('keeps the weights of each row and those on the diagonal, and little else', () => {
    const network = flipFlop(3, 5, 0.2, 1);
    const { W } = shuffled(network, 3);
    let moved = 0;
    for (let i = 0; i < 15; i++) {
      const [before, after] = [network.W, W].map(({ data }) => data.slice(i * 15, (i + 1) * 15));
      expect([...after!].toSorted()).toEqual([...before!].toSorted());
      expect(after![i]).toBe(before![i]);
      moved += after!.filter((value, j) => value !== before![j]).length;
    }
    expect(moved).toBeGreaterThan(150);
    expect(shuffled(network, 3).W.data).toEqual(W.data);
    expect(shuffled(network, 4).W.data).not.toEqual(W.data);
  });
});

describe('verdictOf', () => {
  it('places a value between chance and the best', () => {
    expect(judge('basinAgreement', { value: 0.75, floors: { weights: 0.25 }, ceiling: 0.9 })).toMatchObject({
      bar: 0.97,
      isPassed: false,
    });
    expect(judge('basinAgreement', { value: 0.75, floors: { weights: 0.5 }, ceiling: 1 })?.score).toBe(0.5);
    expect(judge('eigenvalueError', { value: 0.01, floors: { weights: 0.5 }, ceiling: 0 })).toMatchObject({
      score: 0.98,
      isPassed: true,
    });
    expect(judge('eigenvalueError', { value: 0.9, floors: { weights: 0.5 }, ceiling: 0 })?.score).toBe(0);
    // Chance as good as the best, or better: nothing can be said.
    expect(judge('graphF1', { value: 1, floors: { weights: 1 }, ceiling: 1 })?.score).toBeNull();
    expect(judge('graphF1', { value: 1, floors: { weights: 1 }, ceiling: 0.5 })?.score).toBeNull();
    expect(judge('eigenvalueError', { value: 2, floors: { weights: Infinity }, ceiling: 0 })?.score).toBe(1);
    // The chance level that is hardest to beat decides: the largest where larger is better.
    const several = judge('predictionHorizon', {
      value: 75,
      floors: { weights: 10, linear: 50, time: null },
      ceiling: 100,
    });
    expect([several?.floor, several?.score, several?.floors]).toEqual([50, 0.5, { weights: 10, linear: 50 }]);
    expect(judge('powerSpectrumError', { value: 0.2, floors: { weights: 0.6, time: 0.4 }, ceiling: 0 })?.floor).toBe(
      0.4,
    );
    expect(judge('eigenvalueError', { value: Infinity, floors: { weights: Infinity }, ceiling: 0 })?.score).toBe(0);
    expect(judge('graphF1', { value: null })).toBeNull();
  });

  it('has every measure, null where there is none', () => {
    const verdict = verdictOf({ fixedPointF1: { value: 1 } });
    expect(Object.values(verdict).filter((one) => one !== null).length).toBe(1);
    expect(verdict.fixedPointF1?.isPassed).toBe(true);
  });
});

import { DrnnError, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { matchFixedPoints, type PointMatch } from './match-fixed-points.js';
import { flipFlop, gaussian, portraitOf } from './networks.test.data.js';
import type { Portrait } from './portrait.js';

const ofIdentity = (match: PointMatch, count: number): void => {
  expect(match.pairs.length).toBe(count);
  expect(match.typed).toEqual({ precision: 1, recall: 1, f1: 1 });
  expect(match.untyped).toEqual({ precision: 1, recall: 1, f1: 1 });
  expect(match.largestDisplacement ?? 1).toBeLessThan(1e-12);
  expect([match.unmatchedReference, match.unmatchedFit]).toEqual([[], []]);
};

describe('matchFixedPoints', () => {
  const reference = portraitOf(flipFlop(3, 16), { seeds: 512 });

  it('finds a network in itself, exactly, with another order of the points', () => {
    const again = { ...reference, points: reference.points.toReversed() };
    const match = matchFixedPoints(reference, again);
    ofIdentity(match, 27);
    expect(match.pairs.every(({ reference: i, fit: j }) => i + j === 26)).toBe(true);
    expect(match.confusion).toEqual({ bothStable: 8, lost: 0, gained: 0, bothUnstable: 19 });
    expect(match.persistence?.every(({ isProven, fit }, k) => isProven && fit === 26 - k)).toBe(true);
    expect(match.indexSums).toEqual({ reference: 1, fit: 1 });
  });

  it.each([
    [0.02, 0.018],
    [0.1, 0.088],
    [0.4, 0.353],
  ])('keeps all 27 points with a weight error of %d, displaced as predicted to %d', (noise, wanted) => {
    // The wanted errors are of one draw of the noise, hence a margin of 30%.
    const fit = portraitOf(flipFlop(3, 16, noise, 3), { seeds: 1024 });
    const match = matchFixedPoints(reference, fit, { gate: 0.25 });
    expect(fit.points.length).toBe(27);
    expect(match.typed.f1).toBe(1);
    const worst = match.pairs.reduce((error, pair) => {
      const predicted =
        match.persistence?.find((each) => each.reference === pair.reference)?.predictedDisplacement ?? 9;
      return pair.displacement < 1e-9 ? error : Math.max(error, Math.abs(predicted / pair.displacement - 1));
    }, 0);
    expect(worst).toBeLessThan(1.3 * wanted);
    // What is proven is true, and names the point that it is true of.
    for (const { reference: from, isProven, radius, fit: to } of match.persistence ?? []) {
      if (!isProven) continue;
      const pair = match.pairs.find((each) => each.reference === from);
      expect(pair?.displacement ?? 9).toBeLessThanOrEqual(radius + 1e-12);
      if (to !== null) expect(to).toBe(pair?.fit);
    }
    if (noise < 0.05) expect(match.persistence?.every(({ isProven }) => isProven)).toBe(true);
  });

  it('counts what is missing and what is too much', () => {
    const less: Portrait = { ...reference, points: reference.points.slice(0, 20) };
    expect(matchFixedPoints(reference, less).untyped).toEqual({ precision: 1, recall: 20 / 27, f1: 40 / 47 });
    const swapped = matchFixedPoints(less, reference);
    expect([swapped.untyped.precision, swapped.untyped.recall]).toEqual([20 / 27, 1]);
    expect(swapped.unmatchedFit.length).toBe(7);
    // The proof needs no search: all 27 are proven to be there although 7 were not found.
    expect(matchFixedPoints(reference, less).persistence?.filter(({ isProven }) => isProven).length).toBe(27);
    const empty: Portrait = { ...reference, points: [] };
    expect(matchFixedPoints(reference, empty).untyped).toEqual({ precision: 1, recall: 0, f1: 0 });
    expect(matchFixedPoints(empty, empty).untyped.f1).toBe(1);
  });

  it('makes no pair beyond the gate, and as many as it can within it', () => {
    const one = portraitOf({ W: matrixOf([[2]]), alpha: 0.1 });
    const held = portraitOf({ W: matrixOf([[2]]), b: Float64Array.of(0.05), alpha: 0.1 });
    expect(matchFixedPoints(one, held, { gate: 1e-3 }).pairs.length).toBe(0);
    expect(matchFixedPoints(one, held, { gate: 0.06 }).pairs.length).toBe(3);
    // Pairs across the signs would be nearer than none, and are beyond the gate.
    expect(matchFixedPoints(one, held, { gate: 0.02 }).pairs.length).toBe(2);
    expect(() => matchFixedPoints(one, held, { gate: 0 })).toThrow(DrnnError);
  });

  it('types pairs by how many modes are unstable', () => {
    const weak = portraitOf({ W: matrixOf([[0.9]]), alpha: 0.1 });
    const strong = portraitOf({ W: matrixOf([[1.01]]), alpha: 0.1 });
    const match = matchFixedPoints(weak, strong, { gate: 0.01 });
    expect([match.untyped.recall, match.typed.recall]).toEqual([1, 0]);
    expect(match.confusion).toEqual({ bothStable: 0, lost: 1, gained: 0, bothUnstable: 0 });
  });

  it('does not depend on the order or the sign of units, nor on the scale that a model keeps', () => {
    const fit = portraitOf(flipFlop(2, 4, 0.1, 5));
    const own = portraitOf(flipFlop(2, 4));
    const plain = matchFixedPoints(own, fit);
    const order = [3, 1, 7, 0, 2, 6, 5, 4];
    const sign = [1, -1, -1, 1, 1, -1, 1, 1];
    const moved = ({ network, points, indexSum }: Portrait): Portrait => ({
      network: {
        alpha: network.alpha,
        W: matrix(
          8,
          8,
          Float64Array.from({ length: 64 }, (_, k) => {
            const [i, j] = [Math.floor(k / 8), k % 8];
            return sign[i]! * sign[j]! * network.W.data[order[i]! * 8 + order[j]!]!;
          }),
        ),
      },
      points: points.map((point) => ({
        ...point,
        state: Float64Array.from(order, (unit, i) => sign[i]! * (point.state[unit] ?? 0)),
      })),
      indexSum,
    });
    const other = matchFixedPoints(moved(own), moved(fit));
    expect(other.pairs.map((pair) => [pair.reference, pair.fit])).toEqual(
      plain.pairs.map((pair) => [pair.reference, pair.fit]),
    );
    other.persistence?.forEach(({ h }, k) =>
      expect(Math.abs(h - (plain.persistence?.[k]?.h ?? 9))).toBeLessThan(1e-10),
    );

    const scale = Float64Array.from(order, (unit) => 1 + unit);
    const offset = Float64Array.from(order, (unit) => unit - 3);
    const scaled = matchFixedPoints({ ...own, scale, offset }, { ...fit, scale, offset }, { gate: plain.gate * 20 });
    expect(scaled.pairs.length).toBe(9);
    scaled.pairs.forEach((pair) => {
      const proof = scaled.persistence?.find((point) => point.reference === pair.reference);
      if (proof?.isProven === true) expect(pair.displacement).toBeLessThanOrEqual(proof.radius + 1e-12);
    });
    expect(scaled.persistence?.some(({ isProven }) => isProven)).toBe(true);
    // Units that differ in scale: the reference's states are brought into the fit's before they are proven.
    const half = Float64Array.from(order, () => 0.5);
    const none = new Float64Array(8);
    const halved = matchFixedPoints({ ...own, points: own.points, scale: half, offset: none }, own, { gate: 1 });
    expect(halved.persistence?.[0]?.predictedDisplacement).toBeNull();
    const atHalf = halved.persistence?.find(
      (point) => point.reference === own.points.findIndex(({ state }) => state[0]! > 0.5),
    );
    expect(atHalf?.h ?? 0).toBeGreaterThan(0.1);
  });

  it('compares a fit of some units where they were recorded', () => {
    const observed = [0, 5, 9, 20, 40];
    const [n, m] = [48, observed.length];
    const some: Portrait = {
      ...reference,
      network: { W: matrix(m, m), alpha: 0.1 },
      points: reference.points.map((point) => ({
        ...point,
        state: Float64Array.from(observed, (unit) => point.state[unit] ?? 0),
      })),
    };
    const match = matchFixedPoints(reference, some, { observed });
    expect([match.untyped.f1, match.persistence]).toEqual([1, null]);
    expect(() => matchFixedPoints(reference, some)).toThrow('units');
    expect(() => matchFixedPoints(reference, some, { observed: [0, 1, 2, 3, n] })).toThrow('48');
  });

  it('scores points in the support on their own', () => {
    const less: Portrait = {
      ...reference,
      points: reference.points.filter(({ linearisation }) => linearisation.isMapStable),
    };
    const isSupported = (state: Float64Array): boolean => state.every((value) => Math.abs(value) > 0.5);
    const { supported, untyped } = matchFixedPoints(reference, less, { isSupported });
    expect(untyped.recall).toBe(8 / 27);
    expect(supported?.untyped.f1).toBe(1);
    expect(supported?.reference.length).toBe(8);
  });

  it('finds little in noise', () => {
    const random = portraitOf(
      {
        W: matrix(
          48,
          48,
          gaussian(48, 48, 1).data.map((x) => 0.2 * x),
        ),
        alpha: 0.1,
      },
      { seeds: 200 },
    );
    expect(matchFixedPoints(reference, random).untyped.f1).toBeLessThan(0.2);
  });
});

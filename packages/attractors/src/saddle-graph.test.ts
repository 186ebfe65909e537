import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { basins, fixedPoints, saddleGraph } from './index.js';
import { flipFlop, gaussianWeights } from './known-networks.test.data.js';

/** The sign of each bit at a state, 0 where it is not set. */
const bitsOf = (state: Float64Array, bits: number): readonly number[] =>
  Array.from({ length: bits }, (_, k) => {
    const value = state[(k * state.length) / bits]!;
    return Math.abs(value) < 0.5 ? 0 : Math.sign(value);
  });

describe('a graph that the time was up for', () => {
  it('names the points that it knows nothing of', () => {
    const network = { W: flipFlop(2, 3), alpha: 0.1 };
    const { points } = fixedPoints(network, { seeds: 200 });
    const { stable, unstable, edges, unexplored } = saddleGraph(network, points, { timeLimit: Number.MIN_VALUE });
    expect([stable, unstable, edges]).toEqual([[], [], []]);
    expect(unexplored).toEqual(points.map((_, k) => k));
    expect(saddleGraph(network, points, { timeLimit: 1e6 })).toEqual(saddleGraph(network, points));
    expect(saddleGraph(network, points).unexplored).toEqual([]);
    expect(() => saddleGraph(network, points, { timeLimit: 0 })).toThrow(/timeLimit/);
  });
});

describe('the saddle graph', () => {
  it.each([0, 0.05])('of a flip-flop of three bits is the cube, with noise %d too', (noise) => {
    const network = { W: flipFlop(3, 8, noise), alpha: 0.1 };
    const { points } = fixedPoints(network, { seeds: 256 });
    const { stable, unstable, edges, unresolved } = saddleGraph(network, points);
    expect(unresolved).toEqual([]);
    expect(stable.length).toBe(8);
    for (const { point, index } of unstable) {
      const from = bitsOf(points[point]!.state, 3);
      expect(index).toBe(from.filter((bit) => bit === 0).length);
      const reached = edges.filter((edge) => edge.from === point);
      // All corners that agree with the bits that are set, and no other.
      expect(reached.length).toBe(2 ** index);
      for (const { to } of reached) {
        bitsOf(points[to]!.state, 3).forEach((bit, k) => expect([0, bit]).toContain(from[k]));
      }
    }
    expect(unstable.filter(({ index }) => index === 1).length).toBe(12);
  });

  it('leaves runs unresolved that end on a cycle', () => {
    // A rotation by 30 degrees beyond the onset of its cycle: one fixed point, which is unstable.
    const [c, s] = [1.5 * Math.cos(Math.PI / 6), 1.5 * Math.sin(Math.PI / 6)];
    const network = {
      W: matrixOf([
        [c, -s],
        [s, c],
      ]),
      alpha: 0.1,
    };
    const { points } = fixedPoints(network);
    expect(points.length).toBe(1);
    const { edges, unresolved } = saddleGraph(network, points, { limit: 3000 });
    expect(edges).toEqual([]);
    expect(unresolved).toEqual([{ from: 0, runs: 64 }]);
    expect(basins(network, points, { seeds: 20 })).toMatchObject([{ point: null, fraction: 1 }]);
  });

  it('refuses the points of another input', () => {
    const network = { W: matrixOf([[2]]), alpha: 0.1, Win: matrixOf([[1]]) };
    const { points } = fixedPoints(network, { input: [0.2] });
    expect(() => saddleGraph(network, points)).toThrow(/hold the input/);
    expect(() => basins(network, points, { input: [0.1] })).toThrow(/hold the input/);
    expect(saddleGraph(network, points, { input: [0.2] }).edges.length).toBe(2);
  });

  it('has two edges from every saddle with one unstable mode where W is symmetric', () => {
    const units = 10;
    const A = gaussianWeights(units, 0.5, 11);
    const W = { ...A, data: A.data.map((value, k) => value + A.data[(k % units) * units + Math.floor(k / units)]!) };
    const network = { W, alpha: 0.1 };
    const { points } = fixedPoints(network);
    const { unstable, edges, unresolved } = saddleGraph(network, points);
    const saddles = unstable.filter(({ index }) => index === 1);
    expect(saddles.length).toBeGreaterThan(0);
    expect(unresolved).toEqual([]);
    for (const { point } of saddles) {
      const runs = edges.filter(({ from }) => from === point).map((edge) => edge.runs);
      expect(runs.reduce((sum, count) => sum + count, 0)).toBe(2);
    }
  });
});

describe('basins', () => {
  it('of one driven unit have the shares that its saddle divides the interval into', () => {
    const network = { W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.2) };
    const { points } = fixedPoints(network);
    const found = basins(network, points, { seeds: 4000 });
    const share = (sign: number): number =>
      found.find(({ point }) => point !== null && Math.sign(points[point]!.state[0]!) === sign)?.fraction ?? 0;
    const deviation = Math.sqrt((0.3985733928 * 0.6014266072) / 4000);
    expect(Math.abs(share(-1) - 0.3985733928)).toBeLessThan(3 * deviation);
    expect(share(-1) + share(1)).toBe(1);
    for (const { fraction, interval } of found) {
      expect(interval[0]).toBeLessThan(fraction);
      expect(interval[1]).toBeGreaterThan(fraction);
    }
  });

  it('of a flip-flop of three bits are equal', () => {
    const network = { W: flipFlop(3, 4), alpha: 0.2 };
    const { points } = fixedPoints(network, { seeds: 256 });
    const found = basins(network, points);
    expect(found.length).toBe(8);
    for (const { fraction } of found) expect(Math.abs(fraction - 1 / 8)).toBeLessThan(0.0222);
  });

  it('are of the runs that were done in time', () => {
    const network = { W: flipFlop(3, 4), alpha: 0.2 };
    const { points } = fixedPoints(network, { seeds: 256 });
    expect(basins(network, points, { seeds: 100, timeLimit: Number.MIN_VALUE })).toEqual([]);
    expect(basins(network, points, { seeds: 100, timeLimit: 1e6 })).toEqual(basins(network, points, { seeds: 100 }));
    const some = basins(network, points, { seeds: 1e8, timeLimit: 0.3 });
    const done = some.reduce((sum, { starts }) => sum + starts, 0);
    expect(done).toBeLessThan(1e8);
    if (done > 0) expect(some).toEqual(basins(network, points, { seeds: done }));
    expect(() => basins(network, points, { timeLimit: 0 })).toThrow(/timeLimit/);
  });

  it('are those of single runs to their ends', () => {
    const network = { W: gaussianWeights(6, 0.8, 3), alpha: 0.3, b: gaussianWeights(6, 0.1, 4).data.slice(0, 6) };
    const { points } = fixedPoints(network);
    const starts = gaussianWeights(6, 0.5, 5);
    const found = basins(network, points, { starts });
    const ends = Array.from({ length: 6 }, (_, k) => {
      let r: Float64Array = starts.data.slice(6 * k, 6 * k + 6);
      for (let t = 0; t < 20_000; t++) {
        const before = r;
        r = before.map((value, i) => {
          const z = before.reduce((sum, other, j) => sum + network.W.data[i * 6 + j]! * other, network.b[i]!);
          return 0.7 * value + 0.3 * Math.tanh(z);
        });
      }
      return points.findIndex(({ state }) => Math.hypot(...state.map((value, i) => value - r[i]!)) < 1e-6);
    });
    for (const { point, starts: hits } of found) {
      expect(hits).toBe(ends.filter((end) => (end < 0 ? null : end) === point).length);
    }
  });
});

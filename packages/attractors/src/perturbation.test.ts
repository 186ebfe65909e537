import { matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fixedPoints, linearise, responseCorrelation, responses, silence } from './index.js';
import { flipFlop, gaussianWeights } from './known-networks.test.data.js';

const r2 = 0.9575040240772688;

describe('responses', () => {
  it('to a small kick at a fixed point are the powers of J', () => {
    const n = 5;
    const W = gaussianWeights(n, 0.8 / Math.sqrt(n), 3);
    const network = { W, alpha: 0.3 };
    const state = fixedPoints(network).points[0]!.state;
    const size = 1e-6;
    const found = responses(network, state, { kind: 'kick', size, steps: 6 });
    const { multipliers } = linearise(network, state);
    expect(multipliers.length).toBe(n);
    for (let k = 0; k < n; k++) {
      let d = Float64Array.from({ length: n }, (_, i) => (i === k ? size : 0));
      for (let t = 0; t <= 6; t++) {
        const seen = found.differences.subarray((k * 7 + t) * n, (k * 7 + t + 1) * n);
        expect(Math.max(...d.map((value, i) => Math.abs(value - seen[i]!)))).toBeLessThan(1e-10);
        const before = d;
        // At the origin D is 1.
        d = before.map((value, i) => 0.7 * value + 0.3 * before.reduce((sum, x, j) => sum + W.data[i * n + j]! * x, 0));
      }
    }
  });

  it('return from a small push and end elsewhere after a large one', () => {
    const network = { W: flipFlop(2, 2), alpha: 0.1 };
    const low = new Float64Array(4).fill(-r2);
    const attractors = [low, Float64Array.of(r2, r2, -r2, -r2), Float64Array.of(-r2, -r2, r2, r2)];
    const targets = [
      [0, 1],
      [2, 3],
    ];
    const strong = responses(network, low, { kind: 'pulse', size: 3, duration: 30, steps: 200, targets, attractors });
    expect([...strong.destination]).toEqual([1, 2]);
    expect(strong.returnTime[0]).toBe(-1);
    const weak = responses(network, low, { kind: 'pulse', size: 0.1, duration: 5, steps: 200, targets, attractors });
    expect([...weak.destination]).toEqual([0, 0]);
    expect(weak.returnTime[0]).toBeGreaterThan(0);
    expect(responseCorrelation(strong, strong)).toMatchObject({ all: 1, sameDestination: 1 });
    expect(responseCorrelation(strong, weak).sameDestination).toBe(0);
  });

  it('to a clamp hold the rate, in both forms', () => {
    for (const form of ['rate', 'current'] as const) {
      const network = { W: gaussianWeights(3, 0.5, 1), alpha: 0.2, form };
      const state = new Float64Array(3);
      const { differences } = responses(network, state, {
        kind: 'clamp',
        size: 0.5,
        duration: 10,
        steps: 9,
        targets: [[1]],
      });
      for (let t = 0; t <= 9; t++) expect(differences[t * 3 + 1]).toBeCloseTo(0.5, 12);
    }
    expect(() =>
      responses({ W: matrixOf([[0]]), alpha: 1, form: 'current' }, new Float64Array(1), { kind: 'clamp', size: 1 }),
    ).toThrow(/inside/);
  });

  it('refuse targets that are no units, and more numbers than there is room for, at once', () => {
    const network = { W: matrix(3, 3), alpha: 0.2 };
    expect(() => responses(network, new Float64Array(3), { targets: [[3]], steps: 1e9 })).toThrow(
      /units from 0 to 2[^]*at most/,
    );
  });
});

describe('silence', () => {
  it('is a network without rows and columns, with other fixed points', () => {
    const network = {
      W: flipFlop(2, 2),
      alpha: Float64Array.of(0.1, 0.2, 0.3, 0.4),
      b: Float64Array.of(0, 0, 0.1, 0.1),
    };
    const { network: rest, kept } = silence(network, [0]);
    expect(kept).toEqual([1, 2, 3]);
    expect([...rest.W.data]).toEqual([1, 0, 0, 0, 1, 1, 0, 1, 1]);
    expect(rest.alpha).toEqual(Float64Array.of(0.2, 0.3, 0.4));
    expect(rest.b).toEqual(Float64Array.of(0, 0.1, 0.1));
    // A block of one unit with w = 1 has no memory left.
    expect(fixedPoints({ W: matrixOf([[1]]), alpha: 0.1 }).points.length).toBe(1);
    expect(() => silence(network, [0, 1, 2, 3])).toThrow(/at least one/);
    expect(() => silence(network, [4])).toThrow(/from 0 to 3/);
  });
});

import { matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { asymptotics } from './asymptotics.js';
import { gaussianWeights } from './known-networks.test.data.js';
import { rotation } from './known-systems.js';

describe('what an orbit ends in', () => {
  it('a fixed point that is proven', () => {
    const end = asymptotics({ W: matrixOf([[2]]), alpha: 0.1 }, Float64Array.of(0.1));
    expect(end.kind).toBe('fixed-point');
    if (end.kind !== 'fixed-point') return;
    expect(Math.abs(end.state[0]! - 0.9575040240772688)).toBeLessThan(1e-14);
    expect(end.certificateRadius).toBeLessThan(1e-12);
  });

  it('a fixed point of which nothing is proven: one of a continuum', () => {
    const ring = gaussianWeights(64, 0, 1);
    for (let k = 0; k < ring.data.length; k++) {
      ring.data[k] = (4 / 64) * Math.cos((2 * Math.PI * (Math.floor(k / 64) - (k % 64))) / 64);
    }
    const end = asymptotics({ W: ring, alpha: 0.1 }, gaussianWeights(8, 0.5, 2).data);
    expect(end.kind === 'fixed-point' && end.certificateRadius).toBe(Infinity);
  });

  it('a slow region: the critical unit, which never gets there', () => {
    const end = asymptotics({ W: matrixOf([[1]]), alpha: 0.1 }, Float64Array.of(0.5));
    expect(end.kind).toBe('slow-region');
  });

  it('a cycle', () => {
    const end = asymptotics({ W: matrixOf(rotation(1.5, 30)), alpha: 0.1 }, Float64Array.of(0.01, 0));
    expect(end.kind === 'cycle' && Math.abs(end.cycle.period - 113.390664253689)).toBeLessThan(1e-9);
  });

  it('a torus, of two phases that are independent', () => {
    const [p, q] = [rotation(1.5, 30), rotation(2, 50)];
    const W = matrixOf([
      [...p[0]!, 0, 0],
      [...p[1]!, 0, 0],
      [0, 0, ...q[0]!],
      [0, 0, ...q[1]!],
    ]);
    const end = asymptotics({ W, alpha: 0.1 }, Float64Array.of(0.5, 0.1, 0.3, 0.2), { limit: 10_000 });
    expect(end.kind === 'torus' && end.phases).toBe(2);
  });

  it('chaos, with a positive exponent and the 0-1 test', () => {
    const W = gaussianWeights(20, 3 / Math.sqrt(20), 1);
    const end = asymptotics({ W, alpha: 1 }, gaussianWeights(8, 0.5, 3).data.slice(0, 20), { limit: 5000 });
    expect(end.kind).toBe('chaos');
    if (end.kind !== 'chaos') return;
    expect(end.spectrum.exponents[0]).toBeGreaterThan(0.1);
    expect(end.zeroOne).toBeGreaterThan(0.9);
  });

  it('unresolved, when it is given no time', () => {
    const end = asymptotics({ W: matrixOf([[2]]), alpha: 1e-4 }, Float64Array.of(1e-3), {
      limit: 1000,
      trial: 1e4,
      length: 1000,
    });
    expect(end.kind === 'unresolved' && end.reason).toMatch(/./);
  });

  it('refuses a start of other units', () => {
    expect(() => asymptotics({ W: matrix(2, 2), alpha: 1 }, new Float64Array(3))).toThrow(/start/);
  });
});

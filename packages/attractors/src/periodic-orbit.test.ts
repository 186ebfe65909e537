import { describe, expect, it } from 'vitest';
import { henon, logistic } from './known-systems.js';
import { periodicOrbit } from './periodic-orbit.js';

describe('periodic orbits of maps', () => {
  it('logistic, r = 3.2: the 2-cycle of algebra, also when four steps are asked for', () => {
    for (const order of [2, 4]) {
      const found = periodicOrbit(logistic(3.2), Float64Array.of(0.5), order, 1e-12);
      expect([found?.order, found?.isStable]).toEqual([2, true]);
      const states = [...(found?.orbit.data ?? [])].toSorted();
      expect(states[0]).toBeCloseTo(0.5130445095, 10);
      expect(states[1]).toBeCloseTo(0.7994554905, 10);
      expect(found?.multipliers[0]?.value[0]).toBeCloseTo(0.16, 12);
    }
  });

  it('Henon: its fixed points with their eigenvalues, and the 2-cycle that repels', () => {
    const point = periodicOrbit(henon(), Float64Array.of(0.6, 0.2), 1, 1e-12);
    expect(point?.orbit.data[0]).toBeCloseTo(0.6313544771, 10);
    expect(point?.orbit.data[1]).toBeCloseTo(0.1894063431, 10);
    expect(point?.multipliers.map(({ value: [re] }) => re.toFixed(9))).toEqual(['-1.923738858', '0.155946322']);
    const pair = periodicOrbit(henon(), Float64Array.of(0.97, -0.14), 2, 1e-12);
    // 1.96 x^2 - 0.98 x - 0.91 = 0, of F^2 without the fixed points.
    expect(pair?.order).toBe(2);
    expect(pair?.isStable).toBe(false);
    for (const x of [pair?.orbit.data[0] ?? 0, pair?.orbit.data[2] ?? 0]) {
      expect(1.96 * x * x - 0.98 * x - 0.91).toBeCloseTo(0, 10);
    }
    expect((pair?.multipliers ?? []).reduce((sum, { logModulus }) => sum + logModulus, 0)).toBeCloseTo(
      2 * Math.log(0.3),
      10,
    );
  });

  it('none where there is none', () => {
    expect(periodicOrbit(logistic(2.5), Float64Array.of(0.3), 2, 1e-12)?.order).toBe(1);
    expect(periodicOrbit(henon(), Float64Array.of(1e3, 1e3), 3, 1e-12)).toBeNull();
  });
});

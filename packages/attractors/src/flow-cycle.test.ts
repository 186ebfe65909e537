import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { flowCycle, type FlowCycle } from './flow-cycle.js';
import { flowOf } from './flow.js';
import { lorenz, reversed, stuartLandau, vanDerPol } from './known-systems.js';
import { tangentFlow } from './shooting.js';

const found = (cycle: FlowCycle | null): FlowCycle => {
  if (cycle === null) throw new Error('no cycle');
  return cycle;
};

const lastLogModulus = ({ multipliers }: FlowCycle): number => multipliers.at(-1)?.logModulus ?? Number.NaN;

describe("Van der Pol's oscillator", () => {
  it.each([
    [0.1, 6.287111272, -0.62910392, 2.000104],
    [0.5, 6.380675802, -3.2396675, 2.0024879],
    [1, 6.663286859, -7.0589328, 2.0086199],
    [2, 7.62987448, -18.178637, 2.0198914],
    [3, 8.8590955, -34.896956, 2.0233041],
    [5, 11.61223067, -85.452019, 2.0215081],
    [10, 19.07836957, -311.84422, 2.0142854],
  ])('has at mu = %d the period, multiplier and amplitude that are known', (mu, period, logMultiplier, amplitude) => {
    const cycle = found(flowCycle(vanDerPol(mu), matrix(1, 2, Float64Array.of(2, 0)), period * 1.02));
    expect(Math.abs(cycle.period - period)).toBeLessThan(1e-8);
    expect(Math.abs(lastLogModulus(cycle) / logMultiplier - 1)).toBeLessThan(1e-7);
    expect(cycle.amplitude[0]).toBeCloseTo(amplitude, 4);
    expect(cycle.trivialError).toBeLessThan(1e-10);
    expect(cycle.liouvilleError).toBeLessThan(1e-10);
    expect(cycle.isStable).toBe(true);
  });

  it('repels in reversed time, with the inverse multiplier, from several nodes', () => {
    const forward = found(flowCycle(vanDerPol(2), matrix(1, 2, Float64Array.of(2, 0)), 7.6));
    const guess = matrix(16, 2);
    for (let k = 0; k < 16; k++) {
      for (let i = 0; i < 2; i++) guess.data[k * 2 + i] = 1.01 * forward.orbit.data[((128 - 8 * k) % 128) * 2 + i]!;
    }
    const backward = found(flowCycle(reversed(vanDerPol(2)), guess, 7.6));
    expect(backward.period).toBeCloseTo(forward.period, 10);
    expect(backward.multipliers[0]?.logModulus).toBeCloseTo(-lastLogModulus(forward), 8);
    expect(backward.isStable).toBe(false);
    // Neighbours leave it 8e7 times as far a turn: nothing is left of a response.
    expect(backward.phaseResponse).toBeNull();
  });

  it('has in reversed time minus its phase response, while a turn leaves something of it', () => {
    const forward = found(flowCycle(vanDerPol(0.5), matrix(1, 2, Float64Array.of(2, 0)), 6.4));
    const guess = matrix(16, 2);
    for (let k = 0; k < 16; k++) {
      for (let i = 0; i < 2; i++) guess.data[k * 2 + i] = forward.orbit.data[((128 - 8 * k) % 128) * 2 + i]!;
    }
    const backward = found(flowCycle(reversed(vanDerPol(0.5)), guess, 6.4));
    // Both begin where the widest variable is highest, and go round in equal parts of the period.
    const widest = Math.max(...(forward.phaseResponse?.data ?? []).map(Math.abs));
    for (let p = 0; p < 128; p++) {
      for (let i = 0; i < 2; i++) {
        const now = backward.phaseResponse?.data[2 * p + i] ?? Number.NaN;
        const then = forward.phaseResponse?.data[2 * ((128 - p) % 128) + i] ?? Number.NaN;
        expect(Math.abs(now + then)).toBeLessThan(1e-8 * widest);
      }
    }
  });
});

describe('the normal form of a Hopf bifurcation', () => {
  it.each([
    [0.1, 1],
    [1, 1],
    [0.5, -3],
  ])('has at mu = %d, w = %d the radius, period, multiplier and phase response of algebra', (mu, w) => {
    const flow = stuartLandau(mu, w);
    const cycle = found(flowCycle(flow, matrix(1, 2, Float64Array.of(1.1 * Math.sqrt(mu), 0.02)), 6.4 / Math.abs(w)));
    expect(cycle.period).toBeCloseTo((2 * Math.PI) / Math.abs(w), 10);
    expect(cycle.multipliers[1]?.value[0]).toBeCloseTo(Math.exp((-4 * Math.PI * mu) / Math.abs(w)), 10);
    expect(cycle.harmonics[0]).toBeCloseTo(1, 12);
    for (let p = 0; p < cycle.orbit.rows; p++) {
      const [x, y] = [cycle.orbit.data[2 * p]!, cycle.orbit.data[2 * p + 1]!];
      expect(Math.hypot(x, y)).toBeCloseTo(Math.sqrt(mu), 10);
      // The phase is the angle over w.
      expect(cycle.phaseResponse?.data[2 * p]).toBeCloseTo(-y / (mu * w), 8);
      expect(cycle.phaseResponse?.data[2 * p + 1]).toBeCloseTo(x / (mu * w), 8);
    }
  });
});

describe('the phase response', () => {
  it('is what a small kick does to the phase in the end', () => {
    const flow = vanDerPol(1);
    const cycle = found(flowCycle(flow, matrix(1, 2, Float64Array.of(2, 0)), 6.66));
    const at = 37;
    const kick = 1e-6;
    const run = tangentFlow(flow, 0);
    const speed = new Float64Array(2);
    run.y.set(cycle.orbit.data.subarray(2 * at, 2 * at + 2));
    flow.velocity(run.y, speed);
    const before = run.y.slice();
    run.y[1]! += kick;
    run.run(6 * cycle.period);
    const advance =
      (speed[0]! * (run.y[0]! - before[0]!) + speed[1]! * (run.y[1]! - before[1]!)) / (speed[0]! ** 2 + speed[1]! ** 2);
    expect(advance / kick).toBeCloseTo(cycle.phaseResponse?.data[2 * at + 1] ?? Number.NaN, 4);
  });
});

describe('what is no cycle', () => {
  it('is not returned: a fixed point, a centre of no flow, a start that runs away', () => {
    const sink = flowOf({
      dimension: 2,
      velocity: (x, out) => out.set([-x[0]! - 5 * x[1]!, 5 * x[0]! - x[1]!]),
      jacobian: (_, { data }) => data.set([-1, -5, 5, -1]),
    });
    expect(flowCycle(sink, matrix(1, 2, Float64Array.of(1, 0)), 1.25)).toBeNull();
    const blowUp = flowOf({
      dimension: 1,
      velocity: (x, out) => out.set([x[0]! ** 2]),
      jacobian: (x, { data }) => data.set([2 * x[0]!]),
    });
    expect(flowCycle(blowUp, matrix(1, 1, Float64Array.of(1)), 3)).toBeNull();
  });

  it('an orbit that is gone round twice is found as itself', () => {
    const cycle = found(flowCycle(vanDerPol(1), matrix(1, 2, Float64Array.of(2, 0)), 2 * 6.66));
    expect(cycle.period).toBeCloseTo(6.663286859, 8);
  });
});

describe("Lorenz's equations", () => {
  it('have the shortest unstable cycle that is known', () => {
    // The orbit LR: T = 1.5586522107, multiplier exp(0.99465 T) (Viswanath 2003).
    const start = Float64Array.of(-13.763610682134, -19.578751942451, 27);
    const cycle = found(
      flowCycle(
        lorenz(),
        matrix(
          1,
          3,
          start.map((x) => x + 0.05),
        ),
        1.55,
      ),
    );
    expect(cycle.period).toBeCloseTo(1.5586522107, 9);
    expect(cycle.isStable).toBe(false);
    expect(cycle.multipliers.length).toBe(3);
    expect(cycle.liouvilleError).toBeLessThan(1e-9);
    expect((cycle.multipliers[0]?.logModulus ?? 0) / cycle.period).toBeCloseTo(0.99465, 4);
  });
});

/** What control, perturbation, slow manifolds and memory say of networks with nothing in them, or too much. */
import { matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import {
  classifyMemory,
  continueToNetwork,
  controllability,
  fixedPoints,
  leadingModes,
  minimalEnergy,
  minimalKick,
  optimalStimulus,
  optimalSwitch,
  populationCurrents,
  pulseThreshold,
  responses,
  silence,
  slowManifold,
} from './index.js';

const origin = (n: number): Float64Array => new Float64Array(n);

describe('weights that are not numbers', () => {
  const wrong = { W: matrixOf([[Number.NaN]]), alpha: 0.1 };
  it.each<readonly [string, () => unknown]>([
    ['controllability', () => controllability(wrong, origin(1))],
    ['minimalEnergy', () => minimalEnergy(wrong, { at: origin(1), to: origin(1) }, { horizon: 2 })],
    ['minimalKick', () => minimalKick(wrong, { from: origin(1), to: origin(1) })],
    ['optimalStimulus', () => optimalStimulus(wrong, { from: origin(1), to: origin(1) }, { horizon: 2 })],
    ['optimalSwitch', () => optimalSwitch(wrong, { from: origin(1), to: origin(1) }, { steps: 2 })],
    [
      'pulseThreshold',
      () => pulseThreshold(wrong, { from: origin(1), to: origin(1), direction: Float64Array.of(1) }, { steps: 2 }),
    ],
    ['responses', () => responses(wrong, origin(1))],
    ['silence', () => silence(wrong, [0])],
    ['populationCurrents', () => populationCurrents(wrong, matrix(3, 1), { groups: ['a'] })],
    ['slowManifold', () => slowManifold(wrong)],
    ['classifyMemory', () => classifyMemory(wrong, { inputs: matrix(3, 0), initial: origin(1) })],
    ['continueToNetwork', () => continueToNetwork(wrong, wrong, origin(1))],
    ['leadingModes', () => leadingModes(wrong, origin(1))],
  ])('are refused by %s, with their place', (_, run) => {
    expect(run).toThrow(/W: saw NaN at entry 0/);
  });
});

describe('the zero matrix', () => {
  const empty = { W: matrix(3, 3), alpha: 0.5 };
  it('is controlled unit by unit', () => {
    const found = controllability(empty, origin(3));
    expect(found.trace).toBeCloseTo((3 * 0.25) / 0.75, 12);
    expect(found.reachable).toBe(3);
    const { energy, status } = optimalStimulus(
      empty,
      { from: origin(3), to: Float64Array.of(0.1, 0, 0) },
      { horizon: 1 },
    );
    expect(status).toBe('reached');
    expect(energy).toBeCloseTo(Math.atanh(0.2) ** 2, 8);
  });

  it('responds in the unit that is pushed alone, sends nothing, and remembers nothing', () => {
    const { differences } = responses(empty, origin(3), { kind: 'kick', size: 0.4, steps: 2 });
    expect([...differences.subarray(0, 9)]).toEqual([0.4, 0, 0, 0.2, 0, 0, 0.1, 0, 0]);
    const rates = matrix(
      5,
      3,
      Float64Array.from({ length: 15 }, (_, i) => Math.sin(i)),
    );
    const { currents, closure } = populationCurrents(empty, rates, { groups: [1, 1, 2] });
    expect(
      [closure, ...currents.map(({ share, size, dimension }) => share + size + dimension)].every((x) => x === 0),
    ).toBe(true);
    expect(classifyMemory(empty, { inputs: matrix(5, 0), initial: origin(3) }, { replays: 1 }).class).toBe(
      'slow-point',
    );
    expect(() => slowManifold(empty)).toThrow(/one point/);
  });

  it('has no other attractor to go to', () => {
    expect(() => minimalKick(empty, { from: origin(3), to: origin(3) })).toThrow(/by itself/);
    expect(() => minimalKick(empty, { from: origin(3), to: Float64Array.of(0.5, 0, 0) })).toThrow(/leaves/);
  });
});

describe('saturated units', () => {
  it('are out of reach to first order, and switch with an effort', () => {
    const network = { W: matrixOf([[60]]), alpha: 0.2 };
    const points = fixedPoints(network).points.map(({ state }) => state[0]!);
    expect(Math.max(...points)).toBe(1);
    const found = controllability(network, Float64Array.of(1));
    expect(found.trace).toBeLessThan(1e-90);
    const threshold = pulseThreshold(
      network,
      { from: Float64Array.of(-1), to: Float64Array.of(1), direction: Float64Array.of(1) },
      { steps: 4 },
    );
    expect(threshold).toBeGreaterThan(20);
    expect(threshold).toBeLessThan(60);
    const linear = minimalEnergy(network, { at: Float64Array.of(1), to: Float64Array.of(0.5) }, { horizon: 5 });
    expect(Number.isFinite(linear.energy)).toBe(true);
    expect(linear.energy).toBeGreaterThan(1e80);
  });
});

describe('a continuum of fixed points', () => {
  it('is no place to switch to, and says so', () => {
    const units = 64;
    const W = matrix(units, units);
    for (let i = 0; i < units; i++) {
      for (let j = 0; j < units; j++) W.data[i * units + j] = (4 / units) * Math.cos((2 * Math.PI * (i - j)) / units);
    }
    const { points } = fixedPoints({ W, alpha: 0.1 }, { seeds: 64 });
    const some = points.find(({ class: kind }) => kind === 'degenerate')!.state;
    const other = some.map((r) => -r);
    // Neither stable nor unstable: |mu| = 1 to rounding, and no trap around it.
    const attempt = (): unknown =>
      minimalKick({ W, alpha: 0.1 }, { from: some, to: other }, { directions: 1, limit: 50 });
    let said: unknown = 'nothing';
    try {
      said = attempt();
    } catch (error) {
      said = String(error);
    }
    expect(said === null || /unstable/.test(String(said))).toBe(true);
  });
});

import { randomNetwork, simulate } from '@drnn/simulator';
import { describe, expect, it } from 'vitest';
import { defaults, fit } from '../index.js';
import { usedOptions } from './used-options.js';

const { W, initial } = randomNetwork({ units: 5, gain: 2, seed: 3 });
const { rates } = simulate({
  W,
  initial,
  alpha: 0.3,
  steps: 300,
  seed: 3,
  inputNoise: { kind: 'gaussian', size: 0.1 },
});
const asDefaults = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { value, given: false }]));
const shared = { alpha: 0.3, backend: 'cpu' } as const;

describe('usedOptions', () => {
  it.each([
    { options: {}, tolerance: 0.1, maxSteps: 8, choosing: 'cross-validation' },
    { options: { effort: 'quick' }, tolerance: 1e-4, maxSteps: 1, choosing: 'split' },
    { options: { choosing: 'none', tolerance: 1e-3 }, tolerance: 1e-3, maxSteps: 8, choosing: 'none' },
  ] as const)('of the calibrated estimator are those of its pilot and its contest: $options', async (each) => {
    const result = await fit({ rates }, { ...shared, ...each.options });
    const given = Object.fromEntries(
      Object.entries(each.options).map(([name, value]) => [name, { value, given: true }]),
    );
    const used = usedOptions({ ...asDefaults, ...given }, result);
    for (const name of ['tolerance', 'maxSteps', 'choosing'] as const) {
      expect(used[name], name).toEqual({ value: each[name], given: Object.hasOwn(each.options, name) });
    }
    expect(used['estimator']?.value).toBe('calibrated');
    expect(used['horizon']).toEqual({ value: 33, given: false });
    for (const name of ['weights', 'weightCap', 'kappa', 'solver']) expect(Object.keys(used)).not.toContain(name);
  });

  it('of the convex estimator leave out what only the rounds read, and keep what was given', async () => {
    const result = await fit({ rates }, { ...shared, estimator: 'convex', tolerance: 1e-6 });
    const used = usedOptions({ ...asDefaults, tolerance: { value: 1e-6, given: true } }, result);
    expect(used['tolerance']).toEqual({ value: 1e-6, given: true });
    expect(used['maxSteps']).toEqual({ value: defaults.maxSteps, given: false });
    expect(used['weights']).toEqual({ value: 'variance', given: false });
    expect(Object.keys(used)).not.toContain('effort');
    expect(Object.keys(used)).not.toContain('choosing');
  });
});

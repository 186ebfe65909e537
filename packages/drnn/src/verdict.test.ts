import { describe, expect, it } from 'vitest';
import { fit, randomNetwork, simulate } from './index.js';

const { W, initial } = randomNetwork({ units: 8, gain: 3, seed: 1 });
const inputNoise = { kind: 'gaussian', size: 0.1 } as const;
const { rates } = simulate({ W, initial, alpha: 0.3, steps: 800, inputNoise, seed: 1 });
const settings = { alpha: 0.3, scale: 'none', backend: 'cpu' } as const;

describe('the words about a fit', () => {
  it('say of a calibrated fit what was reached and what noise was found, and of a convex one that it is an optimum', async () => {
    const calibrated = await fit({ rates }, { ...settings, choosing: 'none' });
    expect(calibrated.calibration?.winner).toBe('rounds');
    expect(calibrated.verdict).toMatch(/^Every unit came within a tenth of a standard error/);
    expect(calibrated.verdict).not.toContain('The optimum was reached');
    expect(calibrated.summary()).toMatch(/3 noise-calibrated rounds, in .*\nnoise 0\.\d+ inside the nonlinearity/);
    expect(calibrated.summary()).not.toContain('held-out blocks');
    const convex = await fit({ rates }, { ...settings, estimator: 'convex' });
    expect(convex.verdict).toMatch(/^The optimum was reached/);
    expect(convex.summary()).not.toContain('noise-calibrated');
  });

  it('give the worst unit of a quick fit', async () => {
    const trusted = await fit({ rates }, { ...settings, effort: 'quick', choosing: 'none' });
    expect(trusted.calibration?.winner).toBe('rounds');
    expect(trusted.verdict).toMatch(/^Every unit came within .* standard errors of the optimum .*\(the median /);
    const judged = await fit({ rates }, { ...settings, effort: 'quick' });
    expect(judged.summary()).toContain('drive R2 in a held-out block');
  });

  it('warn where a plain ridge won: 24 of 30 units were not recorded', async () => {
    const network = randomNetwork({ units: 30, gain: 3, seed: 2 });
    const noise = { kind: 'gaussian', size: 0.02 } as const;
    const { rates: whole } = simulate({ ...network, alpha: 0.1, steps: 1500, inputNoise: noise, seed: 2 });
    const seen = { rows: whole.rows, columns: 6, data: new Float64Array(whole.rows * 6) };
    for (let t = 0; t < whole.rows; t++) seen.data.set(whole.data.subarray(30 * t, 30 * t + 6), 6 * t);
    const { warnings, calibration, verdict } = await fit({ rates: seen }, { ...settings, alpha: 0.1 });
    expect(calibration?.winner).not.toBe('rounds');
    expect(warnings.join(' ')).toContain('explained held-out blocks better than the noise-calibrated rounds');
    expect(verdict).toMatch(/^Plain ridge \(.*\) won against the noise-calibrated rounds/);
  });
});

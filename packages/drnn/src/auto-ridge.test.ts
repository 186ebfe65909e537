import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate } from '@drnn/simulator';
import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { fit, type FitProgress } from './index.js';

const units = 8;
const { W, initial } = randomNetwork({ units, gain: 3, seed: 2 });
const recorded = (noise: number) =>
  simulate({
    W,
    initial,
    alpha: 0.2,
    steps: 500,
    seed: 2,
    inputNoise: { kind: 'gaussian', size: noise },
  }).rates;
const rates = recorded(0.2);
const options = { alpha: 0.2, estimator: 'convex', backend: 'cpu' } as const;

describe('ridge auto', () => {
  it('is found from the training frames alone, and is the ridge of the fit', async () => {
    const stages = new Set<FitProgress['stage']>();
    const found = await fit({ rates }, { ...options, ridge: 'auto', onProgress: ({ stage }) => stages.add(stage) });
    const path = found.ridgePath ?? expect.unreachable();
    expect([...stages]).toEqual(['ridge', 'scoring fit', 'refit']);
    expect(path.chosen).toBe(path.best);
    expect(found.settings.ridge).toBe(path.chosen);
    const given = await fit({ rates }, { ...options, ridge: path.chosen });
    expect(found.model.W).toEqual(given.model.W);
    expect(given.ridgePath).toBeNull();
    // What comes after the training frames has no say; the scale, a matter of the whole recording, is left alone.
    const changed = matrix(rates.rows, units, rates.data.slice());
    for (let i = 405 * units; i < changed.data.length; i++) changed.data[i] = 0.3 * Math.sin(i);
    const [one, other] = await Promise.all(
      [rates, changed].map((each) => fit({ rates: each }, { ...options, scale: 'none', ridge: 'auto' })),
    );
    expect(other?.ridgePath?.points).toEqual(one?.ridgePath?.points);
  });

  it('auto-1se takes the strongest that is as good, as far as the blocks can tell', async () => {
    const { ridgePath } = await fit({ rates }, { ...options, ridge: 'auto-1se', holdout: 0 });
    expect(ridgePath?.chosen).toBe(ridgePath?.oneStandardError);
    expect(ridgePath?.chosen).toBeGreaterThanOrEqual(ridgePath?.best ?? Infinity);
    expect(ridgePath?.rule).toBe('auto-1se');
  });

  it('says that there is nothing to find where units know nothing of each other', async () => {
    const noise = matrix(300, units);
    let state = 7;
    noise.data.forEach((_, i) => {
      state = (state * 48271) % 2147483647;
      noise.data[i] = 0.2 * (state / 1073741823.5 - 1);
    });
    const { ridgePath, warnings } = await fit({ rates: noise }, { ...options, alpha: 1, ridge: 'auto' });
    const best = ridgePath?.points.find(({ strength }) => strength === ridgePath.best);
    expect(best?.score).toBeLessThan(0.02);
    if (ridgePath?.atEnd === 'strongest') expect(warnings.join(' ')).toMatch(/next to no weights/);
    else expect(best?.norm).toBeLessThan(1);
  });

  it('chooses beside other penalties, with the solver that they need', async () => {
    const { ridgePath, solver } = await fit({ rates }, { ...options, ridge: 'auto', l1: 1e-3, refit: false });
    expect(solver).toMatch(/proximal/);
    expect(ridgePath?.points.at(-1)?.converged).toBe(true);
  });

  it('ends with an abort, and has no path then', async () => {
    const controller = new AbortController();
    const { solution, ridgePath } = await fit(
      { rates },
      {
        ...options,
        ridge: 'auto',
        signal: controller.signal,
        onProgress: ({ step }) => step > 3 && controller.abort(),
      },
    );
    expect(solution.status).toBe('aborted');
    expect(ridgePath).toBeNull();
  });

  it('is refused of the calibrated estimator, beside signs that are chosen, and where it is no rule', async () => {
    await expect(fit({ rates }, { alpha: 0.2, ridge: 'auto' })).rejects.toThrow(
      /ridge: saw auto together with the calibrated estimator[^]*rounds choose a ridge of their own/,
    );
    await expect(fit({ rates }, { ...options, ridge: 'auto', dale: 'auto' })).rejects.toThrow(/signs that are chosen/);
    await expect(fit({ rates }, { alpha: 0.2, ridge: 'auto', objective: crossEntropy() })).rejects.toThrow(
      /ridgePath of @drnn\/estimators/,
    );
    await expect(fit({ rates }, { ...options, ridge: Number.NaN })).rejects.toThrow(/ridge: saw NaN/);
    const few = matrix(60, units, rates.data.slice(0, 60 * units));
    await expect(fit({ rates: few }, { ...options, ridge: 'auto' })).rejects.toThrow(/at least 85 for 5 blocks/);
  });
});

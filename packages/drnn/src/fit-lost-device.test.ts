import { backend as cpu } from '@drnn/backend-cpu';
import { type Backend, isDeviceLost, type Precision } from '@drnn/tensor';
import { losingDevice } from '@drnn/tensor/laws';
import { describe, expect, it, vi } from 'vitest';
import { fit, type Fit, type FitContext, type FitProgress } from './index.js';
import { simulated } from './acceptance/simulated-recording.test.data.js';

/** The fastest backend of this program loses its device after so many pieces of work, its self-check's among them. */
const { blas } = vi.hoisted(() => ({ blas: { work: Infinity, open: 0 } }));
vi.mock('@drnn/backend-blas', () => ({
  backend: async ({ precision }: { readonly precision: Precision }): Promise<Backend> => {
    const on = await cpu({ precision });
    blas.open++;
    const close = async (): Promise<void> => {
      blas.open--;
      await on.close();
    };
    return losingDevice({ ...on, name: 'blas', close }, blas.work);
  },
}));

const { rates } = simulated({ units: 6, steps: 400, gain: 2 });
const largest = (values: Float64Array): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const distance = (a: Fit, b: Fit): number =>
  largest(a.model.W.data.map((x, i) => x - b.model.W.data[i]!)) / largest(b.model.W.data);

/** A fit whose backend, which the caller opened, loses its device after so much work. */
const fitLosing = async (work: number, options: FitContext) => {
  const on = await cpu();
  const progress: FitProgress[] = [];
  const notices: string[] = [];
  try {
    const result = await fit(
      { rates },
      {
        alpha: 0.1,
        ...options,
        on: losingDevice(on, work),
        onProgress: (now) => progress.push(now),
        onNotice: (said) => notices.push(said),
      },
    );
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
    return { result, progress, notices };
  } finally {
    await on.close();
  }
};

describe.each([
  ['convex', { estimator: 'convex', accelerate: 'none' }, 1e-8],
  // A calibrated fit is right to a tenth of a standard error, and here begins its last rounds again.
  ['calibrated', { estimator: 'calibrated', effort: 'quick' }, 0.01],
] as const)('a %s fit whose device is lost', (_, options, tolerance) => {
  it('goes on elsewhere where that was asked for, whenever it happens, and says so once', async () => {
    const whole = await fitLosing(Infinity, options);
    expect([whole.result.solution.status, whole.result.deviceLost, whole.notices]).toEqual(['converged', null, []]);
    const stages = new Set<string>();
    let kept = 0;
    for (let work = 0; ; work = Math.ceil(1.4 * work + 1)) {
      const { result, notices, progress } = await fitLosing(work, { ...options, fallback: 'wasm' });
      const { deviceLost: loss, solution } = result;
      if (loss === null) break;
      stages.add(loss.stage);
      if (loss.step !== null) kept++;
      expect([result.backend, solution.status, loss.backend, loss.wentOn]).toEqual([
        'wasm',
        'converged',
        'cpu',
        'wasm',
      ]);
      expect(distance(result, whole.result)).toBeLessThan(tolerance);
      expect(notices).toEqual([expect.stringMatching(/^The backend cpu lost its device .*: it goes on on wasm/)]);
      expect(result.warnings.join()).toContain('lost its device');
      expect(result.scores).not.toBeNull();
      // Steps go on where they were.
      const after = progress.find(({ backend, stage }) => backend === 'wasm' && stage === loss.stage);
      if (after !== undefined) expect(after.step).toBe((loss.step ?? 0) + (options.estimator === 'convex' ? 0 : 1));
    }
    expect([...stages].sort()).toEqual(['refit', 'scoring fit']);
    expect(kept).toBeGreaterThan(2);
  });

  it('keeps its last state where it was not, from which another fit goes on', async () => {
    const whole = await fitLosing(Infinity, options);
    let found = 0;
    for (let work = 0; ; work = Math.ceil(1.4 * work + 1)) {
      const cut = await fitLosing(work, options).catch((error: unknown) => {
        if (isDeviceLost(error)) return null;
        throw error;
      });
      // Too early for a state.
      if (cut === null) continue;
      const { solution, deviceLost, model, warnings } = cut.result;
      if (deviceLost === null) break;
      found++;
      expect([solution.status, deviceLost.wentOn, cut.result.backend]).toEqual(['device-lost', null, 'cpu']);
      expect(solution.lost?.message).toContain('lost device');
      expect(warnings.join('\n')).toMatch(
        /lost its device [^]*--from[^]*--fallback[^]*did not converge \(device-lost\)/,
      );
      expect(model.W.data.every(Number.isFinite) && largest(model.W.data) > 0).toBe(true);
      expect(cut.result.refit || cut.result.scores === null || deviceLost.stage === 'refit').toBe(true);
      const rest = await fit({ rates }, { alpha: 0.1, ...options, backend: 'cpu', from: model });
      expect(rest.solution.status).toBe('converged');
      expect(distance(rest, whole.result)).toBeLessThan(tolerance);
    }
    expect(found).toBeGreaterThan(2);
  });
});

describe('a device that is lost while intervals are made', () => {
  it('leaves a fit that is done without them, and says so', async () => {
    const options = { estimator: 'calibrated', effort: 'quick', choosing: 'none', intervals: 'exact' } as const;
    // The last pieces of work of a fit are those of its intervals: found by bisection.
    let [lost, enough] = [0, 4096];
    while (enough - lost > 1) {
      const work = (lost + enough) >> 1;
      const found = await fitLosing(work, options).catch(() => null);
      if (found !== null && found.result.deviceLost === null) enough = work;
      else lost = work;
    }
    const { result } = await fitLosing(lost, options);
    expect([result.solution.status, result.intervals, result.deviceLost?.wentOn]).toEqual(['converged', null, null]);
    expect(result.warnings.join('\n')).toContain('no intervals: the device was lost');
    const whole = await fitLosing(enough, options);
    expect(whole.result.intervals).not.toBeNull();
    expect(whole.result.warnings.join('\n')).not.toContain('no intervals');
  });
});

describe('a device that auto chose', () => {
  it('has another in its place by itself; one that was named has not', async () => {
    const convex = { alpha: 0.1, estimator: 'convex', accelerate: 'none', holdout: 0 } as const;
    blas.work = 40;
    const auto = await fit({ rates }, convex);
    expect([auto.deviceLost?.backend, auto.deviceLost?.wentOn, auto.solution.status]).toEqual([
      'blas',
      'wasm',
      'converged',
    ]);
    const named = await fit({ rates }, { ...convex, backend: 'blas' });
    expect([named.deviceLost?.wentOn, named.solution.status]).toEqual([null, 'device-lost']);
    const asked = await fit({ rates }, { ...convex, backend: 'blas', fallback: 'cpu' });
    expect([asked.deviceLost?.wentOn, asked.backend, asked.precision]).toEqual(['cpu', 'cpu', 'float64']);
    expect(asked.solution.status).toBe('converged');
    expect(blas.open).toBe(0);
  });

  it('is an error where it is lost before there is a state, and all is closed', async () => {
    blas.work = 14;
    await expect(fit({ rates }, { alpha: 0.1, estimator: 'convex', backend: 'blas' })).rejects.toThrow(/lost device/);
    expect(blas.open).toBe(0);
  });
});

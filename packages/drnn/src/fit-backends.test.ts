import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm, physicalCores } from '@drnn/backend-wasm';
import type { Backend, Precision } from '@drnn/tensor';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fit, type FitContext, type FitProgress } from './index.js';
import { simulated } from './acceptance/simulated-recording.test.data.js';

interface Options {
  readonly precision?: Precision;
  readonly threads?: number;
}
interface BackendModule {
  readonly backend: (options: Options) => Promise<Backend>;
}

/** Every backend of this program is counted: what is open, and what was. */
const { live, history, counted } = vi.hoisted(() => {
  const open = new Set<Backend>();
  const made: string[] = [];
  const wrap = async (original: () => Promise<BackendModule>): Promise<BackendModule> => {
    const real = await original();
    const backend = async (options: Options): Promise<Backend> => {
      const on = await real.backend(options);
      const close = async (): Promise<void> => {
        open.delete(watched);
        await on.close();
      };
      const watched: Backend = { ...on, close };
      open.add(watched);
      made.push(`${on.name} ${on.precision}`);
      return watched;
    };
    return { ...real, backend };
  };
  return { live: open, history: made, counted: wrap };
});
vi.mock('@drnn/backend-wasm', (original: () => Promise<BackendModule>) => counted(original));
vi.mock('@drnn/backend-cpu', (original: () => Promise<BackendModule>) => counted(original));

const { rates } = simulated({ units: 8, steps: 600, gain: 2 });
const options = { alpha: 0.1, holdout: 0, estimator: 'convex' } as const;
const largest = (values: Float64Array): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const distance = (a: Float64Array, b: Float64Array): number => largest(a.map((x, i) => x - b[i]!)) / largest(b);

const reference = fit({ rates }, { ...options, backend: 'cpu', tolerance: 1e-10 });

beforeAll(async () => {
  await reference;
  history.length = 0;
});
afterEach(() => {
  expect(live.size).toBe(0);
  history.length = 0;
});

describe('a fit on', () => {
  const cases: readonly (Pick<FitContext, 'backend' | 'precision' | 'threads' | 'polish'> & {
    readonly expected: readonly [backend: string, precision: string, polished: boolean];
    readonly error: number;
  })[] = [
    { backend: 'cpu', expected: ['cpu', 'float64', false], error: 1e-8 },
    { backend: 'cpu', precision: 'mixed', expected: ['cpu', 'mixed', true], error: 1e-8 },
    { backend: 'cpu', precision: 'mixed', polish: false, expected: ['cpu', 'mixed', false], error: 1e-4 },
    { backend: 'wasm', expected: ['wasm', 'mixed', true], error: 1e-8 },
    { backend: 'wasm', polish: false, expected: ['wasm', 'mixed', false], error: 1e-4 },
    { backend: 'wasm', precision: 'float64', threads: 1, expected: ['wasm', 'float64', false], error: 1e-8 },
    { backend: 'wasm', precision: 'float64', threads: 2, expected: ['wasm', 'float64', false], error: 1e-8 },
  ];
  it.each(cases)('$backend, $precision, polish $polish, threads $threads', async ({ expected, error, ...choice }) => {
    const progress: FitProgress[] = [];
    const result = await fit({ rates }, { ...options, ...choice, onProgress: (now) => progress.push(now) });
    expect([result.backend, result.precision, result.polished]).toEqual(expected);
    expect(result.threads).toBe(choice.threads ?? (choice.backend === 'wasm' ? physicalCores() : 1));
    const alone = expected[1] === 'mixed' && !expected[2];
    expect(result.solution.status).toBe(alone ? 'precision-floor' : 'converged');
    expect(distance(result.model.W.data, (await reference).model.W.data)).toBeLessThan(error);
    // The steps are told as they are counted, and the last ones of a polished fit on its float64.
    expect(progress.map(({ step }) => step)).toEqual(progress.map((_, k) => k));
    expect(progress.at(-1)?.precision).toBe(alone ? 'mixed' : 'float64');
    expect(progress.every(({ backend }) => backend === expected[0])).toBe(true);
    const last = progress.filter(({ precision }) => precision === 'float64').length;
    if (expected[2]) expect(result.polishSteps).toBe(last - 1);
    else expect(result.polishSteps).toBe(0);
    expect(result.summary()).toContain(expected[2] ? 'mixed, then float64' : expected[1]);
    // A backend that is not needed is not opened.
    expect(history.filter((each) => each === `${expected[0]} float64`).length).toBe(alone ? 0 : 1);
    if (alone) expect(result.warnings.join()).toContain('polish');
  });

  it('none that is named: the fastest there is', async () => {
    const result = await fit({ rates }, options);
    expect(['blas', 'wasm']).toContain(result.backend);
    expect([result.precision, result.polished, result.solution.status]).toEqual(['mixed', true, 'converged']);
    expect(result.settings.backend).toBe('auto');
  });

  it('mixed is enough for a coarse tolerance, and nothing is opened for more', async () => {
    // The noise floor of this network is at 3e-6; that of the one above is at the tolerance itself.
    const recording = { rates: simulated({ units: 8, steps: 600, gain: 2, seed: 3 }).rates };
    const result = await fit(recording, { ...options, backend: 'wasm', tolerance: 1e-4 });
    expect([result.solution.status, result.polished, result.precision]).toEqual(['converged', false, 'mixed']);
    expect(history).not.toContain('wasm float64');
    const exact = await fit(recording, { ...options, backend: 'cpu', tolerance: 1e-10 });
    expect(distance(result.model.W.data, exact.model.W.data)).toBeLessThan(1e-4);
  });

  it('the holdout and the whole in turn goes on in float64 on one backend', async () => {
    const result = await fit({ rates }, { alpha: 0.1, backend: 'wasm', estimator: 'convex' });
    expect([result.solution.status, result.polished, result.refit]).toEqual(['converged', true, true]);
    expect(history.filter((each) => each === 'wasm float64').length).toBe(1);
  });
});

describe('two backends in one program', () => {
  it('fit at the same time, undisturbed, and stay open for who opened them', async () => {
    const [one, other] = [await cpu({ precision: 'mixed' }), await wasm({ precision: 'float64', threads: 2 })];
    const [a, b, c] = await Promise.all([
      fit({ rates }, { ...options, on: one }),
      fit({ rates }, { ...options, on: other }),
      fit({ rates }, { ...options, on: other, ridge: 1e-3 }),
    ]);
    const { W } = (await reference).model;
    expect(distance(a.model.W.data, W.data)).toBeLessThan(1e-8);
    expect(distance(b.model.W.data, W.data)).toBeLessThan(1e-8);
    expect(distance(c.model.W.data, W.data)).toBeGreaterThan(1e-4);
    expect([a.backend, a.precision, b.backend, b.precision]).toEqual(['cpu', 'mixed', 'wasm', 'float64']);
    expect(live.has(one) && live.has(other)).toBe(true);
    for (const on of [one, other]) {
      expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
      await on.close();
    }
  });

  it('of which one is given are not also named', async () => {
    const on = await cpu();
    await expect(fit({ rates }, { ...options, on, backend: 'cpu', threads: 1 })).rejects.toThrow(
      /backend and threads.*either on, or backend/,
    );
    await on.close();
  });
});

describe('what a fit opened is closed', () => {
  it.each([0, 3])('after an abort at step %d, with polishing or before', async (at) => {
    for (const when of ['mixed', 'float64'] as const) {
      const controller = new AbortController();
      const result = await fit(
        { rates },
        {
          ...options,
          backend: 'wasm',
          tolerance: 1e-13,
          signal: controller.signal,
          onProgress: ({ step, precision }) => {
            if (step >= at && precision === when) controller.abort();
          },
        },
      );
      expect(result.solution.status).toBe('aborted');
      expect(result.polished).toBe(when === 'float64');
      expect(live.size).toBe(0);
    }
  });

  it.each(['mixed', 'float64'])('after an error in %s', async (when) => {
    const onProgress = ({ precision }: FitProgress): void => {
      if (precision === when) throw new Error('the screen is gone');
    };
    await expect(fit({ rates }, { ...options, backend: 'wasm', onProgress })).rejects.toThrow('the screen is gone');
  });

  it('after bad input, found before or after it was opened', async () => {
    const broken = { ...rates, data: rates.data.map((x, i) => (i === 7 ? Number.NaN : x)) };
    await expect(fit({ rates: broken }, { ...options, backend: 'wasm' })).rejects.toThrow();
    await expect(fit({ rates }, { ...options, backend: 'wasm', tolerance: -1 })).rejects.toThrow(/tolerance/);
    await expect(fit({ rates }, { ...options, backend: 'cpu', threads: 4, ridge: -1 })).rejects.toThrow(
      /threads[^]*ridge|ridge[^]*threads/,
    );
  });
});

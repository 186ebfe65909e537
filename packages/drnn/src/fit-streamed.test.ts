import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restrict, sourceOfTransitions, transitions } from '@drnn/simulator';
import { transfers } from '@drnn/objectives';
import { collect, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fit, type FitContext } from './index.js';
import { rowsFrom, sweepMemory, sweepSource } from './row-sweeps.js';
import { applyScaling, applyScalingTo, scalingOf, scalingSweeps } from './scaling.js';
import { trivialSweeps } from './scores.js';
import { simulated, writeMatrix } from './acceptance/simulated-recording.test.data.js';

const folder = mkdtempSync(join(tmpdir(), 'drnn-streamed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { rates } = simulated({ units: 7, steps: 2500, gain: 2 });
const [path, loud, holed] = ['rec.npy', 'loud.npy', 'holed.npy'].map((name) => join(folder, name));
const scaledBy = (factor: number): Matrix => ({ ...rates, data: rates.data.map((x) => factor * x) });

beforeAll(async () => {
  await writeMatrix(folder, 'rec.npy', rates);
  await writeMatrix(folder, 'loud.npy', scaledBy(30));
  await writeMatrix(folder, 'holed.npy', { ...rates, data: rates.data.map((x, i) => (i === 900 ? Number.NaN : x)) });
}, 60_000);

const both = async (file: string | undefined, options: FitContext) => {
  const all = { alpha: 0.1, backend: 'cpu', ...options } as const;
  const [whole, streamed] = [
    await fit(file ?? '', { ...all, stream: 'never' }),
    await fit(file ?? '', { ...all, stream: 'always' }),
  ];
  return { whole, streamed };
};

describe('a fit of a file that is read piece by piece', () => {
  it.each([
    ['the calibrated estimator', path, { effort: 'quick' }],
    ['a convex fit', path, { estimator: 'convex' }],
    ['a convex fit without holdout', path, { estimator: 'convex', holdout: 0 }],
    ['a convex fit with an alpha for each unit', path, { estimator: 'convex', alpha: new Float64Array(7).fill(0.1) }],
    ['units that are centred and scaled', loud, { estimator: 'convex', center: true }],
    ['chosen signs, without a refit', path, { dale: 'auto', refit: false }],
  ] as const)('%s: the same model, scores and warnings as of one in memory', async (_, file, options) => {
    const { whole, streamed } = await both(file, options);
    expect([whole.streamed, streamed.streamed]).toEqual([false, true]);
    const apart = streamed.model.W.data.map((w, i) => Math.abs(w - whole.model.W.data[i]!));
    expect(Math.max(...apart)).toBeLessThan(1e-10);
    expect(streamed.scaling).toEqual(whole.scaling);
    expect(streamed.solution.status).toBe(whole.solution.status);
    expect(streamed.sources).toEqual(whole.sources);
    for (const key of ['samples', 'trainSamples', 'trials', 'units', 'dropped', 'horizon', 'targetsClipped'] as const)
      expect(streamed[key], key).toEqual(whole[key]);
    expect(streamed.warnings.length).toBe(whole.warnings.length);
    const scores = (of: typeof whole) =>
      of.scores === null
        ? []
        : [
            of.scores.oneStep.pooled,
            of.scores.drive.median,
            of.scores.baseline.oneStep.autoregression.pooled,
            of.scores.baseline.drive.mean.median,
            ...of.scores.closedLoop.map(({ pooled }) => pooled),
          ];
    expect(scores(streamed).length).toBe(whole.settings.holdout === 0 ? 0 : 7);
    scores(streamed).forEach((score, k) => expect(score).toBeCloseTo(scores(whole)[k] ?? Number.NaN, 9));
    expect(streamed.traces?.frames).toEqual(whole.traces?.frames);
  });

  it('is not asked for by itself where it is small', async () => {
    expect((await fit(path ?? '', { alpha: 0.1, estimator: 'convex', backend: 'cpu' })).streamed).toBe(false);
  });

  it.each([
    ['several files', [path ?? '', path ?? ''], {}, /stream: saw always, with several files/],
    ['alpha auto and an input', path, { alpha: 'auto', inputs: matrix(2500, 1) }, /alpha auto, inputs need it so/],
    ['missing values', holed, { alpha: 0.1 }, /with NaN at frame 128, unit 4/],
    ['another layout', path, { alpha: 0.1, layout: 'unit-time' }, /layout unit-time needs it so/],
  ] as const)('always, with %s, says what stands against it', async (_, file, options, words) => {
    await expect(fit(file ?? '', { backend: 'cpu', ...options, stream: 'always' })).rejects.toThrow(words);
  });
});

describe('what is made of transitions in sweeps', () => {
  it('is the same over any pieces as over one, by the definition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(),
        async (frames, units, seed) => {
          const values = Float64Array.from(
            { length: frames * units },
            (_, i) => Math.sin((i + 1) * (seed + 1)) * (1 + (i % 3)),
          );
          const raw = transitions({ rates: matrix(frames, units, values), alpha: 0.3 });
          const source = sourceOfTransitions(raw);
          const request = ['quantile', true, transfers.tanh, (j: number) => `unit ${j}`] as const;
          const scaling = scalingOf(raw, ...request);
          expect(await sweepSource(scalingSweeps(raw, raw.targets.rows, ...request), source)).toEqual(scaling);
          // The quantile of its definition, from all values in order.
          const { rows } = raw.targets;
          scaling.scale.forEach((scale, j) => {
            const sizes = Float64Array.from({ length: rows }, (_, t) => {
              const at = (a: Matrix): number => Math.abs((a.data[t * units + j] ?? Number.NaN) - scaling.offset[j]!);
              return Math.max(at(raw.predictors), at(raw.targets));
            }).sort();
            expect(scale).toBe(sizes[Math.ceil(0.999 * rows) - 1]);
          });
          expect(await sweepSource(trivialSweeps(raw.alpha), source)).toEqual(
            sweepMemory(trivialSweeps(raw.alpha), raw),
          );
          const from = Math.floor(rows / 2);
          const tail = await rowsFrom(applyScalingTo(source, scaling), from);
          expect(tail.targets.data).toEqual(applyScaling(raw, scaling).targets.data.slice(from * units));
          const begun = restrict(applyScalingTo(source, scaling), [{ from, to: rows }]);
          expect(await collect(begun.targets)).toEqual(tail.targets);
        },
      ),
      { numRuns: 40 },
    );
  });
});

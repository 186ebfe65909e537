import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import { allOf, crossEntropy, l1, leastSquares, objective, poisson, ridge } from '@drnn/objectives';
import { cornnRecording, selectTransitions, type Transitions, transitions } from '@drnn/simulator';
import { l1Max, problem } from '@drnn/solvers';
import { type Host, matrix, type Matrix, square, sub } from '@drnn/tensor';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ridgePath, weightsByFrame } from './index.js';
import { timeBlocks } from './time-blocks.js';

const recorded = (seed: number, frames: number, noise: number, units = 5, trials?: Int32Array): Transitions => {
  const { rates } = cornnRecording({ units, frames, seed, inputNoise: noise, conversionNoise: noise / 5 });
  return transitions({ rates, alpha: 0.1, ...(trials === undefined ? {} : { trials }) });
};

describe('blocks in time', () => {
  it('share no frame, and leave out at most one row at each cut', () => {
    const property = fc.property(
      fc.integer({ min: 2, max: 8 }),
      fc.integer({ min: 60, max: 200 }),
      fc.array(fc.integer({ min: 1, max: 199 }), { maxLength: 4 }),
      (count, frames, starts) => {
        const trials = Int32Array.from({ length: frames }, (_, t) => starts.filter((start) => start <= t).length);
        const samples = recorded(1, frames, 0.1, 3, trials);
        const blocks = timeBlocks(samples, count);
        const framesOf = blocks.map(
          ({ from, to }) => new Set([...samples.frames.subarray(from, to)].flatMap((t) => [t, t + 1])),
        );
        framesOf.forEach((frame, k) =>
          framesOf.slice(k + 1).forEach((other) => expect([...frame].filter((t) => other.has(t))).toEqual([])),
        );
        const kept = blocks.reduce((sum, { from, to }) => sum + to - from, 0);
        expect(kept).toBeGreaterThanOrEqual(samples.targets.rows - (count - 1));
        expect(blocks[0]?.from).toBe(0);
        expect(blocks.at(-1)?.to).toBe(samples.targets.rows);
      },
    );
    fc.assert(property, { numRuns: 40 });
  });
});

/** R2 on held-out rows of ridge regression with a free bias and no self-connections, unit by unit. */
const ridgeRegression = (host: Host, train: Transitions, test: Transitions, strength: number): number => {
  const { units } = train;
  const [rows, held] = [train.targets.rows, test.targets.rows];
  let [errors, total] = [0, 0];
  for (let j = 0; j < units; j++) {
    const sources = Array.from({ length: units }, (_, i) => i).filter((i) => i !== j);
    const order = units;
    const design = (of: Transitions): Matrix => {
      const x = matrix(of.targets.rows, order);
      for (let t = 0; t < x.rows; t++) {
        sources.forEach((i, a) => (x.data[t * order + a] = of.predictors.data[t * units + i]!));
        x.data[t * order + order - 1] = 1;
      }
      return x;
    };
    const x = design(train);
    const d = matrix(
      rows,
      1,
      Float64Array.from({ length: rows }, (_, t) => train.targets.data[t * units + j]!),
    );
    const normal = host.matMul(x, x, { transposeA: true });
    for (let a = 0; a < order - 1; a++) normal.data[a * order + a]! += strength * rows;
    const factored = host.cholesky(normal);
    if (!factored.ok) throw new Error('a singular test');
    const theta = host.choleskySolve(factored.factor, host.matMul(x, d, { transposeA: true }));
    const predicted = host.matMul(design(test), theta).data;
    const mean = d.data.reduce((a, b) => a + b, 0) / rows;
    for (let t = 0; t < held; t++) {
      const target = test.targets.data[t * units + j]!;
      errors += (target - predicted[t]!) ** 2;
      total += (target - mean) ** 2;
    }
  }
  return 1 - errors / total;
};

describe('a ridge path', () => {
  it('has the scores of ridge regression on each block, for least squares', async () => {
    const on = await cpu();
    const property = fc.asyncProperty(
      fc.record({ seed: fc.integer({ min: 1, max: 500 }), blocks: fc.integer({ min: 2, max: 4 }) }),
      async ({ seed, blocks: count }) => {
        const samples = recorded(seed, 150, 0.3);
        const strengths = [1e-4, 1e-1, 1e-2];
        const path = await ridgePath(on, samples, leastSquares(), { blocks: count, strengths, tolerance: 1e-8 });
        const blocks = timeBlocks(samples, count);
        const rowsOf = (wanted: (k: number) => boolean): number[] =>
          blocks.flatMap(({ from, to }, k) => (wanted(k) ? Array.from({ length: to - from }, (_, i) => from + i) : []));
        expect(path?.points.map(({ strength }) => strength)).toEqual([1e-1, 1e-2, 1e-4]);
        for (const { strength, scores, score, standardError, converged } of path?.points ?? []) {
          const expected = blocks.map((_, k) =>
            ridgeRegression(
              on.host,
              selectTransitions(
                samples,
                rowsOf((block) => block !== k),
              ),
              selectTransitions(
                samples,
                rowsOf((block) => block === k),
              ),
              strength,
            ),
          );
          scores.forEach((each, k) => expect(each).toBeCloseTo(expected[k]!, 6));
          const mean = expected.reduce((a, b) => a + b, 0) / count;
          expect(score).toBeCloseTo(mean, 6);
          const variance = expected.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (count - 1);
          expect(standardError).toBeCloseTo(Math.sqrt(variance / count), 6);
          expect(converged).toBe(true);
        }
        expect(on.memory().handles).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 8 });
    await on.close();
  });

  it.each([
    ['cpu', cpu],
    ['wasm', () => wasm({ precision: 'mixed', threads: 1 })],
  ] as const)('goes from next to nothing through its best, weights growing all the way: %s', async (_, open) => {
    const on = await open();
    const samples = recorded(3, 300, 0.2, 8);
    const path = await ridgePath(on, samples, crossEntropy({ weights: 'variance', clip: 0.2 }));
    if (path === null) throw new Error('aborted');
    const { points, best, oneStandardError, max } = path;
    expect([points.length, path.blocks, path.atEnd]).toEqual([21, 5, null]);
    expect(points[0]?.strength).toBe(max);
    expect(points.at(-1)!.strength / points[0]!.strength).toBeCloseTo(1e-10, 15);
    expect(Math.abs(points[0]!.score)).toBeLessThan(0.1);
    const top = points.reduce((a, b) => (b.score > a.score ? b : a));
    expect(best).toBe(top.strength);
    expect(top.score).toBeGreaterThan(0.8);
    expect(oneStandardError).toBeGreaterThanOrEqual(best);
    for (const { strength, scores, score, behind } of points) {
      const differences = scores.map((each, k) => top.scores[k]! - each);
      const mean = differences.reduce((a, b) => a + b, 0) / 5;
      const error = Math.sqrt(differences.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 20);
      expect(behind.mean).toBeCloseTo(top.score - score, 9);
      expect(behind.standardError).toBeCloseTo(error, 9);
      if (strength > oneStandardError) expect(mean).toBeGreaterThan(error);
      if (strength === oneStandardError) expect(mean).toBeLessThanOrEqual(error + 1e-12);
    }
    points.slice(1).forEach(({ norm }, k) => expect(norm).toBeGreaterThan(0.999 * points[k]!.norm));
    expect(on.memory().handles).toBe(0);
    await on.close();
  });

  it('comes down to ridges that hardly shrink also from a strength that is far off, two a decade', async () => {
    const on = await cpu();
    // Targets beyond the range of tanh have weights of 5e5, and without a clip their curvature at zero weights is that.
    const { rates } = cornnRecording({ units: 5, frames: 200, seed: 3, inputNoise: 0.2, conversionNoise: 0.3 });
    const samples = transitions({ rates, alpha: 0.1 });
    const path = await ridgePath(on, samples, crossEntropy({ weights: 'variance' }), { maxSteps: 5, blocks: 2 });
    const [strongest, weakest] = [path?.points[0]?.strength ?? 0, path?.points.at(-1)?.strength ?? 1];
    expect(strongest).toBeGreaterThan(1e4);
    expect(weakest).toBeLessThan(1e-6);
    expect(((path?.points.length ?? 0) - 1) / Math.log10(strongest / weakest)).toBeCloseTo(2, 1);
    await on.close();
  });

  it('asks for more ridge where there is more noise', async () => {
    const on = await cpu();
    const best = async (noise: number) => (await ridgePath(on, recorded(7, 200, noise, 6), crossEntropy()))?.best ?? 0;
    expect(await best(0.4)).toBeGreaterThan(10 * (await best(0.01)));
    await on.close();
  });

  it('may be of another penalty: l1 from where all weights are zero', async () => {
    const on = await cpu();
    const samples = recorded(2, 300, 0.2, 8);
    const whole = await problem(on, samples, crossEntropy());
    const { strength: max } = await l1Max(whole);
    whole.release();
    const path = await ridgePath(on, samples, crossEntropy(), {
      strengths: [2 * max, 1e-1 * max, 1e-2 * max],
      penaltyAt: (strength) => allOf(l1(strength), ridge(1e-6)),
    });
    // Blocks have slopes of their own, none of them twice that of the whole.
    expect(path?.points[0]?.norm).toBe(0);
    expect(path?.points[1]?.norm).toBeGreaterThan(0);
    expect(path?.max).toBeNull();
    expect(path?.points[2]!.score).toBeGreaterThan(path!.points[0]!.score);
    await on.close();
  });

  it('does not score what is missing, nor rows that know of what they predict', async () => {
    const on = await cpu();
    const samples = recorded(4, 200, 0.1);
    const { units } = samples;
    const [weights, spoilt] = [matrix(samples.targets.rows, units), samples.targets.data.slice()];
    weights.data.fill(1);
    // Nonsense where nothing was observed.
    for (let i = 0; i < spoilt.length; i += 11) [weights.data[i], spoilt[i]] = [0, 50];
    const strengths = [1e-1, 1e-3];
    const of = (targets: Float64Array) =>
      ridgePath(on, { ...samples, targets: { ...samples.targets, data: targets }, weights }, crossEntropy(), {
        strengths,
      });
    const [clean, with50] = [await of(samples.targets.data), await of(spoilt)];
    expect(with50?.points.map(({ score }) => score)).toEqual(clean?.points.map(({ score }) => score));

    const interpolated = new Uint8Array(samples.targets.rows);
    interpolated.fill(1, 60, 75);
    const marked = await ridgePath(on, { ...samples, interpolated }, crossEntropy(), { strengths });
    const plain = await ridgePath(on, samples, crossEntropy(), { strengths });
    const differ = plain?.points[0]?.scores.map((score, k) => score !== marked?.points[0]?.scores[k]);
    expect(differ).toEqual([false, true, false, false, false]);
    await on.close();
  });

  it('takes weights of transitions with them when it cuts', async () => {
    const on = await cpu();
    const samples = recorded(4, 200, 0.3);
    const values = matrix(samples.targets.rows, samples.units);
    values.data.forEach((_, i) => (values.data[i] = 1 + Math.abs(Math.sin(i))));
    const weighted = crossEntropy({ weights: { kind: 'explicit', values } });
    const [a, b] = [
      await ridgePath(on, samples, weighted, { strengths: [1e-2] }),
      await ridgePath(on, samples, weightsByFrame(weighted, samples), { strengths: [1e-2] }),
    ];
    const none = await ridgePath(on, samples, crossEntropy(), { strengths: [1e-2] });
    expect(a?.points).toEqual(b?.points);
    expect(a?.points[0]?.score).not.toBe(none?.points[0]?.score);
    await on.close();
  });

  it('is null when aborted, with nothing left behind, and tells how far it is', async () => {
    const on = await cpu();
    const controller = new AbortController();
    const done: number[] = [];
    const path = await ridgePath(on, recorded(1, 200, 0.1), crossEntropy(), {
      signal: controller.signal,
      onProgress: (progress) => {
        done.push(progress.done);
        expect(progress.of).toBe(105);
        if (progress.done === 30) controller.abort();
      },
    });
    expect(path).toBeNull();
    expect(done).toEqual(Array.from({ length: 30 }, (_, k) => k + 1));
    expect(on.memory().handles).toBe(0);
    await on.close();
  });

  it('says everything that is wrong at once', async () => {
    const on = await cpu();
    const own = objective({ loss: ({ z, d }) => square(sub(z, d)) });
    const bad = { blocks: 9, strengths: [1, -1], count: 1, ratio: 2, penaltyAt: ridge } as const;
    const told = ridgePath(on, recorded(1, 100, 0.1), own, bad);
    await expect(told).rejects.toThrow(
      /objective: [^]*strengths: [^]*count: [^]*ratio: [^]*recording: saw 99 transitions/,
    );
    await expect(ridgePath(on, recorded(1, 200, 0.1), poisson(), { penaltyAt: l1 })).rejects.toThrow(
      /strengths: saw none/,
    );
    const still = recorded(1, 200, 0.1);
    still.targets.data.fill(0.5);
    await expect(ridgePath(on, still, crossEntropy())).rejects.toThrow(/targets that do not vary/);
    expect(on.memory().handles).toBe(0);
    await on.close();
  });
});

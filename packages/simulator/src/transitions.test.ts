import { DrnnError, matrix, matrixOf, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observations } from './observations.js';
import { selectTransitions, splitTransitions } from './select-transitions.js';
import { transitions } from './transitions.js';

const issuesOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof DrnnError) return error.message;
    throw error;
  }
  return '';
};

const at = (a: Matrix, row: number, column: number): number => a.data[row * a.columns + column] ?? Number.NaN;

/** A recording with values that tell where they come from. */
const ramp = (frames: number, units: number): Matrix =>
  matrix(
    frames,
    units,
    Float64Array.from({ length: frames * units }, (_, i) => Math.sin(1 + i * 1.7)),
  );

describe('transitions', () => {
  it('inverts a hand-worked step with per-unit alpha and inputs', () => {
    const result = transitions({
      rates: matrixOf([
        [1, 2],
        [3, 5],
        [0, 1],
      ]),
      alpha: Float64Array.of(0.5, 0.25),
      inputs: matrixOf([[7], [8]]),
    });
    expect([...result.predictors.data]).toEqual([1, 2, 7, 3, 5, 8]);
    // (3 - .5) / .5, (5 - .75 * 2) / .25, (0 - .5 * 3) / .5, (1 - .75 * 5) / .25
    expect([...result.targets.data]).toEqual([5, 14, -3, -11]);
    expect(result.weights).toBeNull();
    expect([...result.frames]).toEqual([0, 1]);
    expect([...result.trialStarts]).toEqual([0]);
    expect(result).toMatchObject({ units: 2, inputs: 1, dropped: { rows: 0, interpolated: 0 } });
  });

  it('lets no pair cross a change of trial, also when a number comes again', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2, maxLength: 30 }), (trials) => {
        const pairs = trials.flatMap((trial, t) => (t + 1 < trials.length && trial === trials[t + 1] ? [t] : []));
        fc.pre(pairs.length > 0);
        const rates = ramp(trials.length, 3);
        const result = transitions({ rates, alpha: 0.3, trials, inputs: ramp(trials.length, 1) });
        expect([...result.frames]).toEqual(pairs);
        const starts = pairs.flatMap((t, row) => (row === 0 || pairs[row - 1] !== t - 1 ? [row] : []));
        expect([...result.trialStarts]).toEqual(starts);
        pairs.forEach((t, row) => {
          for (let j = 0; j < 3; j++) {
            expect(at(result.predictors, row, j)).toBe(at(rates, t, j));
            expect(at(result.targets, row, j)).toBeCloseTo((at(rates, t + 1, j) - 0.7 * at(rates, t, j)) / 0.3, 12);
          }
        });
      }),
    );
  });

  it('gives weight 0 exactly to the targets a missing value enters, and keeps no trace of the value', () => {
    const scenario = fc.record({
      mask: fc.array(fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), { minLength: 4, maxLength: 40 }),
      missing: fc.constantFrom('drop' as const, 'interpolate' as const, 'model' as const),
      maxGap: fc.integer({ min: 1, max: 4 }),
      junk: fc.constantFrom(Number.NaN, 1e300, Number.POSITIVE_INFINITY),
    });
    fc.assert(
      fc.property(scenario, ({ mask, missing, maxGap, junk }) => {
        const frames = mask.length;
        const trials = mask.map((_, t) => (t < frames / 2 ? 0 : 1));
        const clean = ramp(frames, 3);
        const observed = matrixOf(mask.map((row) => row.map(Number)));
        const rates = matrix(
          frames,
          3,
          clean.data.map((value, i) => (observed.data[i] === 1 ? value : junk)),
        );
        // What a model might say; of a fifth of the entries it says nothing.
        const filled = matrix(
          frames,
          3,
          clean.data.map((value, i) => (i % 5 === 0 ? Number.NaN : 100 + value)),
        );
        const seen = (t: number, j: number): boolean => mask[t]?.[j] === true;
        const sameTrial = (s: number, t: number): boolean => trials[s] !== undefined && trials[s] === trials[t];
        // The predictor (t, j) by the definition: its value, its straight line between the neighbours, or nothing.
        const predictor = (t: number, j: number): number | null => {
          if (seen(t, j)) return at(clean, t, j);
          if (missing === 'model') return Number.isNaN(at(filled, t, j)) ? null : at(filled, t, j);
          let before = t;
          let after = t;
          while (sameTrial(before, t) && !seen(before, j)) before--;
          while (sameTrial(after, t) && !seen(after, j)) after++;
          if (missing === 'drop' || !sameTrial(before, t) || !sameTrial(after, t)) return null;
          if (after - before - 1 > maxGap) return null;
          const share = (t - before) / (after - before);
          return (1 - share) * at(clean, before, j) + share * at(clean, after, j);
        };
        const units = [0, 1, 2];
        const expected = mask.flatMap((_, t) =>
          sameTrial(t + 1, t) &&
          units.every((j) => predictor(t, j) !== null) &&
          units.some((j) => seen(t, j) && seen(t + 1, j))
            ? [t]
            : [],
        );
        const input: Observations = { rates, alpha: 0.5, observed, trials, missing, maxGap, filled };
        if (expected.length === 0) {
          expect(issuesOf(() => transitions(input))).toContain('no usable transition');
          return;
        }
        const result = transitions(input);
        expect([...result.frames]).toEqual(expected);
        let replaced = 0;
        let allObserved = true;
        expected.forEach((t, row) => {
          for (const j of units) {
            if (!seen(t, j)) replaced++;
            expect(at(result.predictors, row, j)).toBeCloseTo(predictor(t, j) ?? Number.NaN, 12);
            const known = seen(t, j) && seen(t + 1, j);
            allObserved &&= known;
            if (result.weights !== null) expect(at(result.weights, row, j)).toBe(known ? 1 : 0);
            const d = known ? (at(clean, t + 1, j) - 0.5 * at(clean, t, j)) / 0.5 : 0;
            expect(at(result.targets, row, j)).toBeCloseTo(d, 12);
          }
        });
        expect(result.weights === null).toBe(allObserved);
        const [interpolated, byModel] = missing === 'model' ? [0, replaced] : [replaced, 0];
        expect(result.dropped).toEqual({ rows: frames - 2 - expected.length, interpolated, filled: byModel });
      }),
    );
  });

  it('offers every input at every lag within the trial, and drops frames without a full history', () => {
    const scenario = fc.record({
      trials: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 6, maxLength: 30 }),
      lags: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(scenario, ({ trials, lags }) => {
        const frames = trials.length;
        const inputs = ramp(frames, 2);
        const startOf = (t: number): number => (t > 0 && trials[t - 1] === trials[t] ? startOf(t - 1) : t);
        const expected = trials.flatMap((trial, t) =>
          trials[t + 1] === trial && t - startOf(t) >= Math.max(...lags) ? [t] : [],
        );
        const given: Observations = { rates: ramp(frames, 1), alpha: 0.5, inputs, trials, inputLags: lags };
        if (expected.length === 0) {
          expect(issuesOf(() => transitions(given))).toContain('no usable transition');
          return;
        }
        const result = transitions(given);
        expect([...result.frames]).toEqual(expected);
        expect(result).toMatchObject({ units: 1, inputs: 2 * lags.length });
        expected.forEach((t, row) => {
          const late = lags.flatMap((lag) => [at(inputs, t - lag, 0), at(inputs, t - lag, 1)]);
          expect([
            ...result.predictors.data.subarray(row * (1 + late.length) + 1, (row + 1) * (1 + late.length)),
          ]).toEqual(late);
        });
      }),
    );
  });

  it('refuses lags that are negative, broken or repeated', () => {
    for (const inputLags of [[-1], [0.5], [1, 1], []]) {
      const input = { rates: ramp(5, 1), alpha: 0.5, inputs: ramp(5, 1), inputLags };
      expect(issuesOf(() => transitions(input))).toContain('inputLags');
    }
  });

  it('lists every issue at once', () => {
    const rates = matrixOf([
      [0, Number.NaN],
      [1, 1],
      [Number.POSITIVE_INFINITY, 0],
    ]);
    const message = issuesOf(() =>
      transitions({
        rates,
        alpha: Float64Array.of(0.5, 2),
        inputs: matrix(1, 3),
        trials: [0, 0.5, 1],
        maxGap: 0,
      }),
    );
    expect(message).toContain('alpha: saw 2 at unit 1');
    expect(message).toContain('trials: saw 0.5 at frame 1');
    expect(message).toMatch(/inputs: saw \[time=1, input=3\].*transpose/);
    expect(message).toContain('maxGap: saw 0');
    expect(message).toContain('rates: saw NaN at frame 0, unit 1 (and 1 more such entries)');
  });

  it.each([
    ['alpha 0', { rates: ramp(4, 2), alpha: 0 }, 'alpha: saw 0,'],
    ['alpha NaN', { rates: ramp(4, 2), alpha: Number.NaN }, 'alpha: saw NaN'],
    ['alpha of the wrong length', { rates: ramp(4, 2), alpha: Float64Array.of(0.1) }, 'alpha: saw [unit=1]'],
    ['one frame', { rates: ramp(1, 2), alpha: 0.1 }, 'rates: saw [time=1, unit=2]'],
    ['trials of one frame each', { rates: ramp(3, 2), alpha: 0.1, trials: [1, 2, 3] }, 'no trial has two frames'],
    ['too few trial numbers', { rates: ramp(3, 2), alpha: 0.1, trials: [1, 1] }, 'trials: saw [time=2]'],
    ['a mask turned round', { rates: ramp(3, 2), alpha: 0.1, observed: matrix(2, 3) }, 'Hint: transpose it'],
    ['a mask of other numbers', { rates: ramp(2, 1), alpha: 0.1, observed: matrixOf([[1], [2]]) }, 'observed: saw 2'],
    ['NaN inputs', { rates: ramp(2, 1), alpha: 0.1, inputs: matrixOf([[Number.NaN]]) }, 'inputs: saw NaN'],
    [
      'a row short with several trials',
      { rates: ramp(4, 1), alpha: 0.1, trials: [0, 0, 1, 1], inputs: matrix(3, 1) },
      'inputs: saw [time=3, input=1]',
    ],
  ] satisfies [string, Observations, string][])('refuses %s', (_name, input, text) => {
    expect(issuesOf(() => transitions(input))).toContain(text);
  });

  it('ignores the input row of a frame without a successor', () => {
    const inputs = matrixOf([[1], [Number.NaN], [3], [Number.NaN]]);
    const result = transitions({ rates: ramp(4, 1), alpha: 1, trials: [0, 0, 1, 1], inputs });
    expect([at(result.predictors, 0, 1), at(result.predictors, 1, 1)]).toEqual([1, 3]);
  });
});

describe('splitTransitions', () => {
  it('parts every trial in time and shares no frame', () => {
    const scenario = fc.record({
      lengths: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
      fraction: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      gap: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(scenario, ({ lengths, fraction, gap }) => {
        const trials = lengths.flatMap((length, trial) => Array.from({ length }, () => trial));
        fc.pre(lengths.some((length) => length > 1));
        const all = transitions({ rates: ramp(trials.length, 2), alpha: 0.4, trials });
        const train: number[] = [];
        const heldOut: number[] = [];
        let frame = 0;
        for (const length of lengths) {
          const rows = length - 1;
          const cut = Math.round((1 - fraction) * rows);
          for (let k = 0; k < rows; k++) {
            if (k < cut) train.push(frame + k);
            else if (cut === 0 || k > cut - 1 + gap) heldOut.push(frame + k);
          }
          frame += length;
        }
        if (train.length === 0 || heldOut.length === 0) {
          expect(issuesOf(() => splitTransitions(all, fraction, gap))).toContain('holdoutFraction');
          return;
        }
        const split = splitTransitions(all, fraction, gap);
        expect([...split.train.frames]).toEqual(train);
        expect([...split.heldOut.frames]).toEqual(heldOut);
        for (const part of [split.train, split.heldOut]) {
          part.frames.forEach((t, row) => {
            const source = all.frames.indexOf(t);
            for (let j = 0; j < 2; j++) expect(at(part.targets, row, j)).toBe(at(all.targets, source, j));
          });
        }
      }),
    );
  });

  it('refuses fractions outside (0, 1) and a bad gap, together', () => {
    const all = transitions({ rates: ramp(9, 1), alpha: 0.4 });
    const message = issuesOf(() => splitTransitions(all, 1, -1));
    expect(message).toContain('holdoutFraction: saw 1');
    expect(message).toContain('gap: saw -1');
  });
});

describe('selectTransitions', () => {
  it('keeps rows, frames and trials together, in the order asked for', () => {
    const trials = [0, 0, 0, 1, 1, 1];
    const observed = matrix(6, 1, Float64Array.of(1, 1, 1, 1, 1, 0));
    const all = transitions({
      rates: ramp(6, 1),
      alpha: 0.5,
      trials,
      observed: matrix(6, 1, observed.data),
      inputs: ramp(6, 2),
    });
    // Frame 4's only target needs the missing frame 5, so its row is gone.
    expect([...all.frames]).toEqual([0, 1, 3]);
    const some = selectTransitions(all, [2, 0, 1, 1]);
    expect([...some.frames]).toEqual([3, 0, 1, 1]);
    expect([...some.trialStarts]).toEqual([0, 1]);
    expect(at(some.predictors, 0, 2)).toBe(at(all.predictors, 2, 2));
  });

  it('refuses no row, and rows that are not there', () => {
    const all = transitions({ rates: ramp(3, 1), alpha: 0.5 });
    expect(issuesOf(() => selectTransitions(all, []))).toContain('no row');
    expect(issuesOf(() => selectTransitions(all, [0, 2]))).toContain('2 at position 1');
    expect(issuesOf(() => selectTransitions(all, [0.5]))).toContain('0.5 at position 0');
  });
});

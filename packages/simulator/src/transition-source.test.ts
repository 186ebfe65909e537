import { collect, DrnnError, matrix } from '@drnn/tensor';
import { arbitrarySeed, drawnMatrix, streamed } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Observations, sourceOfRecording, sourceOfTransitions, streamTransitions, transitions } from './index.js';

describe('a recording read in pieces', () => {
  it('gives the transitions of the recording in memory, whatever the pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        arbitrarySeed,
        async (frames, units, asynchronous, seed) => {
          const rates = drawnMatrix(frames, units, seed);
          const alpha = drawnMatrix(1, units, seed + 1).data.map((x) => 0.2 + Math.abs(x) / 4);
          const whole = sourceOfTransitions(transitions({ rates, alpha }));
          const pieces = streamTransitions({ rates: streamed(rates, asynchronous), alpha });
          expect(await collect(pieces.predictors)).toEqual(await collect(whole.predictors));
          expect(await collect(pieces.targets)).toEqual(await collect(whole.targets));
        },
      ),
    );
  });

  it('is what it is in memory, with trials, inputs and missing samples as well', async () => {
    const [rates, inputs] = [drawnMatrix(40, 3, 1), drawnMatrix(40, 1, 2)];
    const observed = matrix(40, 3, new Float64Array(120).fill(1));
    observed.data[50] = 0;
    const trials = Int32Array.from({ length: 40 }, (_, t) => (t < 20 ? 0 : 1));
    const recordings: readonly Observations[] = [
      { rates, alpha: 0.3 },
      { rates, alpha: 0.3, trials: new Int32Array(40) },
      { rates, alpha: 0.3, trials },
      { rates, alpha: 0.3, inputs },
      { rates, alpha: 0.3, observed },
      { rates, alpha: 0.3, form: 'current', settle: 3 },
    ];
    for (const recording of recordings) {
      const [whole, asRead] = [sourceOfTransitions(transitions(recording)), sourceOfRecording(recording)];
      expect(await collect(asRead.predictors)).toEqual(await collect(whole.predictors));
      expect(await collect(asRead.targets)).toEqual(await collect(whole.targets));
      expect(asRead.weights === null).toBe(whole.weights === null);
    }
    const bad: Observations = { rates: drawnMatrix(40, 3, 3), alpha: 2 };
    bad.rates.data[5] = Number.NaN;
    const refusal = (act: () => unknown): unknown => {
      try {
        return act();
      } catch (error) {
        return error;
      }
    };
    expect(refusal(() => sourceOfRecording(bad))).toEqual(refusal(() => transitions(bad)));
  });

  it('refuses what cannot be inverted, and names the frame of a rate that is not finite', async () => {
    const rates = drawnMatrix(30, 2, 1);
    expect(() => streamTransitions({ rates: streamed(rates, false), alpha: 1.5 })).toThrow(DrnnError);
    expect(() => streamTransitions({ rates: streamed(matrix(1, 2), false), alpha: 0.5 })).toThrow(/2 frames/);
    rates.data[2 * 17 + 1] = Number.NaN;
    const source = streamTransitions({ rates: streamed(rates, true), alpha: 0.5 });
    await expect(collect(source.targets)).rejects.toThrow('frame 17, unit 1');
  });
});

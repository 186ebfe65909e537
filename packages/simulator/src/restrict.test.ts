import { collect, type Matrix, rowRange, type RowSource, rowSourceOf, seekable, stackRows } from '@drnn/tensor';
import { arbitrarySeed, drawnMatrix, streamed } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  restrict,
  type RowRange,
  sourceOfRecording,
  sourceOfTransitions,
  streamTransitions,
  transitions,
} from './index.js';

const frames = 40;

/** Ascending ranges of the transitions, some of them next to each other. */
const ranges = fc
  .uniqueArray(fc.integer({ min: 0, max: frames - 1 }), { minLength: 2, maxLength: 9 })
  .map((cuts) => cuts.toSorted((a, b) => a - b))
  .map((cuts) => cuts.slice(1).map((to, k): RowRange => ({ from: cuts[k]!, to })))
  .chain((all) => fc.subarray(all, { minLength: 1 }));

const rowsOf = (a: Matrix, chosen: readonly RowRange[]): Matrix =>
  stackRows(chosen.map(({ from, to }) => rowRange(a, from, to)));

describe('restrict', () => {
  it('gives these rows of any source, whether or not it can be begun in the middle', async () => {
    await fc.assert(
      fc.asyncProperty(ranges, fc.boolean(), arbitrarySeed, async (chosen, asynchronous, seed) => {
        const rates = drawnMatrix(frames, 3, seed);
        const whole = transitions({ rates, alpha: 0.3 });
        const sources = [
          sourceOfTransitions(whole),
          sourceOfRecording({ rates, alpha: 0.3 }),
          streamTransitions({ rates: streamed(rates, asynchronous), alpha: 0.3 }),
        ];
        for (const source of sources) {
          const part = restrict(source, chosen);
          expect(await collect(part.predictors)).toEqual(rowsOf(whole.predictors, chosen));
          expect(await collect(part.targets)).toEqual(rowsOf(whole.targets, chosen));
          expect(part.targets.rows).toBe(chosen.reduce((sum, { from, to }) => sum + to - from, 0));
        }
      }),
    );
  });

  it('reads no more of a recording than it needs, and names the frames of the whole', async () => {
    const rates = drawnMatrix(frames, 2, 1);
    let read = 0;
    const counted = (all: Matrix): RowSource => {
      const source: RowSource = {
        rows: all.rows,
        columns: all.columns,
        blocks: async function* (length) {
          for await (const piece of rowSourceOf(all).blocks(length)) {
            read += piece.rows;
            yield piece;
          }
        },
      };
      return seekable(source, (row) => counted(rowRange(all, row, all.rows)));
    };
    const source = streamTransitions({ rates: counted(rates), alpha: 0.5 });
    const late = restrict(source, [
      { from: 20, to: 22 },
      { from: 30, to: 31 },
    ]);
    const pieces: Matrix[] = [];
    for await (const piece of late.targets.blocks(1)) pieces.push(piece);
    expect(pieces).toHaveLength(3);
    expect(read).toBe(5);
    rates.data[2 * 31] = Number.NaN;
    await expect(collect(late.targets)).rejects.toThrow(/frame 31, unit 0/);
  });
});

import type { FoundCycle } from '@drnn/attractors';
import type { Matrix } from '@drnn/tensor';
import * as Plot from '@observablehq/plot';
import { blue, grey, ink, vermillion } from './colours.js';

const MOST_CYCLES = 6;
const UNITS = 5;
/** The widest first; the others are told by their place in the order, and by line. */
const strokes = [
  { stroke: ink },
  { stroke: blue },
  { stroke: vermillion },
  { stroke: grey },
  { stroke: grey, strokeDasharray: '4,2' },
] as const;

/** Cycles that are no image of another one before: those that are drawn, and how many there are. */
export const drawnCycles = (
  cycles: readonly FoundCycle[],
): { readonly shown: readonly { readonly cycle: FoundCycle; readonly index: number }[]; readonly own: number } => {
  const own = cycles.flatMap((cycle, index) =>
    cycle.mirror === null || cycle.mirror >= index ? [{ cycle, index }] : [],
  );
  return { shown: own.slice(0, MOST_CYCLES), own: own.length };
};

/** The units of a cycle that are drawn, those of the largest amplitude, the widest first. */
export const widestOf = (amplitude: Float64Array): readonly number[] =>
  Array.from(amplitude.keys())
    .toSorted((i, j) => amplitude[j]! - amplitude[i]!)
    .slice(0, UNITS);

type Course = readonly { readonly x: number; readonly y: number }[];

/** Some units of what comes back after so many rows `[phase, unit]`, over the time of one turn, the end joined to the start. */
export const overOneTurn = (
  { columns, data }: Matrix,
  rows: number,
  turn: number,
  units: readonly number[],
): readonly Course[] =>
  units.map((unit) =>
    Array.from({ length: rows + 1 }, (_, p) => ({
      x: (p * turn) / rows,
      y: data[(p % rows) * columns + unit]!,
    })),
  );

/** Lines of units over one turn, the first on top. */
export const unitLines = (courses: readonly Course[]): readonly Plot.Markish[] =>
  courses
    .map((dots, order) =>
      Plot.line(dots, { x: 'x', y: 'y', strokeWidth: 1.3, ...(strokes[order] ?? { stroke: grey }) }),
    )
    .toReversed();

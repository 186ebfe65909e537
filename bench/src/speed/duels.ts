import type { Precision } from '@drnn/tensor';
import { pythonsOf } from './contest.js';
import { type Contestant, enter } from './contestant.js';
import { backendEntrant, type Entrant, numpyEntrant, whoOf } from './entrants.js';
import { type Measurement, measurementOf } from './measurement.js';
import { labelOf, type Operation } from './operations.js';
import type { Options } from './options.js';
import { type Pace, race } from './race.js';
import type { Shelf } from './shelf.js';
import { milliseconds, tableLines } from './table.js';

/** Two that are held against each other at some operations, the first one's time over the second one's. */
interface Pairing {
  readonly pair: readonly [Entrant, Entrant];
  readonly operations: readonly Operation[];
}

/** What came of a pairing at one operation. */
export interface Duel {
  readonly operation: Operation;
  readonly over: Measurement;
  readonly under: Measurement;
}

/** Turns of each: a few moments of the machine's neighbours change neither the middle nor the best of so many. */
const turns = 20;

const passOf = (units: number, quick: boolean): Operation & { readonly kind: 'pass' } => ({
  kind: 'pass',
  steps: quick ? 2000 : 10_000,
  units,
  value: false,
});

const pairingsIn = (precision: Precision, options: Options): readonly Pairing[] => {
  const { backends, threads, quick } = options;
  const most = Math.max(...threads);
  const [one, several] = [backendEntrant('wasm', precision, 1), backendEntrant('wasm', precision, most)];
  const scaling: readonly Pairing[] =
    backends.includes('wasm') && most > 1 && one !== null && several !== null
      ? [{ pair: [one, several], operations: (quick ? [100] : [500, 1000]).map((units) => passOf(units, quick)) }]
      : [];
  const plain = [false, true].map((value): Operation => ({ ...passOf(quick ? 100 : 1000, quick), value, plain: true }));
  const [python] = pythonsOf(options);
  const numpy = threads.flatMap((count): readonly Pairing[] => {
    const blas = backends.includes('blas') ? backendEntrant('blas', precision, count) : null;
    if (blas === null || python === undefined) return [];
    return [{ pair: [blas, numpyEntrant(python.command, python.name, precision, count)], operations: plain }];
  });
  return [...scaling, ...numpy];
};

/** Races pairs alone, in many turns; who could not, and why. */
export const measureDuels = async (
  options: Options,
  shelf: Shelf,
  pace: Pace,
  tell: (what: string) => void,
): Promise<{ readonly duels: readonly Duel[]; readonly notes: readonly string[] }> => {
  const duels: Duel[] = [];
  const notes: string[] = [];
  for (const { pair, operations } of options.precisions.flatMap((precision) => pairingsIn(precision, options))) {
    const contestants: Contestant[] = [];
    try {
      for (const entrant of pair) contestants.push(await enter(entrant));
      for (const operation of operations) {
        tell(`${pair.map(whoOf).join(' and ')}: ${operation.kind}`);
        const recording = 'steps' in operation ? await shelf.recordingOf(operation.units, operation.steps) : null;
        const many = { ...pace, rounds: options.quick ? pace.rounds : turns, enough: Infinity };
        const results = await race(operation, contestants, recording, many, new Map());
        const [over, under] = contestants.map((contestant) => {
          const result = results.find((each) => each.contestant === contestant);
          return result?.kind === 'times'
            ? measurementOf(contestant.entrant, operation, result.samples, result.note)
            : undefined;
        });
        if (over !== undefined && under !== undefined) duels.push({ operation, over, under });
        for (const result of results)
          if (result.kind === 'failed') notes.push(`${whoOf(result.contestant.entrant)}: ${result.reason}`);
      }
    } catch (error) {
      notes.push(`${pair.map(whoOf).join(' and ')}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await Promise.all(contestants.map((contestant) => contestant.close()));
    }
  }
  return { duels, notes };
};

export const duelLines = (duels: readonly Duel[], notes: readonly string[]): readonly string[] => {
  const times = ({ median, best }: Measurement): string => `${milliseconds(median)} (${milliseconds(best)})`;
  const rows = duels.map(({ operation, over, under }) => [
    `  ${over.name}, ${over.threads} thr, and ${under.name}, ${under.threads} thr: ${labelOf(operation, over.precision)}, ${over.precision}`,
    times(over),
    times(under),
    (over.median / under.median).toFixed(2),
    (over.best / under.best).toFixed(2),
  ]);
  if (rows.length + notes.length === 0)
    return ['in pairs: nobody, as that takes more than one thread of wasm, or blas and NumPy', ''];
  const most = Math.max(...duels.map(({ over }) => over.samples.length), 0);
  const header = [`in pairs, ${most} turns each`, 'first, ms (best)', 'second', 'ratio of medians', 'of the best'];
  return [...tableLines(header, rows), ...notes.map((note) => `  ${note}`), ''];
};

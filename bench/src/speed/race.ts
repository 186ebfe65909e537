import type { Contestant } from './contestant.js';
import { flopOf, type Operation } from './operations.js';
import type { Shelved } from './shelf.js';
import { pause } from './timing.js';

/** How long things may take, milliseconds. */
export interface Pace {
  /** Turns of each contestant; fewer for slow ones. */
  readonly rounds: number;
  /** A turn, at least one run. */
  readonly turn: number;
  /** Spent on each operation before times count. */
  readonly warm: number;
  /** Samples that add up to this are enough when there are three, and twice this when there are two. */
  readonly enough: number;
  /** What takes more a run is left out. */
  readonly longest: number;
}

/** What came of one contestant at one operation. */
export type Result = { readonly contestant: Contestant } & (
  | { readonly kind: 'times'; readonly samples: readonly number[]; readonly note: string | null }
  | { readonly kind: 'slow'; readonly seconds: number }
  | { readonly kind: 'failed'; readonly reason: string }
);

/** Threads of a library spin for a while after a product, before they sleep. */
const settling = 25;
/** The part by which a gradient may differ: float32 NumPy cancels. */
const tolerated = 0.01;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The largest rate at which each was seen to work, GFLOP/s: it tells what would take too long. */
export type Rates = Map<Contestant, number>;

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);

/**
 * Times one operation on all contestants, in turns: whatever else the machine does meets all alike. Whoever gives
 * another gradient than the recording's has failed.
 */
export const race = async (
  operation: Operation,
  contestants: readonly Contestant[],
  recording: Shelved | null,
  { rounds, turn, warm, enough, longest }: Pace,
  rates: Rates,
): Promise<readonly Result[]> => {
  const results: Result[] = [];
  const running: { readonly contestant: Contestant; readonly samples: number[]; readonly note: string | null }[] = [];
  const flop = operation.kind === 'gram' ? 0 : flopOf(operation);
  for (const contestant of contestants) {
    const expected = flop / (rates.get(contestant) ?? Infinity) / 1e6;
    if (expected > longest) {
      results.push({ kind: 'slow', contestant, seconds: expected / 1000 });
      continue;
    }
    try {
      const { gradientNorm, milliseconds, note } = await contestant.prepare(operation, recording?.file ?? null, warm);
      const wanted = recording?.gradientNorm ?? 0;
      if (gradientNorm !== null && !(Math.abs(gradientNorm / wanted - 1) <= tolerated)) {
        const reason = `a wrong gradient, of norm ${gradientNorm.toPrecision(6)} and not ${wanted.toPrecision(6)}`;
        results.push({ kind: 'failed', contestant, reason });
        await contestant.release();
      } else if (milliseconds > 2 * longest) {
        results.push({ kind: 'slow', contestant, seconds: milliseconds / 1000 });
        rates.set(contestant, Math.max(rates.get(contestant) ?? 0, flop / milliseconds / 1e6));
        await contestant.release();
      } else running.push({ contestant, samples: [], note });
    } catch (error) {
      results.push({ kind: 'failed', contestant, reason: messageOf(error) });
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, samples } of running) {
      const total = sum(samples);
      if ((samples.length >= 3 && total > enough) || (samples.length >= 2 && total > 2 * enough)) continue;
      await pause(settling);
      samples.push(...(await contestant.turn(turn)));
    }
  }
  for (const { contestant, samples, note } of running) {
    await contestant.release();
    if (flop > 0) rates.set(contestant, Math.max(rates.get(contestant) ?? 0, flop / Math.min(...samples) / 1e6));
    results.push({ kind: 'times', contestant, samples, note });
  }
  return results;
};

import { type Basin, basinShares, runEnds } from '@drnn/attractors';
import { randomStream, uniform } from '@drnn/simulator';
import { failure, type Matrix, matrix } from '@drnn/tensor';
import type { PointMatch } from './match-fixed-points.js';
import { expectSameUnits, inside, type Portrait, rootsOf } from './portrait.js';

export interface BasinAgreement {
  /** The part of the starts that end at points which are a pair; null where no run of the reference ended. */
  readonly agreement: number | null;
  /** What it would be if the two ends were independent: the sum of products of shares. */
  readonly chance: number | null;
  /** Runs of the reference that ended at a stable point; only these count. */
  readonly ended: number;
  readonly starts: number;
  /** The share of the starts from which each network comes to each of its own stable points. */
  readonly reference: readonly Basin[];
  readonly fit: readonly Basin[];
}

export interface BasinAgreementOptions {
  /** Starts, uniform in the cube of the reference. Default 1000. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Rates `[start, unit]` in their place, in the units of comparison. */
  readonly starts?: Matrix;
  /** Most steps of a run. Default 5000. */
  readonly limit?: number;
}

/**
 * Whether runs of the two networks from the same states end at the same places: both from every start, until each can no
 * longer leave the basin it is in. Cost 4 N^2 a step and start. Errors: other units; starts of other units.
 */
export const basinAgreement = (
  reference: Portrait,
  fit: Portrait,
  match: PointMatch,
  options: BasinAgreementOptions = {},
): BasinAgreement => {
  expectSameUnits(reference, fit);
  const n = reference.network.W.rows;
  if (options.starts !== undefined && options.starts.columns !== n) {
    throw failure({ path: 'starts', seen: `${options.starts.columns} units`, expected: `[start, unit=${n}]` });
  }
  const count = options.starts?.rows ?? options.seeds ?? 1000;
  const stream = randomStream(options.seed ?? 1, 'basin agreement');
  const own = matrix(count, n);
  const others = matrix(count, n);
  for (let k = 0; k < count; k++) {
    const generator = stream(k);
    const row = own.data.subarray(k * n, (k + 1) * n);
    if (options.starts === undefined) for (let i = 0; i < n; i++) row[i] = 2 * uniform(generator) - 1;
    else row.set(inside(reference, options.starts.data.slice(k * n, (k + 1) * n)));
    const scaled = row.map((value, i) => value * (reference.scale?.[i] ?? 1) + (reference.offset?.[i] ?? 0));
    others.data.set(inside(fit, scaled), k * n);
  }
  const run = ({ network, input, points }: Portrait, starts: Matrix): Int32Array =>
    runEnds(network, points, starts, {
      ...(input === undefined ? {} : { input }),
      ...(options.limit === undefined ? {} : { limit: options.limit }),
    });
  const from = run(reference, own);
  const to = run(fit, others);
  const partnerOf = new Map(match.pairs.map((pair) => [pair.reference, pair.fit]));
  const shares = new Map<number, { reference: number; fit: number }>();
  const share = (point: number): { reference: number; fit: number } => {
    const known = shares.get(point) ?? { reference: 0, fit: 0 };
    shares.set(point, known);
    return known;
  };
  let [ended, same] = [0, 0];
  for (let k = 0; k < count; k++) {
    if (from[k]! < 0) continue;
    ended += 1;
    const wanted = partnerOf.get(from[k]!);
    if (wanted === to[k]) same += 1;
    if (wanted !== undefined) share(wanted).reference += 1;
    if (to[k]! >= 0) share(to[k]!).fit += 1;
  }
  const chance = [...shares.values()].reduce((sum, both) => sum + both.reference * both.fit, 0);
  return {
    agreement: ended === 0 ? null : same / ended,
    chance: ended === 0 ? null : chance / (ended * ended),
    ended,
    starts: count,
    reference: basinShares(from, stableOf(reference)),
    fit: basinShares(to, stableOf(fit)),
  };
};

/** Stable points, also those that no run comes to. */
const stableOf = (portrait: Portrait): readonly number[] =>
  rootsOf(portrait).flatMap(({ index, point }) =>
    point.class === 'fixed' && point.linearisation.isMapStable ? [index] : [],
  );

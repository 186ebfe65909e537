import {
  binaryInterval,
  type Expression,
  evaluate,
  evaluateInterval,
  failure,
  type Interval,
  type Issue,
  pointInterval,
  refuse,
  variablesOf,
  wholeLine,
} from '@drnn/tensor';
import { rises, type Search } from './certify/branch-and-bound.js';
import { canonical } from './certify/canonical.js';
import { continuityOf } from './certify/continuity.js';
import { type Box } from './certify/difference-quotient.js';
import { describe, describeInterval } from './certify/describe.js';
import { boxStep, risesByStructure } from './certify/monotonicity.js';
import { meeting } from './certify/switches.js';
import { dataPoints, searchBox, searchWitness, switchPoints } from './certify/witness.js';

/** The range of every variable but z, which takes all real values. Ends may be infinite: `{ w: { low: 0, high: Infinity } }`. */
export interface Domain {
  readonly [variable: string]: Interval;
}

/** Two points that refute convexity; all values are of float64, and interval arithmetic excludes rounding as the cause. */
export interface Witness {
  readonly z1: number;
  readonly z2: number;
  /** The other variables, the same at both points. */
  readonly data: Readonly<Record<string, number>>;
  /** The slope at z1, greater than `slope2` at z2 although z1 < z2. */
  readonly slope1: number;
  readonly slope2: number;
  /**
   * Present when the value of the loss refutes it (a jump): three points a < b < c, z1 = a and z2 = c; `slope1` is the
   * slope of the chord from a to b and `slope2` of that from b to c.
   */
  readonly chord?: readonly [number, number, number];
}

export type Certificate =
  | {
      readonly verdict: 'convex';
      /** The steps of the proof, in words and formulas. */
      readonly proof: readonly string[];
    }
  | { readonly verdict: 'not-convex'; readonly witness: Witness }
  | {
      readonly verdict: 'undecided';
      /** Where the proof failed worst, and the lower bound of the slope's difference quotient (or jump) found there. */
      readonly box: Readonly<Record<string, Interval>>;
      /** May be -Infinity. */
      readonly bound: number;
      readonly reason: string;
    };

export interface CertifyOptions {
  readonly domain: Domain;
  /** The name of the current; default `z`. */
  readonly z?: string;
  /** Boxes for branch and bound; default 2000, at most about a second for a slope of 30 operations. */
  readonly maxBoxes?: number;
}

/**
 * Whether a loss with this slope is convex in z: `convex` only when the slope is proven nondecreasing over all real z
 * for every value of the other variables in the domain; `not-convex` only with a witness that holds beyond rounding;
 * else `undecided`. The proof treats the expression as one of real numbers, its constants as the exact float64 values.
 *
 * First by structure (sums, nonnegative multiples and compositions of nondecreasing functions), with switches compared
 * by their one-sided slopes; then a search for a witness; then interval branch and bound over z and the data.
 *
 * @throws DrnnError for a variable without a range, or an empty one.
 */
export const certifySlope = (slope: Expression, options: CertifyOptions): Certificate =>
  certifyCanonical(slope, prepare(slope, options));

/**
 * Whether a loss is convex in z: its derivative by `certifySlope`, and its value continuous, since a jump of the value
 * refutes convexity too. Branches of a `where` that meet to within the rounding of their own constants count as equal,
 * and the proof says so. A clipped loss is better certified by its declared slope.
 *
 * @throws DrnnError for a variable without a range, or an empty one.
 */
export const certifyLoss = (loss: Expression, options: CertifyOptions): Certificate => {
  const plan = prepare(loss, options);
  const { z, box, search } = plan;
  const value = search.store.of(loss);
  const slope = search.store.derivative(value, z);
  const certificate = certifyCanonical(slope, plan, loss);
  if (certificate.verdict === 'not-convex') return certificate;
  const continuity = continuityOf(value, z, box, search);
  if (certificate.verdict === 'convex' && continuity.continuous)
    return { verdict: 'convex', proof: [...certificate.proof, ...continuity.steps] };
  const witness = chordWitness(loss, z, plan.domain);
  if (witness !== undefined) return { verdict: 'not-convex', witness };
  if (certificate.verdict === 'undecided') return certificate;
  return continuity.continuous
    ? certificate
    : { verdict: 'undecided', box: continuity.box, bound: -Infinity, reason: continuity.reason };
};

interface Plan {
  readonly z: string;
  readonly domain: Box;
  readonly box: Box;
  readonly search: Search;
}

const prepare = (e: Expression, options: CertifyOptions): Plan => {
  const { domain, z = 'z', maxBoxes = 2000 } = options;
  const issues: Issue[] = [];
  const used: Record<string, Interval> = {};
  for (const name of variablesOf(e)) {
    if (name === z) continue;
    const range = Object.hasOwn(domain, name) ? domain[name] : undefined;
    if (range === undefined) {
      issues.push({
        path: `domain.${name}`,
        seen: `ranges for ${Object.keys(domain).join(', ') || 'nothing'}`,
        expected: `a range for every variable but ${z}`,
      });
    } else if (!(range.low <= range.high) || range.low === Infinity || range.high === -Infinity) {
      issues.push({ path: `domain.${name}`, seen: `[${range.low}, ${range.high}]`, expected: 'low <= high' });
    } else used[name] = { low: range.low, high: range.high };
  }
  if (!(Number.isInteger(maxBoxes) && maxBoxes > 0))
    issues.push({ path: 'maxBoxes', seen: `${maxBoxes}`, expected: 'a whole number > 0' });
  refuse(issues);
  const store = canonical();
  return {
    z,
    domain: used,
    box: { ...used, [z]: wholeLine },
    search: { store, meets: meeting(store), maxBoxes, maxClimbs: 48 },
  };
};

const certifyCanonical = (given: Expression, plan: Plan, loss?: Expression): Certificate => {
  const { z, box, domain, search } = plan;
  const slope = search.store.of(given);
  const within = (boxes: number, climbs: number): Search => ({
    ...search,
    maxBoxes: Math.min(search.maxBoxes, boxes),
    maxClimbs: climbs,
  });
  const ranges = Object.entries(box).map(([name, range]) => `${name} in ${describeInterval(range)}`);
  const proven = (steps: readonly string[]): Certificate => ({
    verdict: 'convex',
    proof: [`for ${ranges.join(', ')}, slope ${describe(slope)}`, ...steps],
  });

  const quick = risesByStructure(slope, z, box, within(40, 6));
  if (quick !== undefined) return proven(quick);
  // A witness is one of the expression as it was given, not of its rewriting.
  const witness = searchWitness(given, z, domain, { vectors: 24, loss });
  if (witness !== undefined) return { verdict: 'not-convex', witness };
  const slow = risesByStructure(slope, z, box, within(search.maxBoxes / 8, 24));
  if (slow !== undefined) return proven(slow);
  const outcome = rises(slope, z, box, search);
  if (outcome.proven) return proven([boxStep(slope, z, outcome)]);
  for (const open of outcome.open) {
    const found = searchBox(given, z, open.box, loss);
    if (found !== undefined) return { verdict: 'not-convex', witness: found };
  }
  const worst = outcome.open[0];
  if (worst === undefined) throw failure({ path: 'certify', seen: 'no open box', expected: 'one when not proven' });
  return { verdict: 'undecided', ...worst };
};

/** Three points over which the chords of a loss fall in slope, by interval arithmetic; finds jumps of the value. */
const chordWitness = (loss: Expression, z: string, domain: Box): Witness | undefined => {
  for (const data of dataPoints(domain, 16)) {
    const at = (value: number): number => evaluate(loss, { ...data, [z]: value });
    for (const b of switchPoints([loss], z, data)) {
      for (let size = 1; size > 1e-15; size /= 8) {
        const reach = size * (1 + Math.abs(b));
        const [a, c] = [b - reach, b + reach];
        const [fa, fb, fc] = [at(a), at(b), at(c)];
        const [slope1, slope2] = [(fb - fa) / (b - a), (fc - fb) / (c - b)];
        if (!(slope1 > slope2) || !Number.isFinite(slope1 - slope2)) continue;
        if (chordsFall(loss, z, data, a, b, c)) return { z1: a, z2: c, data, slope1, slope2, chord: [a, b, c] };
      }
    }
  }
  return undefined;
};

/** Whether f(b) lies above the chord from a to c for certain: (f(b) - f(a))(c - b) > (f(c) - f(b))(b - a). */
const chordsFall = (
  loss: Expression,
  z: string,
  data: Readonly<Record<string, number>>,
  a: number,
  b: number,
  c: number,
): boolean => {
  const point = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, pointInterval(value)]));
  const [fa, fb, fc] = [a, b, c].map((value) => evaluateInterval(loss, { ...point, [z]: pointInterval(value) }));
  if (fa === undefined || fb === undefined || fc === undefined || !(fa.defined && fb.defined && fc.defined))
    return false;
  const length = (from: number, to: number): Interval =>
    binaryInterval('subtract', pointInterval(to), pointInterval(from));
  const left = binaryInterval('multiply', binaryInterval('subtract', fb, fa), length(b, c));
  const right = binaryInterval('multiply', binaryInterval('subtract', fc, fb), length(a, b));
  return left.low > right.high;
};

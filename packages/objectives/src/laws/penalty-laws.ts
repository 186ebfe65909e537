import fc from 'fast-check';
import type { ScalarPenalty } from '../scalar-penalty.js';

/** How much to try. */
export interface PenaltyLawOptions {
  /** Random cases a law. Default 200. */
  readonly runs?: number;
  /** Repeats the cases of an earlier run. */
  readonly seed?: number;
  /** Weights are drawn from -size to size. Default 10. */
  readonly size?: number;
  /** Rounding allowed in values and in the prox, relative to the terms. Default 1e-9. */
  readonly accuracy?: number;
}

interface Case {
  readonly x: number;
  readonly y: number;
  /** A fraction, or a step. */
  readonly t: number;
}

interface PenaltyLaw {
  readonly name: string;
  /** What is wrong in a case, or null. */
  readonly broken: (of: ScalarPenalty, at: Case, accuracy: number) => string | null;
}

const laws: readonly PenaltyLaw[] = [
  {
    name: 'finite',
    broken: (of, { x, t }) => {
      const all = [of.value(x), of.slopeBelow(x), of.slopeAbove(x), of.prox(x, t)];
      return all.every(Number.isFinite) ? null : `value, slopes and prox at ${x} are ${all.join(', ')}`;
    },
  },
  {
    name: 'convex: below its chords',
    broken: (of, { x, y, t }, accuracy) => {
      const share = t / (1 + t);
      const [left, right] = [of.value(x), of.value(y)];
      const chord = (1 - share) * left + share * right;
      const between = of.value((1 - share) * x + share * y);
      const rounding = accuracy * (Math.abs(left) + Math.abs(right) + 1);
      return between <= chord + rounding ? null : `h is ${between} between ${x} and ${y}, its chord ${chord}`;
    },
  },
  {
    name: 'slopes are those of the value',
    broken: (of, { x, y }, accuracy) => {
      const [below, above] = [of.slopeBelow(x), of.slopeAbove(x)];
      if (!(below <= above)) return `the slope below ${x} is ${below}, above it ${above}`;
      const [here, there] = [of.value(x), of.value(y)];
      // Every slope between them is a subgradient; the nearer of them supports h at y.
      const support = here + (y > x ? above : below) * (y - x);
      const rounding = accuracy * (Math.abs(here) + Math.abs(there) + Math.abs(support) + 1);
      return there >= support - rounding ? null : `h(${y}) = ${there} lies below ${support}, its tangent at ${x}`;
    },
  },
  {
    name: 'slopes are one-sided limits',
    broken: (of, { x }, accuracy) => {
      const step = 1e-6 * (1 + Math.abs(x));
      const up = (of.value(x + step) - of.value(x)) / step;
      const down = (of.value(x) - of.value(x - step)) / step;
      const slack = (at: number): number =>
        accuracy * (1 + Math.abs(at)) + (4e-16 * (1 + Math.abs(of.value(x)))) / step;
      // A chord lies between the slopes at its ends.
      const [aboveHere, aboveThere] = [of.slopeAbove(x), of.slopeBelow(x + step)];
      const [belowThere, belowHere] = [of.slopeAbove(x - step), of.slopeBelow(x)];
      if (!(up >= aboveHere - slack(up) && up <= aboveThere + slack(up)))
        return `from ${x} up h has the chord ${up}, the slopes at its ends are ${aboveHere} and ${aboveThere}`;
      if (!(down >= belowThere - slack(down) && down <= belowHere + slack(down)))
        return `from ${x} down h has the chord ${down}, the slopes at its ends are ${belowThere} and ${belowHere}`;
      return null;
    },
  },
  {
    name: 'prox is optimal: (v - prox) / step is a subgradient',
    broken: (of, { x: v, t: step }, accuracy) => {
      const x = of.prox(v, step);
      const [least, most] = [of.slopeBelow(x), of.slopeAbove(x)];
      const slope = (v - x) / step;
      const rounding = accuracy * (1 + Math.abs(slope) + (Math.abs(v) + Math.abs(x)) / step);
      return slope >= least - rounding && slope <= most + rounding
        ? null
        : `prox(${v}, ${step}) = ${x}, where (v - x) / step = ${slope} and the slopes are ${least} to ${most}`;
    },
  },
  {
    name: 'prox is the minimum of (x - v)^2 / 2 + step h(x)',
    broken: (of, { x: v, y, t: step }, accuracy) => {
      const value = (x: number): number => (x - v) ** 2 / 2 + step * of.value(x);
      const x = of.prox(v, step);
      const [least, other] = [value(x), value(y)];
      return least <= other + accuracy * (1 + Math.abs(least) + Math.abs(other))
        ? null
        : `prox(${v}, ${step}) = ${x} has ${least}, but ${y} has ${other}`;
    },
  },
  {
    name: 'prox is firmly nonexpansive',
    broken: (of, { x, y, t }, accuracy) => {
      const difference = of.prox(x, t) - of.prox(y, t);
      const rounding = accuracy * (1 + Math.abs(x) + Math.abs(y)) ** 2;
      return difference ** 2 <= difference * (x - y) + rounding
        ? null
        : `prox(${x}) - prox(${y}) = ${difference} with step ${t}`;
    },
  },
  {
    name: 'prox of step 0 is the identity',
    broken: (of, { x }, accuracy) =>
      Math.abs(of.prox(x, 0) - x) <= accuracy * (1 + Math.abs(x)) ? null : `prox(${x}, 0) = ${of.prox(x, 0)}`,
  },
  {
    name: 'the Moreau envelope has the slope (v - prox) / step',
    broken: (of, { x: v, t: step }) => {
      const envelope = (at: number): number => {
        const p = of.prox(at, step);
        return (p - at) ** 2 / (2 * step) + of.value(p);
      };
      const h = 1e-4 * (1 + Math.abs(v));
      const slope = (envelope(v + h) - envelope(v - h)) / (2 * h);
      // The slope is 1/step-Lipschitz, so that its mean over 2 h is within h / step of it.
      const expected = (v - of.prox(v, step)) / step;
      const allowed = h / step + 1e-6 * (1 + Math.abs(expected)) + (1e-12 * (1 + envelope(v))) / h;
      return Math.abs(slope - expected) <= allowed
        ? null
        : `the envelope at ${v} with step ${step} has the slope ${slope}, not ${expected}`;
    },
  },
];

/**
 * Holds a penalty of one's own to all that solvers assume of it: h is finite and convex, its slopes are one-sided
 * derivatives, and `prox` is its proximal operator (so that it is nonexpansive, and its Moreau envelope has the slope
 * it must have; Moreau 1965). Throws the first failure with the law's name, what was seen, the case and the seed.
 */
export const assertPenalty = (of: ScalarPenalty, options: PenaltyLawOptions = {}): void => {
  const { runs = 200, seed, size = 10, accuracy = 1e-9 } = options;
  // 0 and whole numbers often, since kinks are there.
  const weight = fc.oneof(
    fc.double({ min: -size, max: size, noNaN: true }),
    fc.integer({ min: -3, max: 3 }),
    fc.constant(0),
  );
  const cases = fc.record({ x: weight, y: weight, t: fc.double({ min: 1e-3, max: 1e2, noNaN: true }) });
  for (const law of laws) {
    try {
      fc.assert(
        fc.property(cases, (at) => {
          const wrong = law.broken(of, at, accuracy);
          if (wrong !== null) throw new Error(wrong);
        }),
        { numRuns: runs, ...(seed === undefined ? {} : { seed }) },
      );
    } catch (error) {
      throw new Error(`law ${law.name} of ${of.name}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
};

import { evaluate } from '@drnn/tensor';
import fc from 'fast-check';
import { certify, type Objective } from '../objective.js';

/** How much to try. */
export interface ObjectiveLawOptions {
  /** Random cases a law. Default 200. */
  readonly runs?: number;
  /** Repeats the cases of an earlier run. */
  readonly seed?: number;
  /** Currents, and targets where the domain has no end, are drawn from -size to size. Default 5. */
  readonly size?: number;
  /** Rounding allowed, relative to the terms. Default 1e-9. */
  readonly accuracy?: number;
}

interface Case {
  readonly a: number;
  readonly b: number;
  readonly d: number;
  readonly w: number;
}

interface ObjectiveLaw {
  readonly name: string;
  /** What is wrong in a case, or null. */
  readonly broken: (of: Objective, at: Case, accuracy: number) => string | null;
}

const ordered = ({ a, b }: Case): readonly [number, number] => [Math.min(a, b), Math.max(a, b)];

const laws: readonly ObjectiveLaw[] = [
  {
    name: 'loss, slope and curvature are finite',
    broken: (of, { a: z, d, w }) => {
      const all = [of.loss, of.slope, of.curvature].map((e) => evaluate(e, { z, d, w }));
      return all.every(Number.isFinite) ? null : `they are ${all.join(', ')}`;
    },
  },
  {
    name: 'the slope never falls',
    broken: (of, at, accuracy) => {
      const [low, high] = ordered(at);
      const [first, last] = [low, high].map((z) => evaluate(of.slope, { ...at, z }));
      if (first === undefined || last === undefined) return null;
      return last >= first - accuracy * (1 + Math.abs(first))
        ? null
        : `from ${first} at z = ${low} to ${last} at ${high}`;
    },
  },
  {
    name: 'the loss rises by its slopes',
    broken: (of, at, accuracy) => {
      const [low, high] = ordered(at);
      const value = (z: number): number => evaluate(of.loss, { ...at, z });
      const slope = (z: number): number => evaluate(of.slope, { ...at, z });
      const rise = value(high) - value(low);
      const [least, most] = [slope(low) * (high - low), slope(high) * (high - low)];
      const rounding = accuracy * (1 + Math.abs(value(high)) + Math.abs(value(low)) + Math.abs(least) + Math.abs(most));
      return rise >= least - rounding && rise <= most + rounding
        ? null
        : `by ${rise} from z = ${low} to ${high}, outside [${least}, ${most}]`;
    },
  },
  {
    name: 'the curvature is at least 0, and at most w times slopeBound',
    broken: (of, at, accuracy) => {
      const [low, high] = ordered(at);
      const curvature = evaluate(of.curvature, { ...at, z: low });
      if (!(curvature >= -accuracy)) return `it is ${curvature} at z = ${low}`;
      if (of.slopeBound === null) return null;
      const bound = of.slopeBound * at.w;
      if (!(curvature <= bound * (1 + accuracy) + accuracy)) return `it is ${curvature} at z = ${low}, above ${bound}`;
      const [first, last] = [low, high].map((z) => evaluate(of.slope, { ...at, z }));
      if (first === undefined || last === undefined) return null;
      const rounding = accuracy * (1 + Math.abs(first) + Math.abs(last));
      return last - first <= bound * (high - low) + rounding
        ? null
        : `the slope rises by ${last - first} from z = ${low} to ${high}: faster than ${bound}`;
    },
  },
  {
    name: 'the inverse leads back to the target',
    broken: ({ transfer, inverse }, { d }, accuracy) => {
      if (transfer === null || inverse === null) return null;
      // Near the ends of the range digits are lost for good.
      const y = evaluate(inverse, { d });
      if (!Number.isFinite(y)) return null;
      const back = evaluate(transfer.transfer(y), {});
      return Math.abs(back - d) <= accuracy * (1 + Math.abs(d)) ? null : `${d} comes back as ${back}`;
    },
  },
  {
    name: 'the slope from the inverted target is the slope',
    broken: ({ slopeFromInverse, inverse, slope }, { a: z, d, w }, accuracy) => {
      if (slopeFromInverse === null || inverse === null) return null;
      const y = evaluate(inverse, { d });
      if (!Number.isFinite(y)) return null;
      const [stable, plain] = [evaluate(slopeFromInverse, { z, y, w }), evaluate(slope, { z, d, w })];
      return Math.abs(stable - plain) <= accuracy * (1 + w) * (1 + Math.abs(plain))
        ? null
        : `${stable} and not ${plain}`;
    },
  },
];

/**
 * Holds an objective to all that solvers assume of it: the certificate proves it convex; slope, curvature, bound and
 * inverse are those of its loss, on numbers drawn from its domain. Throws the first failure with the law's name, what
 * was seen, the case and the seed.
 */
export const assertObjective = (of: Objective, options: ObjectiveLawOptions = {}): void => {
  const { runs = 200, seed, size = 5, accuracy = 1e-9 } = options;
  const certificate = certify(of);
  if (certificate.verdict !== 'convex') {
    throw new Error(`law certified convex of ${of.name}: the verdict is ${certificate.verdict}`);
  }
  const within = (low: number, high: number, most: number): fc.Arbitrary<number> => {
    const [least, largest] = [Math.max(low, -most), Math.min(high, most)];
    const margin = 0.01 * (largest - least);
    return fc.double({
      min: Number.isFinite(low) ? least + margin : least,
      max: Number.isFinite(high) ? largest - margin : largest,
      noNaN: true,
    });
  };
  const { d, w } = of.domain;
  const current = fc.double({ min: -size, max: size, noNaN: true });
  const cases = fc.record({
    a: current,
    b: current,
    d: within(d?.low ?? -Infinity, d?.high ?? Infinity, size),
    w: within(Math.max(0, w?.low ?? 0), w?.high ?? Infinity, 20),
  });
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

import type { PcgProgress } from '@drnn/solvers';

/** Gains that the rate of decay is taken over. */
const span = 3;
/** A decay slower than this is not seen in so few products. */
const slowest = 0.95;

/**
 * What conjugate gradients still lack, from how their gains decay: with the decrement growing by gain_k at product k and
 * rho = (gain_k / gain_(k-3))^(1/3), the sum of what is to come is about gain_k rho / (1 - rho). Sharper than the bound
 * k gain_k (`PcgProgress.remaining`), which is used until there are gains enough; an estimate, not a bound.
 */
export const expectedRemainder = (units: number) => {
  const decrements: Float64Array[] = [];
  let latest: Float64Array = new Float64Array(units).fill(Infinity);
  return {
    after: ({ decrement, remaining }: PcgProgress): Float64Array => {
      decrements.push(decrement.slice());
      const [now, before, first, zeroth] = [1, 2, span + 1, span + 2].map((back) => decrements.at(-back));
      if (now === undefined || before === undefined || first === undefined) latest = remaining.slice();
      else
        latest = remaining.map((bound, j) => {
          const gain = now[j]! - before[j]!;
          const rate = Math.cbrt(gain / (first[j]! - (zeroth?.[j] ?? 0)));
          // A unit that has ended keeps what was expected of it then.
          if (gain === 0) return latest[j]!;
          return gain > 0 ? Math.min(bound, (gain * Math.min(rate, slowest)) / (1 - Math.min(rate, slowest))) : bound;
        });
      return latest;
    },
    latest: () => latest,
  };
};

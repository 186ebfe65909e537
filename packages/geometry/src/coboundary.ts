import { type OrderedSet, orderedSet } from './ordered-set.js';

/** Simplices of one dimension in the order of the filtration, each with what it is a face of. */
export interface Simplices {
  readonly count: number;
  /** Vertices. A coface is `latest face x vertices + the vertex opposite`, so that cofaces are ordered as they appear. */
  readonly vertices: number;
  /** Of each simplex: merged or cleared, it starts no class. */
  readonly isSkipped: Uint8Array;
  /** The first vertex with which a simplex has a coface of its own diameter, of which it is the latest face; -1 without. */
  readonly apparent: Int32Array;
  /** Visits every coface of a simplex with its sign, +1 or -1. */
  readonly cofaces: (simplex: number, visit: (coface: number, sign: number) => void) => void;
}

/** A class: born with a simplex, dead with a coface; or with none, which is -1. */
export interface Pair {
  readonly simplex: number;
  readonly coface: number;
  /** The cochain that represents it: simplices, and what each is multiplied by. */
  readonly chain: readonly (readonly [simplex: number, coefficient: number])[];
}

/** a^-1 modulo a prime. */
const inverseOf = (a: number, prime: number): number => {
  let result = 1;
  for (let k = 0; k < prime - 2; k++) result = (result * a) % prime;
  return result;
};

/**
 * The pairs of simplices and cofaces that are more than apparent, over Z/p, by reducing the coboundary matrix from the
 * latest column on. Apparent pairs are columns that need no reduction and are not stored. Source: Bauer 2021; de Silva et
 * al. 2011.
 */
export const reduceCoboundary = (simplices: Simplices, prime = 2): readonly Pair[] => {
  const { count, vertices, isSkipped, apparent, cofaces } = simplices;
  const entries: OrderedSet = orderedSet(count * vertices);
  const values = prime === 2 ? null : new Uint8Array(count * vertices);
  const stored = new Map<number, { readonly chain: Pair['chain']; readonly lead: number }>();
  let factor = 1;
  const add = (coface: number, sign: number): void => {
    if (values === null) return entries.toggle(coface);
    const before = values[coface]!;
    const after = (before + (sign > 0 ? factor : prime - factor)) % prime;
    values[coface] = after;
    if ((before === 0) !== (after === 0)) entries.toggle(coface);
  };
  const clear = (): void => {
    if (values === null) return entries.clear();
    for (let at = entries.first(); at >= 0; at = entries.first()) {
      values[at] = 0;
      entries.toggle(at);
    }
  };
  let sign = 0;
  const signAt = (simplex: number, coface: number): number => {
    cofaces(simplex, (other, its) => {
      if (other === coface) sign = its;
    });
    return sign;
  };
  const pairs: Pair[] = [];
  for (let simplex = count - 1; simplex >= 0; simplex--) {
    if (isSkipped[simplex] === 1 || apparent[simplex]! >= 0) continue;
    const chain = new Map<number, number>([[simplex, 1]]);
    factor = 1;
    cofaces(simplex, add);
    for (;;) {
      const pivot = entries.first();
      const known = stored.get(pivot);
      const latest = Math.floor(pivot / vertices);
      const isApparent = pivot >= 0 && known === undefined && apparent[latest] === pivot % vertices;
      if (pivot < 0 || (known === undefined && !isApparent)) {
        const found = [...chain];
        if (pivot >= 0) stored.set(pivot, { chain: found, lead: values === null ? 1 : values[pivot]! });
        pairs.push({ simplex, coface: pivot, chain: found });
        break;
      }
      const others = known?.chain ?? [[latest, 1] as const];
      const lead = values === null ? 1 : (known?.lead ?? (signAt(latest, pivot) > 0 ? 1 : prime - 1));
      const weight = values === null ? 1 : ((prime - values[pivot]!) * inverseOf(lead, prime)) % prime;
      for (const [other, coefficient] of others) {
        factor = (coefficient * weight) % prime;
        cofaces(other, add);
        const sum = ((chain.get(other) ?? 0) + factor) % prime;
        if (sum === 0) chain.delete(other);
        else chain.set(other, sum);
      }
    }
    clear();
  }
  return pairs;
};

import { type Certificate, certify } from './certificate.js';
import { distance } from './distance.js';
import type { Equations } from './equations.js';
import type { NewtonSpace } from './newton.js';

/** A root that is proven to exist, in the unknowns of the search. */
export interface FoundRoot {
  readonly x: Float64Array;
  readonly certificate: Certificate;
  /** How many starts ended here. */
  hits: number;
  /** The index of the root -x of an odd network, its own for the origin, -1 otherwise. */
  readonly mirror: number;
}

export interface FoundRoots {
  readonly roots: readonly FoundRoot[];
  /** The index of the root that Newton's method from x is proven to lead to, or -1. */
  attraction(x: Float64Array): number;
  /**
   * Takes a converged state: the index of its root, new or not, or -1 where it has no certificate. Two states are of one
   * root where one lies so near the other that its root is within the other's unique radius; where that is not so, they
   * are of two roots, unless their radii overlap and nothing is proven, when the second is not taken. In an odd network
   * the mirror image comes with it.
   */
  take(x: Float64Array): number;
}

export const foundRoots = (equations: Equations, space: NewtonSpace, isOdd: boolean): FoundRoots => {
  const roots: FoundRoot[] = [];
  const attraction = (x: Float64Array): number => {
    for (let k = 0; k < roots.length; k++) {
      const root = roots[k]!;
      const limit = root.certificate.attraction ** 2;
      const y = root.x;
      let sum = 0;
      for (let i = 0; i < x.length && sum < limit; i++) sum += (x[i]! - y[i]!) ** 2;
      if (sum < limit) return k;
    }
    return -1;
  };
  const indexOf = (x: Float64Array, { radius, uniqueRadius }: Certificate): number =>
    roots.findIndex(({ x: y, certificate }) => {
      const d = distance(x, y, 1);
      const isSame = d + radius < certificate.uniqueRadius || d + certificate.radius < uniqueRadius;
      return isSame || d <= radius + certificate.radius;
    });
  return {
    roots,
    attraction,
    take: (x) => {
      const certificate = certify(equations, x, space);
      if (!(certificate.h <= 0.5)) return -1;
      const known = indexOf(x, certificate);
      if (known >= 0) {
        roots[known]!.hits += 1;
        return known;
      }
      const index = roots.length;
      if (!isOdd) {
        roots.push({ x: x.slice(), certificate, hits: 1, mirror: -1 });
        return index;
      }
      // -x is a root as well; it is the same one where both lie within one unique radius, and then it is the origin.
      const own = distance(x, x, -1);
      if (own <= certificate.uniqueRadius || own <= 2 * certificate.radius) {
        const origin = new Float64Array(x.length);
        roots.push({ x: origin, certificate: certify(equations, origin, space), hits: 1, mirror: index });
        return index;
      }
      roots.push({ x: x.slice(), certificate, hits: 1, mirror: index + 1 });
      roots.push({ x: x.map((value) => 0 - value), certificate, hits: 0, mirror: index });
      return index;
    },
  };
};

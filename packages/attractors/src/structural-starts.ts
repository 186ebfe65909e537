import type { FoundRoot, FoundRoots } from './found-roots.js';

/**
 * Midpoints of every two roots, those of two with index sign 1 first, as stable points are, in the order in which they
 * were found; false when there are none left for now. The pair of two mirror images leads to the mirror image of where the
 * pair leads, so that one of the two is enough.
 */
export const structuralStarts = ({ roots }: FoundRoots, n: number): ((x: Float64Array) => boolean) => {
  const midpoints = (isWanted: (a: FoundRoot, b: FoundRoot) => boolean): ((x: Float64Array) => boolean) => {
    let later = 1;
    let earlier = -1;
    return (x) => {
      for (;;) {
        earlier += 1;
        const b = roots[later];
        if (b === undefined) {
          earlier -= 1;
          return false;
        }
        const a = roots[earlier];
        const isImage = b.mirror >= 0 && b.mirror < later;
        if (isImage || earlier >= later || a === undefined) {
          later += 1;
          earlier = -1;
          continue;
        }
        if (!isWanted(a, b)) continue;
        for (let i = 0; i < n; i++) x[i] = (a.x[i]! + b.x[i]!) / 2;
        return true;
      }
    };
  };
  const isBetweenStable = (a: FoundRoot, b: FoundRoot): boolean =>
    a.certificate.indexSign === 1 && b.certificate.indexSign === 1;
  const first = midpoints(isBetweenStable);
  const second = midpoints((a, b) => !isBetweenStable(a, b));
  return (x) => first(x) || second(x);
};

import { distance } from './distance.js';

/** Degenerate roots that hang together: one at a bifurcation, or a piece of a continuum. */
export interface DegenerateRoot {
  /** The state with the smallest residual. */
  readonly x: Float64Array;
  readonly residual: number;
  readonly hits: number;
  /** The largest distance between two states of it that were found. */
  readonly extent: number;
}

interface Cluster {
  members: Float64Array[];
  x: Float64Array;
  residual: number;
  hits: number;
}

export interface DegenerateRoots {
  /** Takes a state with its residual |G|; true when it hangs together with none before it. */
  take(x: Float64Array, residual: number): boolean;
  count(): number;
  roots(): readonly DegenerateRoot[];
}

/** States kept of a cluster: enough to see how far it reaches. */
const KEPT = 64;
/** Clusters whose nearest member is tried. */
const TRIED = 8;

/**
 * Gathers degenerate roots. At such a root Newton's method ends anywhere nearby, so that distance alone tells nothing:
 * two states hang together when `project`, the descent from the middle between them, ends at a degenerate root that is
 * no farther from the middle than a quarter of their distance. That holds for two estimates of one root and for
 * neighbours on a curve of them, and not for two roots apart.
 */
export const degenerateRoots = (
  near: number,
  project: (middle: Float64Array) => Float64Array | null,
): DegenerateRoots => {
  let clusters: Cluster[] = [];
  const nearest = (cluster: Cluster, x: Float64Array): readonly [Float64Array, number] => {
    let best = cluster.members[0] ?? x;
    let least = Infinity;
    for (const member of cluster.members) {
      const d = distance(member, x);
      if (d < least) [best, least] = [member, d];
    }
    return [best, least];
  };
  const hangsTogether = (x: Float64Array, y: Float64Array, d: number): boolean => {
    if (d <= near) return true;
    const middle = x.map((value, i) => (value + y[i]!) / 2);
    const end = project(middle);
    return end !== null && distance(end, middle) <= d / 4;
  };
  return {
    take: (x, residual) => {
      const ranked = clusters
        .map((cluster) => ({ cluster, to: nearest(cluster, x) }))
        .sort((a, b) => a.to[1] - b.to[1])
        .slice(0, TRIED);
      const joined = ranked.filter(({ to: [member, d] }) => hangsTogether(x, member, d)).map(({ cluster }) => cluster);
      const merged: Cluster = { members: [x.slice()], x: x.slice(), residual, hits: 1 };
      for (const cluster of joined) {
        merged.hits += cluster.hits;
        merged.members.push(...cluster.members);
        if (cluster.residual <= merged.residual) [merged.x, merged.residual] = [cluster.x, cluster.residual];
      }
      merged.members = merged.members.slice(-KEPT);
      clusters = [...clusters.filter((cluster) => !joined.includes(cluster)), merged];
      return joined.length === 0;
    },
    count: () => clusters.length,
    roots: () =>
      clusters.map(({ x, residual, hits, members }) => {
        let extent = 0;
        for (const a of members) for (const b of members) extent = Math.max(extent, distance(a, b));
        return { x, residual, hits, extent };
      }),
  };
};

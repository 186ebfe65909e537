import type { Transitions } from '@drnn/simulator';
import type { Issue } from '@drnn/tensor';

/** A unit of which no two successive frames are observed has no target at all. */
export const unobservedUnits = (
  { targets, weights, units }: Transitions,
  names: readonly string[],
): readonly Issue[] => {
  if (weights === null) return [];
  const seen = new Uint8Array(units);
  weights.data.forEach((w, i) => {
    if (w > 0) seen[i % units] = 1;
  });
  return Array.from(seen).flatMap((any, j) =>
    any === 1
      ? []
      : [
          {
            path: names[j] ?? `unit ${j}`,
            seen: `no two successive observed frames in ${targets.rows} training transitions`,
            expected: 'a unit with targets to be fitted to',
            hint: 'leave the unit out',
          },
        ],
  );
};

import { type Issue, type Matrix, refuse } from '@drnn/tensor';

/**
 * Coordinates fixed at zero. `zeroDiagonal` forbids self-connections; `connections` [unit, unit + input], row =
 * target, holds 1 where a weight may be nonzero and 0 where it may not. Both together mean "and". The bias is free.
 */
export interface Constraints {
  /** Default true. */
  readonly zeroDiagonal?: boolean;
  readonly connections?: Matrix;
}

export const constraintIssues = ({ connections }: Constraints): readonly Issue[] => {
  if (connections === undefined) return [];
  const at = connections.data.findIndex((value) => value !== 0 && value !== 1);
  return at < 0
    ? []
    : [{ path: 'connections', seen: `${connections.data[at]} at entry ${at}`, expected: '1 (free) or 0 (zero)' }];
};

/**
 * Which coordinates are free. `everything`, or only the diagonal missing (which has a closed form in any metric), or a
 * set of predictor indices for each unit.
 */
export type FreePattern =
  | { readonly kind: 'all' }
  | { readonly kind: 'zero-diagonal' }
  | { readonly kind: 'sets'; readonly sets: readonly Int32Array[] };

/** The free coordinates of a problem of `units` units, `inputs` inputs and, if `bias`, a last predictor that is 1. */
export const freePattern = (constraints: Constraints, units: number, inputs: number, bias: boolean): FreePattern => {
  const zeroDiagonal = constraints.zeroDiagonal ?? true;
  const { connections } = constraints;
  if (connections === undefined) return { kind: zeroDiagonal ? 'zero-diagonal' : 'all' };
  const predictors = units + inputs;
  if (connections.rows !== units || connections.columns !== predictors) {
    const transposed = connections.rows === predictors && connections.columns === units;
    refuse([
      {
        path: 'connections',
        seen: `[${connections.rows}, ${connections.columns}]`,
        expected: `[unit=${units}, unit + input=${predictors}], row = target`,
        ...(transposed ? { hint: 'it looks transposed: rows are targets, columns are sources' } : {}),
      },
    ]);
  }
  const sets = Array.from({ length: units }, (_, unit) => {
    const free: number[] = [];
    for (let p = 0; p < predictors; p++) {
      if (connections.data[unit * predictors + p] === 1 && !(zeroDiagonal && p === unit)) free.push(p);
    }
    if (bias) free.push(predictors);
    return Int32Array.from(free);
  });
  return { kind: 'sets', sets };
};

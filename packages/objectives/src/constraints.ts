import { type Issue, type Matrix, refuse } from '@drnn/tensor';

/** Bounds on the weights: a number for all of W and Win, or one for each, [unit, unit + input], row = target. */
export interface Box {
  /** Default -Infinity. */
  readonly low?: number | Matrix;
  /** Default Infinity. */
  readonly high?: number | Matrix;
}

/**
 * Where weights may lie. `zeroDiagonal` forbids self-connections; `connections` [unit, unit + input], row = target,
 * holds 1 where a weight may be nonzero and 0 where it may not; `signs` is Dale's law: the weights that leave a unit
 * are all of its sign; `box` bounds each weight. All together mean "and". The bias is free. Every one of them is a
 * convex set, so that the fit stays convex.
 */
export interface Constraints {
  /** Default true. */
  readonly zeroDiagonal?: boolean;
  readonly connections?: Matrix;
  /**
   * The sign of each source unit, [unit]: 1 excitatory, -1 inhibitory, 0 unknown and so free. `auto` has them chosen
   * from the data: see `chooseSigns` of `@drnn/solvers`; a problem itself takes only chosen ones.
   */
  readonly signs?: ArrayLike<number> | 'auto';
  readonly box?: Box;
}

export const constraintIssues = ({ connections, signs, box }: Constraints): readonly Issue[] => {
  const issues: Issue[] = [];
  const at = connections?.data.findIndex((value) => value !== 0 && value !== 1) ?? -1;
  if (at >= 0) {
    issues.push({
      path: 'connections',
      seen: `${connections?.data[at]} at entry ${at}`,
      expected: '1 (free) or 0 (zero)',
    });
  }
  if (signs !== undefined && signs !== 'auto') {
    const wrong = Array.from(signs).findIndex((sign) => sign !== 1 && sign !== -1 && sign !== 0);
    if (wrong >= 0) {
      issues.push({
        path: 'signs',
        seen: `${signs[wrong]} at unit ${wrong}`,
        expected: '1 (excitatory), -1 (inhibitory) or 0 (unknown)',
      });
    }
  }
  for (const [name, bound] of Object.entries(box ?? {})) {
    const values = typeof bound === 'number' ? [bound] : bound.data;
    if (values.some(Number.isNaN)) issues.push({ path: `box.${name}`, seen: 'NaN', expected: 'numbers' });
  }
  if (typeof box?.low === 'number' && typeof box.high === 'number' && box.low > box.high) {
    issues.push({ path: 'box', seen: `[${box.low}, ${box.high}]`, expected: 'low <= high' });
  }
  return issues;
};

/**
 * Which coordinates are free: all; all but one predictor of each unit, as where the diagonal is zero (which has a closed
 * form in any metric); or a set of predictor indices for each unit.
 */
export type FreePattern =
  | { readonly kind: 'all' }
  | { readonly kind: 'one-fixed'; readonly fixed: Int32Array }
  | { readonly kind: 'sets'; readonly sets: readonly Int32Array[] };

/** W_jj = 0: predictor j of unit j. */
export const zeroDiagonalPattern = (units: number): FreePattern => ({
  kind: 'one-fixed',
  fixed: Int32Array.from({ length: units }, (_, j) => j),
});

/** The free coordinates of a problem of `units` units, `inputs` inputs and, if `bias`, a last predictor that is 1. */
export const freePattern = (constraints: Constraints, units: number, inputs: number, bias: boolean): FreePattern => {
  const zeroDiagonal = constraints.zeroDiagonal ?? true;
  const { connections } = constraints;
  if (connections === undefined) return zeroDiagonal ? zeroDiagonalPattern(units) : { kind: 'all' };
  const predictors = units + inputs;
  refuse(weightShapeIssues('connections', connections, units, inputs));
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

/** What is wrong with the shape of a matrix that has a number for each weight of W and Win. */
export const weightShapeIssues = (path: string, of: Matrix, units: number, inputs: number): readonly Issue[] => {
  const predictors = units + inputs;
  if (of.rows === units && of.columns === predictors) return [];
  const transposed = of.rows === predictors && of.columns === units;
  return [
    {
      path,
      seen: `[${of.rows}, ${of.columns}]`,
      expected: `[unit=${units}, unit + input=${predictors}], row = target`,
      ...(transposed ? { hint: 'it looks transposed: rows are targets, columns are sources' } : {}),
    },
  ];
};

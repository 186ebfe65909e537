import { subspaceAngles } from '@drnn/geometry';
import { product, svd } from '@drnn/linalg';
import { type Matrix, matrix, refuse } from '@drnn/tensor';

/** How two lists of weights agree; null where one of them does not vary or there are none. */
export interface WeightCorrelation {
  readonly pearson: number | null;
  readonly spearman: number | null;
  /** x'y / (|x| |y|), which knows where 0 is. */
  readonly cosine: number | null;
  /** Of the fit on the reference, through the means: below 1 the fit is shrunk. */
  readonly slope: number | null;
  readonly count: number;
}

export interface WeightAgreement {
  readonly all: WeightCorrelation;
  readonly diagonal: WeightCorrelation;
  readonly offDiagonal: WeightCorrelation;
  /** Of W P, P the projector on the span of the activity: what activity can tell of W. Null without activity. */
  readonly inSupport: WeightCorrelation | null;
  /** Dimensions of that span. */
  readonly supportDimension: number | null;
  /** Principal angles, radians, of the spans of the leading left and right singular vectors. */
  readonly leftAngles: Float64Array;
  readonly rightAngles: Float64Array;
}

export interface WeightAgreementOptions {
  /** Activity `[time, unit]` on the scale that W acts on. */
  readonly activity?: Matrix;
  /** How much of the activity's second moment its span holds. Default 0.999. */
  readonly variance?: number;
  /** Singular vectors. Default the smaller of 3 and the number of units. */
  readonly singular?: number;
}

/** Ranks from 0, equal values sharing their mean. */
const ranks = (values: Float64Array): Float64Array => {
  const order = Array.from(values, (_, k) => k).toSorted((a, b) => values[a]! - values[b]!);
  const result = new Float64Array(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let k = from; k < to; k++) result[order[k]!] = (from + to - 1) / 2;
  }
  return result;
};

const correlationOf = (x: Float64Array, y: Float64Array): WeightCorrelation => {
  const moments = (
    a: Float64Array,
    b: Float64Array,
  ): { readonly xx: number; readonly yy: number; readonly xy: number } => {
    let [xx, yy, xy] = [0, 0, 0];
    for (let k = 0; k < a.length; k++) {
      xx += a[k]! * a[k]!;
      yy += b[k]! * b[k]!;
      xy += a[k]! * b[k]!;
    }
    return { xx, yy, xy };
  };
  const centred = (a: Float64Array): Float64Array => {
    const mean = a.reduce((sum, value) => sum + value, 0) / Math.max(1, a.length);
    return a.map((value) => value - mean);
  };
  const ratio = ({ xx, yy, xy }: ReturnType<typeof moments>): number | null =>
    xx > 0 && yy > 0 ? Math.min(1, Math.max(-1, xy / Math.sqrt(xx) / Math.sqrt(yy))) : null;
  const about = moments(centred(x), centred(y));
  return {
    pearson: ratio(about),
    spearman: ratio(moments(centred(ranks(x)), centred(ranks(y)))),
    cosine: ratio(moments(x, y)),
    slope: about.xx > 0 ? about.xy / about.xx : null,
    count: x.length,
  };
};

/** An orthonormal basis `[unit, k]` of the span of the activity. */
const spanOf = (activity: Matrix, variance: number): Matrix => {
  const { values, right } = svd(product(activity, activity, { transposeA: true }));
  const total = values.reduce((sum, value) => sum + value, 0);
  let kept = 0;
  for (let held = 0; kept < values.length && held < variance * total; kept++) held += values[kept]!;
  const basis = matrix(activity.columns, kept);
  for (let i = 0; i < activity.columns; i++) {
    for (let k = 0; k < kept; k++) basis.data[i * kept + k] = right.data[i * right.columns + k]!;
  }
  return basis;
};

/**
 * How the weights of a fit agree with those of the reference, on and off the diagonal, and in the directions that activity
 * has seen: W r is all that a recording tells of W, so that directions without activity cannot agree but by chance. Cost
 * T N^2 + 30 N^3. Errors: shapes.
 */
export const weightAgreement = (
  reference: Matrix,
  fit: Matrix,
  options: WeightAgreementOptions = {},
): WeightAgreement => {
  const n = reference.rows;
  const { activity } = options;
  refuse([
    ...(reference.columns === n
      ? []
      : [{ path: 'reference', seen: `[${n}, ${reference.columns}]`, expected: 'square' }]),
    ...(fit.rows === n && fit.columns === n
      ? []
      : [{ path: 'fit', seen: `[${fit.rows}, ${fit.columns}]`, expected: `[${n}, ${n}], as the reference` }]),
    ...(activity === undefined || activity.columns === n
      ? []
      : [{ path: 'activity', seen: `${activity.columns} units`, expected: `[time, unit=${n}]` }]),
  ]);
  const pick = (a: Matrix, isOnDiagonal: boolean): Float64Array =>
    a.data.filter((_, k) => (Math.floor(k / n) === k % n) === isOnDiagonal);
  const singular = Math.min(n, options.singular ?? 3);
  const [a, b] = [svd(reference), svd(fit)];
  const leading = (vectors: Matrix): Matrix => {
    const first = matrix(n, singular);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < singular; k++) first.data[i * singular + k] = vectors.data[i * vectors.columns + k]!;
    }
    return first;
  };
  const span = activity === undefined ? null : spanOf(activity, options.variance ?? 0.999);
  // W P and W Q have the same entries up to the rotation Q': compared in the units, not in the basis.
  const projected = (W: Matrix, Q: Matrix): Float64Array => product(product(W, Q), Q, { transposeB: true }).data;
  return {
    all: correlationOf(reference.data, fit.data),
    diagonal: correlationOf(pick(reference, true), pick(fit, true)),
    offDiagonal: correlationOf(pick(reference, false), pick(fit, false)),
    inSupport: span === null ? null : correlationOf(projected(reference, span), projected(fit, span)),
    supportDimension: span?.columns ?? null,
    leftAngles: subspaceAngles(leading(a.left), leading(b.left)),
    rightAngles: subspaceAngles(leading(a.right), leading(b.right)),
  };
};

import type { Backend, Expression, Matrix, Rows, RowSource } from '@drnn/tensor';
import { matrix } from '@drnn/tensor';
import { residualOf } from './fixed-point-map.js';
import type { Metric } from './metric.js';

/** What a noise floor is measured on: one problem, on its backend and as it was before it was rounded. */
export interface NoiseFloorRequest {
  readonly on: Backend;
  /** The design on the backend, and X [transition, predictor] in float64 on the host. */
  readonly design: { readonly rows: Rows; readonly exact: RowSource };
  /** Everything that the slopes need, [transition, unit] in float64 on the host. */
  readonly data: Readonly<Record<string, RowSource>>;
  /** The slope as the backend computes it, and as float64 does. */
  readonly slope: { readonly rounded: Expression; readonly exact: Expression };
  /** Where: a point of about the size of the optimum. */
  readonly theta: Matrix;
  readonly metric: Metric;
  /** |g_j at zero|. */
  readonly scale: Float64Array;
}

/** So many units are measured: half those with the smallest gradients at zero, which rounding hits hardest. */
const sampled = 8;
/** Units that were not measured, and points other than this one, may be somewhat worse. */
const safety = 2;

/**
 * How far the gradient of a rounded pass is from the exact one: twice the largest over a sample of 8 units of
 * |g_j - g_j exact| / |g_j at zero|, in the metric's dual norm, that is, in the residual's own measure. It holds all
 * errors there are: rounded rows and parameters, products, functions, sums. Below it a residual says nothing of the
 * problem that was posed. Cost: a sweep over the rows for 8 units on the backend and one in float64 on its host, 4 T P 8
 * flop each, and one norm.
 */
export const measureNoiseFloor = async (request: NoiseFloorRequest): Promise<number> => {
  const { on, metric, scale } = request;
  const units = sampleOf(scale);
  const theta = columnsOf(request.theta, units);
  const data: Record<string, Matrix> = {};
  for (const [name, all] of Object.entries(request.data)) data[name] = await columnsOfRows(all, units);
  const rounded = await on.scope(async (inner) => {
    const rows: Record<string, Rows> = {};
    for (const [name, values] of Object.entries(data)) rows[name] = await inner.rows(values);
    const { backProject } = await inner.pass(request.design.rows, {
      currents: { z: theta },
      data: rows,
      backProject: [request.slope.rounded],
    });
    return backProject;
  });
  const exact = await exactGradient(on, request.design.exact, theta, data, request.slope.exact);
  const difference = matrix(request.theta.rows, request.theta.columns);
  for (let p = 0; p < exact.rows; p++) {
    units.forEach((j, k) => {
      const i = p * units.length + k;
      difference.data[p * difference.columns + j] = (rounded[0]?.data[i] ?? Number.NaN) - exact.data[i]!;
    });
  }
  return safety * residualOf(metric.dualNorm(difference), scale, 0);
};

/** Half the sample has the smallest scales, the rest is spread evenly over the others; in order. */
const sampleOf = (scale: Float64Array): readonly number[] => {
  const bySize = Array.from(scale.keys()).sort((a, b) => scale[a]! - scale[b]!);
  const smallest = bySize.slice(0, sampled / 2);
  const others = bySize.slice(sampled / 2).sort((a, b) => a - b);
  const count = Math.min(others.length, sampled - smallest.length);
  const spread = Array.from({ length: count }, (_, k) => others[Math.floor((k * others.length) / count)]!);
  return [...smallest, ...spread].sort((a, b) => a - b);
};

const columnsOf = (a: Matrix, columns: readonly number[]): Matrix => {
  const result = matrix(a.rows, columns.length);
  for (let i = 0; i < a.rows; i++) {
    columns.forEach((j, k) => (result.data[i * columns.length + k] = a.data[i * a.columns + j]!));
  }
  return result;
};

/** The same of rows that are read. */
const columnsOfRows = async (all: RowSource, columns: readonly number[]): Promise<Matrix> => {
  const result = matrix(all.rows, columns.length);
  let at = 0;
  for await (const piece of all.blocks(blockRows)) {
    result.data.set(columnsOf(piece, columns).data, at);
    at += piece.rows * columns.length;
  }
  return result;
};

/** Rows at a time in the float64 sweep. */
const blockRows = 1024;

/** X' slope(X theta, data) in float64, a block of rows after the other. */
const exactGradient = async (
  { host }: Backend,
  design: RowSource,
  theta: Matrix,
  data: Readonly<Record<string, Matrix>>,
  slope: Expression,
): Promise<Matrix> => {
  const units = theta.columns;
  const result = matrix(theta.rows, units);
  let from = 0;
  for await (const x of design.blocks(blockRows)) {
    const inputs: Record<string, Matrix> = { z: host.matMul(x, theta) };
    for (const [name, all] of Object.entries(data)) {
      inputs[name] = matrix(x.rows, units, all.data.subarray(from * units, (from + x.rows) * units));
    }
    const [e] = host.pointwise([slope], inputs);
    if (e === undefined) throw new Error('a host gave less than it was asked for');
    const part = host.matMul(x, e, { transposeA: true });
    for (let i = 0; i < result.data.length; i++) result.data[i]! += part.data[i]!;
    from += x.rows;
  }
  return result;
};

import { type Issue, refuse } from './error.js';
import type { Host, HostKernels } from './host.js';
import { mapProgram } from './map-matrix.js';
import { identity, matrix, type Matrix } from './matrix.js';
import { programCache } from './program-cache.js';
import { scan, scanAdjoint } from './scan.js';
import { expectLength, expectShape, expectSquare, outOrNew, solveShape } from './shapes.js';
import { solveBatch } from './solve-batch.js';

const checkIndices = (path: string, indices: Int32Array, rows: number): void => {
  const issues: Issue[] = [];
  const at = indices.findIndex((index) => index < 0 || index >= rows);
  if (at >= 0)
    issues.push({ path: `${path} indices[${at}]`, seen: `${indices[at]}`, expected: `a row from 0 to ${rows - 1}` });
  refuse(issues);
};

/** Copies the lower triangle to the upper one, in place. */
const mirror = (a: Matrix): Matrix => {
  const n = a.rows;
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) a.data[i * n + j] = a.data[j * n + i]!;
  return a;
};

/** sums + a_c' b_c of each column, in place; two rows at a time, for which the sums are read and written once. */
const addColumnDots = (a: Float64Array, b: Float64Array, columns: number, sums: Float64Array): void => {
  let i = 0;
  for (const pairs = a.length - columns; i < pairs; i += 2 * columns) {
    const k = i + columns;
    for (let c = 0; c < columns; c++) sums[c]! += a[i + c]! * b[i + c]! + a[k + c]! * b[k + c]!;
  }
  for (let c = 0; i < a.length; i++, c++) sums[c]! += a[i]! * b[i]!;
};

/**
 * A whole host from its kernels: `matMul`, `cholesky`, `triangularSolve` and `eigh` must be brought, everything else
 * is derived from them unless the kernels bring a faster one. All defaults check their shapes.
 */
export const completeHost = (kernels: HostKernels): Host => {
  const gram: Host['gram'] = (a, weights, out) => {
    const result = outOrNew('gram', out, a.columns, a.columns);
    if (weights === undefined) return mirror(kernels.matMul(a, a, { transposeA: true, out: result }));
    expectLength('gram weights', weights, a.rows);
    const weighted = matrix(a.rows, a.columns);
    for (let i = 0; i < a.rows; i++)
      for (let j = 0; j < a.columns; j++) weighted.data[i * a.columns + j] = weights[i]! * a.data[i * a.columns + j]!;
    return mirror(kernels.matMul(a, weighted, { transposeA: true, out: result }));
  };

  const choleskySolve: Host['choleskySolve'] = (factor, b, out) => {
    const result = solveShape('choleskySolve', factor.order, b, out);
    kernels.triangularSolve(factor.lower, b, { out: result });
    return kernels.triangularSolve(factor.lower, result, { transpose: true, out: result });
  };

  const choleskyInverse: Host['choleskyInverse'] = (factor) =>
    mirror((kernels.choleskySolve ?? choleskySolve)(factor, identity(factor.order)));

  const choleskyBatch: Host['choleskyBatch'] = (a, sets) => {
    const order = expectSquare('choleskyBatch', a);
    sets.forEach((set, k) => checkIndices(`choleskyBatch sets[${k}]`, set, order));
    return sets.map((set) => {
      const m = set.length;
      const part = matrix(m, m);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j <= i; j++) {
          // Only the lower triangle of A may be read, whatever the order of the set.
          const [row, column] = set[i]! >= set[j]! ? [set[i]!, set[j]!] : [set[j]!, set[i]!];
          part.data[i * m + j] = a.data[row * order + column]!;
        }
      }
      return kernels.cholesky(part, part);
    });
  };

  const rankUpdate: Host['rankUpdate'] = (a, b, alpha = 1) => {
    expectShape('rankUpdate A', a, b.columns, b.columns);
    return kernels.matMul(b, b, { transposeA: true, alpha, beta: 1, out: a });
  };

  const columnDot: Host['columnDot'] = (a, b, out) => {
    expectShape('columnDot B', b, a.rows, a.columns);
    if (out !== undefined) expectLength('columnDot out', out, a.columns);
    const result = out?.fill(0) ?? new Float64Array(a.columns);
    addColumnDots(a.data, b.data, a.columns, result);
    return result;
  };

  const columnScaleAdd: Host['columnScaleAdd'] = (scale, x, y) => {
    expectShape('columnScaleAdd Y', y, x.rows, x.columns);
    expectLength('columnScaleAdd scale', scale, x.columns);
    const n = x.columns;
    for (let i = 0; i < x.rows; i++)
      for (let j = 0; j < n; j++) y.data[i * n + j] = y.data[i * n + j]! + scale[j]! * x.data[i * n + j]!;
    return y;
  };

  const gather: Host['gather'] = (a, indices, out) => {
    checkIndices('gather', indices, a.rows);
    const result = outOrNew('gather', out, indices.length, a.columns);
    const n = a.columns;
    for (let k = 0; k < indices.length; k++)
      result.data.set(a.data.subarray(indices[k]! * n, (indices[k]! + 1) * n), k * n);
    return result;
  };

  const scatter: Host['scatter'] = (from, indices, to) => {
    checkIndices('scatter', indices, to.rows);
    expectShape('scatter from', from, indices.length, to.columns);
    const n = to.columns;
    for (let k = 0; k < indices.length; k++) to.data.set(from.data.subarray(k * n, (k + 1) * n), indices[k]! * n);
    return to;
  };

  const programOf = programCache();
  const zeros = kernels.zeros ?? ((rows: number, columns: number): Matrix => matrix(rows, columns));

  return {
    zeros,
    copy: (a) => {
      const result = zeros(a.rows, a.columns);
      result.data.set(a.data);
      return result;
    },
    gram,
    choleskySolve,
    choleskyInverse,
    choleskyBatch,
    solveBatch,
    rankUpdate,
    columnDot,
    columnScaleAdd,
    pointwise: (expressions, inputs) => mapProgram(programOf(expressions), inputs),
    gather,
    scatter,
    scan: (request, keep) => scan(kernels, request, keep),
    scanAdjoint: (request, trajectory, cotangent) => scanAdjoint(kernels, request, trajectory, cotangent),
    ...kernels,
  };
};

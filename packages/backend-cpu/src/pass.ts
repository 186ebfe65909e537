import {
  backProjections,
  type Expression,
  type Matrix,
  matrix,
  type Numbers,
  passExpressions,
  type PassRequest,
  type PassShape,
  type Precision,
  type Program,
  programCache,
  runProgram,
  scratchFor,
  settleCompensated,
} from '@drnn/tensor';
import type { Gemm } from './gemm.js';
import { type Pools, type Stored, sweep } from './rows.js';
import { mirrorLower, syrkLower } from './syrk.js';

/**
 * Rows of a block: as many as the product packs in depth, so that X_b' E_b is one rank-256 update, and few enough that
 * the currents of a block stay in the second-level cache.
 */
export const blockRows = 256;

/** Compiles the expressions of a request, with scratch to run them in. */
export type Compiler = (expressions: readonly Expression[]) => {
  readonly program: Program;
  readonly scratch: readonly Float64Array[];
};

export const createCompiler = (): Compiler => {
  const programOf = programCache();
  const known = new WeakMap<Program, readonly Float64Array[]>();
  return (expressions) => {
    const program = programOf(expressions);
    const scratch = known.get(program) ?? scratchFor(program);
    known.set(program, scratch);
    return { program, scratch };
  };
};

/** What the kernels of one backend share. */
export interface Workshop {
  readonly gemm: Gemm;
  readonly precision: Precision;
  readonly pools: Pools;
  readonly compiler: Compiler;
}

export interface FusedResult {
  readonly backProject: readonly Matrix[];
  readonly columnSums: readonly Float64Array[];
  readonly kept: readonly Numbers[];
}

/**
 * The fused pass, block by block of 256 rows: every current Z_b = X_b Theta, one program for all expressions, then
 * G += X_b' E_b and the column sums, which are compensated (error about 1e-16 of the sum of |terms|, for any
 * number of rows). Arrays of [time, unit] exist only for what is kept.
 */
export const fusedPass = async (
  { gemm, precision, pools, compiler }: Workshop,
  design: Stored,
  data: Readonly<Record<string, Stored>>,
  request: PassRequest,
  shape: PassShape,
): Promise<FusedResult> => {
  const { time, predictors, units } = shape;
  const backCount = request.backProject?.length ?? 0;
  const sumCount = request.columnSums?.length ?? 0;
  const keepCount = request.keep?.length ?? 0;
  const work = backCount + sumCount;
  const { program, scratch } = compiler(passExpressions(request));

  const backProject = backProjections(request, shape);
  const columnSums = Array.from({ length: sumCount }, () => new Float64Array(units));
  const kept: readonly Numbers[] = Array.from({ length: keepCount }, () =>
    precision === 'float64' ? new Float64Array(time * units) : new Float32Array(time * units),
  );

  const size = blockRows * units;
  const currents = Object.entries(request.currents).map(([name, theta]) => ({
    name,
    theta: { values: theta.data, offset: 0, rowStride: units, columnStride: 1 },
    z: pools.double.take(size),
  }));
  // A block's program has read its currents before it writes, so that results may take their place.
  const extra = Array.from({ length: Math.max(0, work - currents.length) }, () => pools.double.take(size));
  const results = [...currents.map(({ z }) => z), ...extra].slice(0, work);
  const errors = columnSums.map(() => pools.double.take(units).fill(0));
  const dataNames = Object.keys(data);
  const sources = program.variables.map((name) => ({
    current: currents.find((current) => current.name === name)?.z,
    index: dataNames.indexOf(name),
  }));

  try {
    await sweep([design, ...Object.values(data)], blockRows, precision, pools, (start, length, x, others) => {
      const count = length * units;
      const plain = { values: x.values, offset: x.offset, rowStride: predictors, columnStride: 1 };
      const transposed = { values: x.values, offset: x.offset, rowStride: 1, columnStride: predictors };
      for (const { theta, z } of currents)
        gemm(length, units, predictors, plain, theta, { values: z, offset: 0, rowStride: units }, overwrite);

      const inputs = sources.map(({ current, index }) => {
        const from = others[index];
        if (current !== undefined || from === undefined) return current ?? nothing;
        return from.values.subarray(from.offset, from.offset + count);
      });
      const outputs = [...results, ...kept.map((values) => values.subarray(start * units, start * units + count))];
      runProgram(program, inputs, outputs, count, scratch);

      for (let k = 0; k < backCount; k++) {
        const e = { values: results[k]!, offset: 0, rowStride: units, columnStride: 1 };
        const g = { values: backProject[k]!.data, offset: 0, rowStride: units };
        gemm(predictors, units, length, transposed, e, g, accumulate);
      }
      for (let k = 0; k < sumCount; k++) {
        addRows(results[backCount + k]!, length, units, columnSums[k]!, errors[k]!);
      }
    });
    columnSums.forEach((total, k) => settleCompensated(total, errors[k]!));
    return { backProject, columnSums, kept };
  } finally {
    for (const { z } of currents) pools.double.give(z);
    for (const buffer of [...extra, ...errors]) pools.double.give(buffer);
  }
};

const overwrite = { alpha: 1, beta: 0 };
const accumulate = { alpha: 1, beta: 1 };

const nothing = new Float64Array(0);

/** Adds rows to sums by column; `errors` gathers what every addition rounds off (Knuth 1969, section 4.2.2). */
const addRows = (
  values: Float64Array,
  rows: number,
  columns: number,
  sums: Float64Array,
  errors: Float64Array,
): void => {
  for (let i = 0; i < rows; i++) {
    const start = i * columns;
    for (let j = 0; j < columns; j++) {
      const sum = sums[j]!;
      const term = values[start + j]!;
      const next = sum + term;
      const added = next - sum;
      errors[j] = errors[j]! + (sum - (next - added) + (term - added));
      sums[j] = next;
    }
  }
};

/** X' diag(w) X over all rows; `weights` has one column. */
export const gramOfRows = async (
  { gemm, precision, pools }: Workshop,
  design: Stored,
  weights: Stored | null,
): Promise<Matrix> => {
  const { columns } = design;
  const g = matrix(columns, columns);
  const all = weights === null ? [design] : [design, weights];
  await sweep(all, blockRows, precision, pools, (_, length, x, [w]) => {
    syrkLower(gemm, length, columns, x.values, x.offset, g.data, 1, w?.values, w?.offset);
  });
  mirrorLower(g.data, columns);
  return g;
};

/** Numbers of the sums of one sweep, 8 MiB, which a third-level cache may hold while blocks go by. */
const sweepSums = 2 ** 20;
const fewestSums = 16;

/** X' diag(w_j) X for each column j in [from, to) of `weights`; a block of X serves all those of a sweep. */
export const gramEachOfRows = async (
  { gemm, precision, pools }: Workshop,
  design: Stored,
  weights: Stored,
  from: number,
  to: number,
): Promise<readonly Matrix[]> => {
  const { columns } = design;
  const grams = Array.from({ length: to - from }, () => matrix(columns, columns));
  const atOnce = Math.max(fewestSums, Math.floor(sweepSums / Math.max(1, columns * columns)));
  const column = pools.double.take(blockRows);
  try {
    for (let first = 0; first < grams.length; first += atOnce) {
      const some = grams.slice(first, first + atOnce);
      await sweep([design, weights], blockRows, precision, pools, (_, length, x, [w]) => {
        if (w === undefined) return;
        some.forEach(({ data }, k) => {
          const at = w.offset + from + first + k;
          for (let i = 0; i < length; i++) column[i] = w.values[at + i * weights.columns]!;
          syrkLower(gemm, length, columns, x.values, x.offset, data, 1, column);
        });
      });
    }
  } finally {
    pools.double.give(column);
  }
  for (const g of grams) mirrorLower(g.data, columns);
  return grams;
};

import type { PassRequest, Rows } from './backend.js';
import { type Issue, refuse } from './error.js';
import type { Expression } from './expression.js';
import { variablesOf } from './fold.js';
import { matrix, type Matrix } from './matrix.js';

/** The sizes of a pass: X is [time, predictor], currents and data are [time, unit]. */
export interface PassShape {
  readonly time: number;
  readonly predictors: number;
  readonly units: number;
}

/** Every expression of a request: back-projections, then column sums, then what is kept. */
export const passExpressions = (request: PassRequest): readonly Expression[] => [
  ...(request.backProject ?? []),
  ...(request.columnSums ?? []),
  ...(request.keep ?? []),
];

/** How a backend wants the matrices of its back-projections. */
export interface BackProjectionOptions {
  /** Makes those that the request does not bring. Default `matrix`. */
  readonly make?: (rows: number, columns: number) => Matrix;
  /** Whether those that it brings are set to 0 where they are not to be added to. Default true. */
  readonly clear?: boolean;
}

/** Where a pass sums its back-projections: what the request brings for them, or new matrices. */
export const backProjections = (
  { backProject = [], out, accumulate = false }: PassRequest,
  { predictors, units }: PassShape,
  { make = matrix, clear = true }: BackProjectionOptions = {},
): Matrix[] =>
  backProject.map((_, k) => {
    const given = out?.[k];
    if (clear && !accumulate) given?.data.fill(0);
    return given ?? make(predictors, units);
  });

/**
 * The sizes of a pass, checked: parameters are [predictor, unit], data [time, unit], with the same unit count
 * throughout; names are distinct; every variable of every expression has a value. Throws one error with all issues.
 */
export const passShape = (design: Pick<Rows, 'rows' | 'columns'>, request: PassRequest): PassShape => {
  const { rows: time, columns: predictors } = design;
  const currents = Object.entries(request.currents);
  const data = Object.entries(request.data);
  const issues: Issue[] = [];
  const units = currents[0]?.[1].columns ?? data[0]?.[1].columns;
  const namedBy = currents.length > 0 ? `current ${currents[0]?.[0]}` : `data ${data[0]?.[0]}`;
  if (units === undefined) {
    issues.push({ path: 'pass', seen: 'no current and no data', expected: 'at least one, to know how many units' });
  }
  for (const [name, theta] of currents) {
    if (theta.rows !== predictors || theta.columns !== units) {
      issues.push({
        path: `pass currents.${name}`,
        seen: `[predictor=${theta.rows}, unit=${theta.columns}]`,
        expected: `[predictor=${predictors}, unit=${units}], from the design [time=${time}, predictor=${predictors}] and ${namedBy}`,
        ...(theta.columns === predictors && theta.rows === units ? { hint: 'transpose it' } : {}),
      });
    }
    if (Object.hasOwn(request.data, name)) {
      issues.push({ path: `pass data.${name}`, seen: 'the name of a current', expected: 'a name of its own' });
    }
  }
  for (const [name, rows] of data) {
    if (rows.rows !== time || rows.columns !== units) {
      issues.push({
        path: `pass data.${name}`,
        seen: `[time=${rows.rows}, unit=${rows.columns}]`,
        expected: `[time=${time}, unit=${units}], from the design [time=${time}, predictor=${predictors}] and ${namedBy}`,
      });
    }
  }
  issues.push(...outIssues(request, predictors, units ?? 0));
  const missing = variablesOf(...passExpressions(request)).filter(
    (name) => !Object.hasOwn(request.currents, name) && !Object.hasOwn(request.data, name),
  );
  if (missing.length > 0) {
    const given = [...currents, ...data].map(([name]) => name).join(', ');
    issues.push({
      path: 'pass expressions',
      seen: `the variables ${missing.join(', ')}`,
      expected: `only the currents and data given: ${given || 'none'}`,
    });
  }
  refuse(issues);
  return { time, predictors, units: units ?? 0 };
};

/** What is wrong with where back-projections are to go. */
const outIssues = (
  { backProject = [], currents, out, accumulate = false }: PassRequest,
  predictors: number,
  units: number,
): Issue[] => {
  if (out === undefined) {
    return accumulate
      ? [{ path: 'pass accumulate', seen: 'no out', expected: 'out, which back-projections are added to' }]
      : [];
  }
  const issues: Issue[] = [];
  if (out.length !== backProject.length)
    issues.push({
      path: 'pass out',
      seen: `${out.length} matrices`,
      expected: `${backProject.length}, one a back-projection`,
    });
  for (const [k, { rows, columns, data }] of out.entries()) {
    const path = `pass out[${k}]`;
    if (rows !== predictors || columns !== units) {
      issues.push({
        path,
        seen: `[predictor=${rows}, unit=${columns}]`,
        expected: `[predictor=${predictors}, unit=${units}]`,
      });
    }
    const shares = (other: Matrix): boolean => other.data === data;
    if (Object.values(currents).some(shares) || out.slice(0, k).some(shares))
      issues.push({ path, seen: 'a matrix that the pass has other use for', expected: 'one of its own' });
  }
  return issues;
};

/**
 * What a backend must be able to do with one block of time rows for the default pass to work on it. `Block` is the
 * backend's own array (typed array, device tensor), [time of the block, column]; `Held` is what it keeps rows as.
 */
export interface PassPrimitives<Block, Held = Rows> {
  /** Parameters taken to where the blocks are, once a pass. */
  upload(parameters: Matrix): Block;
  /** Blocks of all rows in lockstep, in time order, at most 2048 rows each; released by the caller. */
  sweep(rows: readonly Held[]): Iterable<readonly Block[]> | AsyncIterable<readonly Block[]>;
  /** X_b Theta, [time, unit]. */
  project(design: Block, parameters: Block): Block;
  /** Each expression on the block, [time, unit]; `like` has that shape, for expressions without variables. */
  pointwise(expressions: readonly Expression[], values: Readonly<Record<string, Block>>, like: Block): readonly Block[];
  /** X_b' e, [predictor, unit]. */
  backProject(design: Block, e: Block): Block;
  /** The sums of e over its rows, [1, unit]. */
  columnSums(e: Block): Block;
  /** A small block down to the host. */
  read(block: Block): Matrix | Promise<Matrix>;
  /** Blocks in time order become rows of `columns` columns; they are not released by the caller any more. */
  keep(blocks: readonly Block[], columns: number): Held | Promise<Held>;
  release(block: Block): void;
}

/** total += part, with the rounding of every addition caught in `error` (Neumaier 1974). */
export const addCompensated = (total: Float64Array, error: Float64Array, part: ArrayLike<number>): void => {
  for (let i = 0; i < total.length; i++) {
    const [a, b] = [total[i]!, part[i]!];
    const sum = a + b;
    error[i] = error[i]! + (Math.abs(a) >= Math.abs(b) ? a - sum + b : b - sum + a);
    total[i] = sum;
  }
};

/** total + error, where that is a number: an infinite total has no meaningful error. */
export const settleCompensated = (total: Float64Array, error: Float64Array): void => {
  for (let i = 0; i < total.length; i++) if (Number.isFinite(total[i])) total[i] = total[i]! + error[i]!;
};

/**
 * The pass of a backend that has no fused one, made of primitives: parts of at most one block are computed where the
 * rows are, read, and summed in float64 on the host.
 */
export const passByPrimitives = async <Block, Held>(
  primitives: PassPrimitives<Block, Held>,
  design: Held,
  data: Readonly<Record<string, Held>>,
  request: PassRequest,
  shape: PassShape,
): Promise<{
  readonly backProject: readonly Matrix[];
  readonly columnSums: readonly Float64Array[];
  readonly kept: readonly Held[];
}> => {
  const { units } = shape;
  const dataNames = Object.keys(data);
  const expressions = passExpressions(request);
  const backCount = request.backProject?.length ?? 0;
  const sumCount = request.columnSums?.length ?? 0;
  const keepCount = request.keep?.length ?? 0;
  const backProject = backProjections(request, shape);
  const sums = Array.from({ length: sumCount }, () => ({
    total: new Float64Array(units),
    error: new Float64Array(units),
  }));
  const kept: Block[][] = Array.from({ length: keepCount }, () => []);
  const parameters = Object.entries(request.currents).map(([name, theta]) => ({ name, on: primitives.upload(theta) }));
  try {
    for await (const blocks of primitives.sweep([design, ...Object.values(data)])) {
      const x = blocks[0];
      if (x === undefined) continue;
      const made: Block[] = [];
      try {
        const values: Record<string, Block> = {};
        dataNames.forEach((name, k) => {
          const block = blocks[k + 1];
          if (block !== undefined) values[name] = block;
        });
        for (const { name, on } of parameters) {
          const current = primitives.project(x, on);
          made.push(current);
          values[name] = current;
        }
        const like = Object.values(values)[0];
        if (like === undefined) continue;
        const outputs = primitives.pointwise(expressions, values, like);
        for (const [k, e] of outputs.entries()) {
          if (k >= backCount + sumCount) kept[k - backCount - sumCount]?.push(e);
          else made.push(e);
        }
        for (const [k, total] of backProject.entries()) {
          const e = outputs[k];
          if (e === undefined) continue;
          const part = primitives.backProject(x, e);
          made.push(part);
          const { data: terms } = await primitives.read(part);
          for (let i = 0; i < total.data.length; i++) total.data[i] = total.data[i]! + terms[i]!;
        }
        for (const [k, { total, error }] of sums.entries()) {
          const e = outputs[backCount + k];
          if (e === undefined) continue;
          const part = primitives.columnSums(e);
          made.push(part);
          addCompensated(total, error, (await primitives.read(part)).data);
        }
      } finally {
        made.forEach((block) => primitives.release(block));
        blocks.forEach((block) => primitives.release(block));
      }
    }
    sums.forEach(({ total, error }) => settleCompensated(total, error));
    const held: Held[] = [];
    while (kept.length > 0) held.push(await primitives.keep(kept.shift() ?? [], units));
    return { backProject, columnSums: sums.map(({ total }) => total), kept: held };
  } finally {
    parameters.forEach(({ on }) => primitives.release(on));
    kept.flat().forEach((block) => primitives.release(block));
  }
};

import { backend as cpuBackend } from '@drnn/backend-cpu';
import {
  abs,
  type Backend,
  exp,
  type Host,
  log1p,
  log2cosh,
  logistic,
  matrix,
  type Matrix,
  mul,
  negate,
  type PassRequest,
  square,
  sub,
  tanh,
  transferDifference,
  variable,
} from '@drnn/tensor';

const [time, predictors, units] = [300, 13, 7];

/** Numbers in (-1, 1) that look random and are the same everywhere. */
const scattered = (rows: number, columns: number, seed: number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, (_, i) => ((((i + 1) * seed) % 65_521) / 65_521) * 2 - 1),
  );

// More rows than a block has, and widths that no vector divides.
const design = scattered(time, predictors, 40_503);
const inverted = scattered(time, units, 30_011);
const weights = { ...scattered(time, units, 20_021), data: scattered(time, units, 20_021).data.map((x) => 1.5 + x) };
const [theta, direction] = [scattered(predictors, units, 50_021), scattered(predictors, units, 60_013)];

const [z, v, y, w] = [variable('z'), variable('v'), variable('y'), variable('w')];
const expressions = {
  backProject: [mul(w, transferDifference(z, y)), mul(logistic(v), exp(negate(abs(z))))],
  columnSums: [mul(w, sub(log2cosh(z), mul(y, z))), log1p(square(v))],
  keep: [tanh(z)],
} satisfies Partial<PassRequest>;

/** Everything the check looks at, by name. */
type Answers = Readonly<Record<string, ArrayLike<number>>>;

const answersOf = (on: Backend): Promise<Answers> =>
  on.scope(async (inner) => {
    const x = await inner.rows(design);
    const data = { y: await inner.rows(inverted), w: await inner.rows(weights) };
    const request = { currents: { z: theta, v: direction }, data, ...expressions };
    const { backProject, columnSums, kept } = await inner.pass(x, request);
    const one = await inner.rows(matrix(time, 1, weights.data.slice(0, time)));
    const gram = await inner.gram(x, one);
    const [hessian] = await inner.gramEach(x, data.w, units - 1, units);
    const answers: Record<string, ArrayLike<number>> = { gram: gram.data, gramEach: hessian?.data ?? [] };
    backProject.forEach((part, k) => (answers[`backProject ${k}`] = part.data));
    columnSums.forEach((part, k) => (answers[`columnSums ${k}`] = part));
    for (const rows of kept) answers['kept rows'] = (await inner.read(rows)).data;
    return answers;
  });

/** A positive definite system with its solution, on a host; float64 on every backend. */
const solvedBy = (host: Host): ArrayLike<number> => {
  const system = host.matMul(design, design, { transposeA: true });
  for (let p = 0; p < predictors; p++) system.data[p * predictors + p]! += 10;
  const result = host.cholesky(system);
  return result.ok ? host.choleskySolve(result.factor, theta).data : [];
};

let reference: Promise<{ readonly answers: Answers; readonly solved: ArrayLike<number> }> | null = null;

/** What the plain CPU backend says, once a program. */
const expected = () => {
  reference ??= (async () => {
    const on = await cpuBackend();
    const result = { answers: await answersOf(on), solved: solvedBy(on.host) };
    await on.close();
    return result;
  })();
  return reference;
};

const worst = (seen: ArrayLike<number>, right: ArrayLike<number>): number => {
  if (seen.length !== right.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < right.length; i++) {
    const error = Math.abs(seen[i]! - right[i]!);
    if (!(error <= largest)) largest = Number.isNaN(error) ? Infinity : error;
  }
  return largest;
};

/** Expressions have some five functions one in the other, and values up to a few units. */
const allowance = 30;

/**
 * Whether a backend computes what the plain CPU backend computes: products, functions, column sums, kept rows and Gram
 * matrices of a pass of 300 rows, within its own declared accuracy, and a Cholesky solve on its host to 1e-11. In words
 * what is wrong, or null. It finds broken libraries, drivers and kernels, not last digits: those are for `assertBackend`.
 * Cost: a few milliseconds, and the time to compile the programs.
 */
export const selfCheck = async (on: Backend): Promise<string | null> => {
  const { answers, solved } = await expected();
  const seen = await answersOf(on);
  const { pointwise, product, absolute } = on.accuracy;
  for (const [name, right] of Object.entries(answers)) {
    // A sum is as large as its number of terms, at most 2.5 each.
    const terms = name === 'kept rows' ? 1 : 2.5 * time;
    const allowed = allowance * terms * (pointwise + product + absolute);
    const error = worst(seen[name] ?? [], right);
    if (error > allowed)
      return `${name} is off by ${error.toExponential(1)}, where at most ${allowed.toExponential(1)} is right`;
  }
  const error = worst(solvedBy(on.host), solved);
  return error > 1e-11 ? `a Cholesky solve is off by ${error.toExponential(1)}` : null;
};

import { columnRoom, type FactoredMetric, productWork, sameUnits, scaleColumns } from '@drnn/solvers';
import { columnsOf, gatherColumns, type Host, type Matrix, mul, rowRange, variable } from '@drnn/tensor';
import { type FrozenRound, narrowingRows, type RoundPoint } from './round-point.js';
import type { RoundTask } from './round-task.js';

/** The inner solves end when what they lack is at most this part of what they gave. */
const innerRelative = 0.1;
const mostInnerProducts = 30;

/** Transitions a group: the most for which groups lose no more than this part of the variance of the predictors. */
const mostLost = 0.01;
const groups = [8, 4] as const;

/** Of fewer predictors conjugate gradients need too few products for any to be saved. */
const fewestPredictors = 64;

export interface CoarsePreconditioner {
  /** Near H_j^-1 r_j for these units, in memory that is taken again for the next call. */
  precondition(residual: Matrix, units: Int32Array): Promise<Matrix>;
  /** Of k times the last gain over what is left (`PcgRequest.excess`): 4 to 9 at least, 9 to 13 in the median, N = 500. */
  readonly excess: number;
  /** What that has cost so far, in products with all units. */
  work(): number;
  release(): void;
}

/**
 * Where states move slowly the Hessian of a unit is nearly that of groups of g transitions, each by its mean:
 *
 *     H_j = X' diag(h_j) X + Lambda  ~  M_j = Xg' diag(g hg_j) Xg + s_j (X'X - g Xg'Xg) + Lambda,
 *
 * Xg and hg the means of a group, s_j that of h_j: what happens within groups is nearly alike whether unit j is saturated or
 * not, what happens between them is not, and that is what the shared metric A = X'X + Lambda / s knows nothing of: A has
 * eigenvalues down to .002 in H_j where M_j has .1 (g = 8) or .4 (g = 4), at N = 500 of the timed-response recordings. With
 * L L' = A and Y = Xg L'^-1,
 *
 *     M_j = L (Y' diag(g (hg_j - s_j)) Y + s_j I) L',
 *
 * so a product with what is in parentheses takes a g-th of one with H_j, and needs no preconditioner: it is solved by
 * conjugate gradients to some digits. A zero on the diagonal of W is one direction that is projected out. Cost of making
 * it: some P^2 (T / g + 2 P) flop, and reading the rows. Memory: two arrays of T / g rows. Null where the predictors change
 * too much between transitions, or nothing is kept.
 */
export const coarsePreconditioner = async (
  { task }: FrozenRound,
  { curvatures, curvatureSums }: RoundPoint,
  metric: FactoredMetric,
  meanCurvature: number,
): Promise<CoarsePreconditioner | null> => {
  const { on, free, shape } = task;
  const { host } = on;
  if (curvatures === null || free.kind === 'sets' || shape.predictors < fewestPredictors) return null;
  const grouped = await groupedDesign(task);
  if (grouped === null) return null;
  const { group, means } = grouped;
  const whiten = host.zeros(shape.predictors, shape.predictors);
  for (let p = 0; p < shape.predictors; p++) whiten.data[p * (shape.predictors + 1)] = 1;
  host.triangularSolve(metric.factor.lower, whiten, { out: whiten });

  const count = curvatureSums.length;
  const scale = curvatureSums.map((sum) => Math.max(sum / shape.transitions, 1e-6 * meanCurvature));
  // Of all parts together: a product is one pass.
  const weighting = host.zeros(means.rows, count);
  let filled = 0;
  for (const kept of curvatures) {
    const mean = await on.readMeans(kept, group);
    excessWeights(mean, kept.rows, group, scale);
    weighting.data.set(mean.data, filled);
    filled += mean.data.length;
  }
  const weights = await on.rows(weighting);
  const design = await on.rows(host.matMul(means, whiten, { transposeB: true }));
  const narrowed = narrowingRows(on, [weights], count);
  const whitening = triangularProducts(host, whiten);
  const roomOf = roomFor(host, shape.predictors);
  const fixed = free.kind === 'one-fixed' ? free.fixed : null;
  const preparedFor = (units: Int32Array) => {
    const room = roomOf(units.length);
    const own = fixed === null ? null : units.map((j) => fixed[j]!);
    if (own !== null) gatherColumns(whiten.data, whiten.columns, own, room.normals.data);
    const tangent = own === null ? null : removal(host, room.normals);
    return { units, room, tangent, inverseScale: Float64Array.from(units, (j) => 1 / scale[j]!) };
  };
  let prepared = preparedFor(Int32Array.from({ length: count }, (_, j) => j));
  let spent = 0;

  return {
    precondition: async (residual, units) => {
      const [h] = await narrowed.of(units);
      if (h === undefined) throw new Error('weights without rows');
      if (!sameUnits(units, prepared.units)) prepared = preparedFor(units.slice());
      const { room, tangent, inverseScale } = prepared;
      const { residual: right, solution, image } = room;
      whitening.times(residual, right);
      tangent?.(right);
      const products = await solveInStep(host, room, async (v) => {
        await on.pass(design, { currents: { v }, data: { h }, backProject: [product], out: [image] });
      });
      tangent?.(solution);
      scaleColumns(solution, inverseScale);
      spent += (products * productWork(units.length, count)) / group;
      // What came of the last product is not needed any more.
      whitening.transposedTimes(solution, image);
      return image;
    },
    excess: 4,
    work: () => spent,
    release: () => {
      narrowed.release();
      design.release();
      weights.release();
    },
  };
};

const product = mul(variable('h'), variable('v'));

/** Rows of a triangle that are multiplied together, at least: fewer are no faster. */
const triangleRows = 250;

/** Products with a lower triangle and with its transpose, without most of its zeros: k parts take (k + 1) / 2 k of a square's. */
const triangularProducts = (host: Host, lower: Matrix) => {
  const n = lower.rows;
  const parts = Math.max(1, Math.floor(n / triangleRows));
  const every = Int32Array.from({ length: n }, (_, p) => p);
  const blocks = Array.from({ length: parts }, (_, k) => {
    const [from, to] = [Math.round((k * n) / parts), Math.round(((k + 1) * n) / parts)];
    const first = every.subarray(0, to);
    return { from, to, block: columnsOf(rowRange(lower, from, to), first) };
  });
  return {
    /** L B, into `out`. */
    times: (b: Matrix, out: Matrix): void => {
      for (const { from, to, block } of blocks)
        host.matMul(block, rowRange(b, 0, to), { out: rowRange(out, from, to) });
    },
    /** L' B, into `out`. */
    transposedTimes: (b: Matrix, out: Matrix): void => {
      out.data.fill(0);
      for (const { from, to, block } of blocks)
        host.matMul(block, rowRange(b, from, to), { transposeA: true, beta: 1, out: rowRange(out, 0, to) });
    },
  };
};

/** The means of groups of transitions of the largest size that loses little; null where all lose much. No group spans parts. */
const groupedDesign = async ({ on, gram, parts, shape }: RoundTask) => {
  const { predictors, transitions } = shape;
  let squares = 0;
  for (let p = 0; p < predictors; p++) squares += gram.data[p * predictors + p]!;
  for (const group of groups) {
    const count = parts.reduce((sum, { design }) => sum + Math.ceil(design.rows / group), 0);
    const means = on.host.zeros(count, predictors);
    const sums = new Float64Array(predictors);
    let [between, filled] = [0, 0];
    for (const { design } of parts) {
      const mean = await on.readMeans(design, group);
      between += squaresBetween(mean, design.rows, group, sums);
      means.data.set(mean.data, filled);
      filled += mean.data.length;
    }
    const variation = squares - sums.reduce((total, sum) => total + sum ** 2, 0) / transitions;
    if (squares - between <= mostLost * variation) return { group, means };
  }
  return null;
};

// Sweeps of their own: inside an asynchronous function they take three times as long.

/** The sum of squares that means of groups keep; the sums over `time` are added to `sums`. */
const squaresBetween = ({ rows, columns, data }: Matrix, time: number, group: number, sums: Float64Array): number => {
  let between = 0;
  for (let t = 0, i = 0; t < rows; t++) {
    const size = Math.min(group, time - t * group);
    for (let p = 0; p < columns; p++, i++) {
      const mean = data[i]!;
      between += size * mean ** 2;
      sums[p]! += size * mean;
    }
  }
  return between;
};

/** From means of h_j to g (hg_j / s_j - 1), in place. */
const excessWeights = ({ rows, columns, data }: Matrix, time: number, group: number, scale: Float64Array): void => {
  for (let t = 0, i = 0; t < rows; t++) {
    const size = Math.min(group, time - t * group);
    for (let j = 0; j < columns; j++, i++) data[i] = size * (data[i]! / scale[j]! - 1);
  }
};

/** Takes out of each column its part along that unit's normal, in place. */
const removal = (host: Host, normals: Matrix): ((a: Matrix) => void) => {
  const squares = host.columnDot(normals, normals);
  return (a) => {
    const along = host.columnDot(normals, a);
    host.columnScaleAdd(
      along.map((sum, c) => -sum / squares[c]!),
      normals,
      a,
    );
  };
};

/** What the preconditioner works in, [predictor, unit] each: fresh memory would cost as much as the sweeps over it. */
interface Room {
  readonly normals: Matrix;
  readonly solution: Matrix;
  /** The right side at first. */
  readonly residual: Matrix;
  readonly direction: Matrix;
  /** K v. */
  readonly image: Matrix;
}

/** Rooms for these units and for those, all in the same memory. */
const roomFor = (host: Host, predictors: number): ((units: number) => Room) => {
  const place = () => columnRoom(host, predictors);
  const [normals, solution, residual, direction, image] = [place(), place(), place(), place(), place()];
  return (units) => ({
    normals: normals(units),
    solution: solution(units),
    residual: residual(units),
    direction: direction(units),
    image: image(units),
  });
};

/**
 * Columns that are not waited for: with a third in place of two thirds, rounds take a twelfth more work for the same error
 * (N = 1000), quick ones a tenth more (N = 500).
 */
const lateColumns = 2 / 3;

/**
 * (I + K_j) x_j = b_j by conjugate gradients for all columns in step, `times` giving K v, until a third of them lack no
 * more than `innerRelative` of what they gained. In whitened coordinates no preconditioner is needed, and a
 * product is so cheap that only few sweeps over the columns are not to outweigh it.
 */
const solveInStep = async (
  host: Host,
  { solution, residual, direction, image }: Room,
  times: (v: Matrix) => Promise<void>,
): Promise<number> => {
  const { columns } = solution;
  const [x, r, p, q] = [solution.data, residual.data, direction.data, image.data];
  x.fill(0);
  p.set(r);
  const squares = host.columnDot(residual, residual);
  const decrement = new Float64Array(columns);
  const atWork = squares.map((square) => (square > 0 && Number.isFinite(square) ? 1 : 0));
  const late = Math.floor(lateColumns * columns);
  for (let products = 1; ; products++) {
    await times(direction);
    const curvature = addedAndAlong(q, p, columns);
    const length = curvature.map((pq, c) => (atWork[c] === 1 && pq > 0 ? squares[c]! / pq : 0));
    const next = stepped(length, p, x, q, r);
    let open = 0;
    for (let c = 0; c < columns; c++) {
      if (atWork[c] === 0) continue;
      const gain = length[c]! * squares[c]!;
      decrement[c]! += gain;
      if (!(gain > 0) || products * gain <= innerRelative * decrement[c]!) atWork[c] = 0;
      else open++;
    }
    if (open <= late || products === mostInnerProducts) return products;
    const beta = next.map((square, c) => square / squares[c]! || 0);
    turned(beta, r, p);
    squares.set(next);
  }
};

// Two rows at a time, whose lengths and sums are read once: half as long again otherwise.

/** q += p, and q'p of each column. */
const addedAndAlong = (q: Float64Array, p: Float64Array, columns: number): Float64Array => {
  const along = new Float64Array(columns);
  let i = 0;
  for (const pairs = q.length - columns; i < pairs; i += 2 * columns) {
    const k = i + columns;
    for (let c = 0; c < columns; c++) {
      const v = p[i + c]!;
      const w = p[k + c]!;
      const upper = q[i + c]! + v;
      const lower = q[k + c]! + w;
      q[i + c] = upper;
      q[k + c] = lower;
      along[c]! += v * upper + w * lower;
    }
  }
  for (let c = 0; i < q.length; i++, c++) {
    q[i]! += p[i]!;
    along[c]! += q[i]! * p[i]!;
  }
  return along;
};

/** x += a p and r -= a q, and r'r of each column. */
const stepped = (
  length: Float64Array,
  p: Float64Array,
  x: Float64Array,
  q: Float64Array,
  r: Float64Array,
): Float64Array => {
  const columns = length.length;
  const squares = new Float64Array(columns);
  let i = 0;
  for (const pairs = q.length - columns; i < pairs; i += 2 * columns) {
    const k = i + columns;
    for (let c = 0; c < columns; c++) {
      const a = length[c]!;
      x[i + c]! += a * p[i + c]!;
      x[k + c]! += a * p[k + c]!;
      const upper = r[i + c]! - a * q[i + c]!;
      const lower = r[k + c]! - a * q[k + c]!;
      r[i + c] = upper;
      r[k + c] = lower;
      squares[c]! += upper * upper + lower * lower;
    }
  }
  for (let c = 0; i < q.length; i++, c++) {
    x[i]! += length[c]! * p[i]!;
    r[i]! -= length[c]! * q[i]!;
    squares[c]! += r[i]! * r[i]!;
  }
  return squares;
};

/** p = r + beta p. */
const turned = (beta: Float64Array, r: Float64Array, p: Float64Array): void => {
  const columns = beta.length;
  for (let i = 0; i < p.length; i += columns)
    for (let c = 0; c < columns; c++) p[i + c] = r[i + c]! + beta[c]! * p[i + c]!;
};

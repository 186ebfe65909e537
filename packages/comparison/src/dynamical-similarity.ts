import { eigenvalues, product, reorderSchur, schur, type Schur, svd } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { failure, firstNonFinite, type Issue, type Matrix, matrix, refuse, transpose } from '@drnn/tensor';
import { type Complex, spectrumW2 } from './spectrum-distance.js';

export interface LinearDynamicsOptions {
  /** Copies of the activity, each later than the one before. Default 1. */
  readonly delays?: number;
  /** Steps between two copies. Default 1. */
  readonly interval?: number;
  /** Dimensions that are kept. Default as many as hold 99% of the variance. */
  readonly rank?: number;
  /** Ridge in whitened coordinates. Default 1e-8. */
  readonly ridge?: number;
  /** u `[time, input]`: row t drives frame t to t + 1. What inputs explain is not the network's own dynamics. */
  readonly inputs?: Matrix;
  /** The trial of each frame `[time]`; no step leads from one to the next. */
  readonly trials?: ArrayLike<number>;
}

/** The linear map that takes delay-embedded activity one step on. */
export interface LinearDynamics {
  /** `[rank, rank]`, in whitened coordinates. */
  readonly A: Matrix;
  /** 1 - |v+ - A v - B u|^2 / |v+|^2, what the map explains of one step. */
  readonly r2: number;
  /** Akaike's criterion for a sample: ln of the mean square error + 2 parameters / samples. */
  readonly aic: number;
  readonly rank: number;
}

/**
 * Dynamic mode decomposition of activity `[time, unit]`: copies at delays, their first principal directions scaled to equal
 * variance, and the ridge regression of each step on the last, with inputs where they are given. Cost T (N delays)^2.
 * Errors: fewer steps than unknowns; NaN; inputs of another length. Source: Ostrow et al. 2023; with inputs Proctor et
 * al. 2016.
 */
export const linearDynamics = (activity: Matrix, options: LinearDynamicsOptions = {}): LinearDynamics => {
  const { delays = 1, interval = 1, ridge = 1e-8, inputs, trials } = options;
  const { rows, columns: n, data } = activity;
  const lost = (delays - 1) * interval;
  const issues: readonly Issue[] = [
    ...(Number.isInteger(delays) && delays >= 1 ? [] : [{ path: 'delays', seen: `${delays}`, expected: '1 or more' }]),
    ...(Number.isInteger(interval) && interval >= 1
      ? []
      : [{ path: 'interval', seen: `${interval}`, expected: '1 or more' }]),
    ...(rows > lost + 2 ? [] : [{ path: 'activity', seen: `${rows} frames`, expected: `more than ${lost + 2}` }]),
    ...(firstNonFinite(data) < 0 ? [] : [{ path: 'activity', seen: 'NaN or infinity', expected: 'finite numbers' }]),
    ...(inputs === undefined || inputs.rows >= rows - 1
      ? []
      : [{ path: 'inputs', seen: `${inputs.rows} rows`, expected: `at least ${rows - 1}` }]),
  ];
  refuse(issues);
  const isSameTrial = (from: number, to: number): boolean => trials === undefined || trials[from] === trials[to];
  // Row k stands for frame lost + k with its past, newest first.
  const count = rows - lost;
  const mean = new Float64Array(n);
  for (let k = 0; k < data.length; k++) mean[k % n]! += data[k]! / rows;
  const embedded = matrix(count, n * delays);
  for (let k = 0; k < count; k++) {
    for (let d = 0; d < delays; d++) {
      const t = lost + k - d * interval;
      for (let j = 0; j < n; j++) embedded.data[k * n * delays + d * n + j] = data[t * n + j]! - mean[j]!;
    }
  }
  const { values, left } = svd(embedded);
  const total = values.reduce((sum, value) => sum + value * value, 0);
  if (!(total > 0)) throw failure({ path: 'activity', seen: 'no variance', expected: 'activity that varies' });
  const full = values.reduce((sum, value) => sum + (value > 1e-10 * (values[0] ?? 0) ? 1 : 0), 0);
  let rank = Math.min(options.rank ?? 0, full);
  if (options.rank === undefined)
    for (let held = 0; rank < full && held < 0.99 * total; rank++) held += values[rank]! ** 2;
  const pairs: number[] = [];
  for (let k = 0; k + 1 < count; k++) if (isSameTrial(k, lost + k + 1)) pairs.push(k);
  // Predictors: the state, the inputs, and 1, because their means are not those of the pairs.
  const width = rank + (inputs?.columns ?? 0) + 1;
  if (pairs.length <= width) {
    throw failure({
      path: 'activity',
      seen: `${pairs.length} steps`,
      expected: `more than ${width}, the unknowns of each`,
    });
  }
  const scale = Math.sqrt(count);
  const whitened = (k: number, i: number): number => left.data[k * left.columns + i]! * scale;
  const before = matrix(pairs.length, width);
  const after = matrix(pairs.length, rank);
  pairs.forEach((k, row) => {
    for (let i = 0; i < rank; i++) {
      before.data[row * width + i] = whitened(k, i);
      after.data[row * rank + i] = whitened(k + 1, i);
    }
    before.data[row * width + width - 1] = 1;
    for (let i = rank; i < width - 1; i++) {
      before.data[row * width + i] = inputs!.data[(lost + k) * inputs!.columns + i - rank]!;
    }
  });
  const { values: s, left: U, right: V } = svd(before);
  // X = V diag(s / (s^2 + ridge)) U' after; in mean squares, so that the ridge does not depend on T.
  const image = product(U, after, { transposeA: true });
  for (let k = 0; k < s.length; k++) {
    const weight = s[k]! / (s[k]! * s[k]! + ridge * pairs.length) || 0;
    for (let j = 0; j < rank; j++) image.data[k * rank + j]! *= weight;
  }
  const solution = product(V, image);
  const fitted = product(before, solution);
  let [error, size] = [0, 0];
  for (let k = 0; k < after.data.length; k++) {
    error += (after.data[k]! - fitted.data[k]!) ** 2;
    size += after.data[k]! ** 2;
  }
  const samples = pairs.length * rank;
  return {
    A: transpose(matrix(rank, rank, solution.data.slice(0, rank * rank))),
    r2: 1 - error / size,
    aic: Math.log(Math.max(error, 1e-300) / samples) + (2 * rank * width) / samples,
    rank,
  };
};

export interface DynamicalSimilarity {
  /** arccos of tr(A' C B C') / (|A| |B|) under the best orthogonal C, radians: 0 for similar dynamics. */
  readonly angle: number;
  /** |A - C B C'|_F under that C. */
  readonly distance: number;
  /** The mean square distance of eigenvalues under the best assignment: a lower bound for normal matrices. */
  readonly eigenvalueCost: number;
  /** The best C, A ~ C B C'. */
  readonly alignment: Matrix;
}

export interface DynamicalSimilarityOptions {
  /** Random orthogonal starts besides those from the Schur forms, half of either determinant. Default 8. */
  readonly starts?: number;
  /** Most steps from each. Default 500. */
  readonly steps?: number;
  /** Default 1. */
  readonly seed?: number;
}

const frobenius = (a: Matrix): number => Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));

/**
 * The Schur form with eigenvalues from the largest modulus down and, of the two off-diagonal entries of a block, the larger
 * above: for distinct moduli it is then the same for all similar matrices, but for signs.
 */
const orderedSchur = (a: Matrix): Pick<Schur, 'triangular' | 'orthogonal'> => {
  let form = schur(a);
  const { real, imaginary } = form.values;
  const wanted = Array.from(real, (re, k): Complex => [re, imaginary[k]!])
    .filter(([, im]) => im >= 0)
    .toSorted((p, q) => Math.hypot(...p) - Math.hypot(...q) || p[0] - q[0]);
  const size = Math.max(1e-300, frobenius(a));
  // The last one moved to the top is the first.
  for (const [re, im] of wanted) {
    form = reorderSchur(form, (x, y) => Math.hypot(x - re, Math.abs(y) - im) < 1e-9 * size);
  }
  const n = a.rows;
  const { triangular: T, orthogonal: Q } = form;
  const order = Array.from({ length: n }, (_, k) => k);
  for (let k = 0; k + 1 < n; k++) {
    const below = Math.abs(T.data[(k + 1) * n + k]!);
    if (below === 0) continue;
    if (below > Math.abs(T.data[k * n + k + 1]!)) [order[k], order[k + 1]] = [k + 1, k];
    k += 1;
  }
  const permuted = (from: Matrix, rows: readonly number[]): Matrix => {
    const result = matrix(n, n);
    rows.forEach((row, i) => order.forEach((column, j) => (result.data[i * n + j] = from.data[row * n + column]!)));
    return result;
  };
  return {
    triangular: permuted(T, order),
    orthogonal: permuted(
      Q,
      Array.from({ length: n }, (_, k) => k),
    ),
  };
};

/** The signs s of which s' M s is large: those of the leading eigenvector of M + M', then flips one by one. */
const bestSigns = (M: Matrix, isFlipped: boolean): Float64Array => {
  const n = M.rows;
  const symmetric = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) symmetric.data[i * n + j] = i === j ? 0 : M.data[i * n + j]! + M.data[j * n + i]!;
  }
  const s = new Float64Array(n).fill(1);
  // Along the strongest links first, as a tree is grown: exact where signs can agree everywhere.
  const isPlaced = new Uint8Array(n);
  const link = new Float64Array(n);
  for (let placed = 0; placed < n; placed++) {
    let next = -1;
    for (let i = 0; i < n; i++)
      if (isPlaced[i] === 0 && (next < 0 || Math.abs(link[i]!) > Math.abs(link[next]!))) next = i;
    isPlaced[next] = 1;
    s[next] = link[next]! < 0 ? -1 : 1;
    for (let i = 0; i < n; i++) {
      const value = symmetric.data[next * n + i]! * s[next]!;
      if (isPlaced[i] === 0 && Math.abs(value) > Math.abs(link[i]!)) link[i] = value;
    }
  }
  for (let round = 0; round < 20; round++) {
    let changed = false;
    for (let i = 0; i < n; i++) {
      let gain = 0;
      for (let j = 0; j < n; j++) gain += symmetric.data[i * n + j]! * s[i]! * s[j]!;
      if (gain < 0) {
        s[i]! *= -1;
        changed = true;
      }
    }
    if (!changed) break;
  }
  if (isFlipped) s[n - 1]! *= -1;
  return s;
};

/** A start is left when a step gains less than this part of |A| |B|; the best one goes on to the second. */
const COARSE = 1e-6;
const FINE = 1e-15;

/** The orthogonal matrix nearest to G. */
const nearestOrthogonal = (G: Matrix): Matrix => {
  const { left, right } = svd(G);
  return product(left, right, { transposeB: true });
};

/**
 * How far the linear dynamics A and B `[rank, rank]` are from being the same in other coordinates: the best orthogonal C of
 * A ~ C B C'. tr(A' C B C') is raised by C <- the orthogonal matrix nearest to A C B' + A' C B + s C, which never lowers
 * it, from starts that match the ordered Schur forms (exact for similar matrices with distinct moduli) with both
 * determinants, and from random ones. Cost starts x steps x an SVD. Errors: other sizes, not square. Source: Ostrow et al.
 * 2023, whose starts are random alone.
 */
export const dynamicalSimilarity = (
  A: Matrix,
  B: Matrix,
  options: DynamicalSimilarityOptions = {},
): DynamicalSimilarity => {
  const n = A.rows;
  refuse(
    n >= 1 &&
      A.columns === n &&
      B.rows === n &&
      B.columns === n &&
      firstNonFinite(A.data) < 0 &&
      firstNonFinite(B.data) < 0
      ? []
      : [
          {
            path: 'A, B',
            seen: `[${A.rows}, ${A.columns}] and [${B.rows}, ${B.columns}]`,
            expected: 'two square matrices of the same size, finite',
          },
        ],
  );
  const [sizeA, sizeB] = [frobenius(A), frobenius(B)];
  const spectrum = (a: Matrix): readonly Complex[] => {
    const { real, imaginary } = eigenvalues(a);
    return Array.from(real, (re, k): Complex => [re, imaginary[k]!]);
  };
  const eigenvalueCost = spectrumW2(spectrum(A), spectrum(B)).distance ** 2;
  const turned = (C: Matrix): Matrix => product(product(C, B), C, { transposeB: true });
  const agreement = (C: Matrix): number => {
    const image = turned(C);
    let sum = 0;
    for (let k = 0; k < image.data.length; k++) sum += A.data[k]! * image.data[k]!;
    return sum;
  };
  /** From C uphill; `shift` makes the function convex in C, so that a step to the nearest orthogonal matrix never lowers it. */
  const climb = (start: Matrix, steps: number, least: number): { readonly C: Matrix; readonly value: number } => {
    let C = start;
    let value = agreement(C);
    let shift = 0.05 * sizeA * sizeB;
    for (let step = 0; step < steps; step++) {
      const first = product(product(A, C), B, { transposeB: true });
      const second = product(product(A, C, { transposeA: true }), B);
      const next = nearestOrthogonal(
        matrix(
          n,
          n,
          first.data.map((entry, k) => entry + second.data[k]! + shift * C.data[k]!),
        ),
      );
      const higher = agreement(next);
      if (higher < value) {
        // Too bold a step: the bound 2 |A| |B| is always safe.
        if (shift > 4 * sizeA * sizeB) break;
        shift *= 3;
        continue;
      }
      const gain = higher - value;
      [C, value] = [next, higher];
      if (gain <= least * sizeA * sizeB) break;
      shift = Math.max(shift / 2, 1e-3 * sizeA * sizeB);
    }
    return { C, value };
  };
  const formA = orderedSchur(A);
  const formB = orderedSchur(B);
  const links = matrix(
    n,
    n,
    formA.triangular.data.map((value, k) => value * formB.triangular.data[k]!),
  );
  const fromSchur = [false, true].map((isFlipped) => {
    const signs = bestSigns(links, isFlipped);
    const signed = matrix(
      n,
      n,
      formA.orthogonal.data.map((value, k) => value * signs[k % n]!),
    );
    return product(signed, formB.orthogonal, { transposeB: true });
  });
  const stream = randomStream(options.seed ?? 1, 'alignment');
  const random = Array.from({ length: options.starts ?? 8 }, (_, k) => {
    const G = matrix(n, n);
    fillGaussian(stream(k), 1, G.data);
    const Q = nearestOrthogonal(G);
    // Two neighbours of opposite determinant.
    if (k % 2 === 1) for (let j = 0; j < n; j++) Q.data[j]! *= -1;
    return Q;
  });
  const { steps = 500 } = options;
  let best = { C: fromSchur[0]!, value: -Infinity };
  for (const start of [...fromSchur, ...random]) {
    // Nothing is above |A| |B|.
    if (best.value >= (1 - 1e-12) * sizeA * sizeB) break;
    const found = climb(start, steps, COARSE);
    if (found.value > best.value) best = found;
  }
  best = climb(best.C, steps, FINE);
  const image = turned(best.C);
  let [square, unitSquare] = [0, 0];
  for (let k = 0; k < image.data.length; k++) {
    square += (A.data[k]! - image.data[k]!) ** 2;
    unitSquare += (A.data[k]! / (sizeA || 1) - image.data[k]! / (sizeB || 1)) ** 2;
  }
  return {
    // The angle between unit vectors by their chord, which knows small ones.
    angle:
      sizeA === 0 || sizeB === 0
        ? sizeA === sizeB
          ? 0
          : Math.PI / 2
        : 2 * Math.asin(Math.min(1, Math.sqrt(unitSquare) / 2)),
    distance: Math.sqrt(square),
    eigenvalueCost,
    alignment: best.C,
  };
};

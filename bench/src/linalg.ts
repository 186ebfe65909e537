/**
 * Dense linear algebra beside ml-matrix and, where Python has it, LAPACK through SciPy: `node bench/dist/linalg.js
 * [--sizes 100,200,400] [--rounds 5] [--only eigen,svd]`. The three take turns on matrices of normal numbers; printed is
 * the least of seconds of the processor (one thread each), so that a machine with other work disturbs it little, and the
 * ratio to ours. At the end residuals, and a few modes of a large matrix.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  continuousLyapunov,
  eigen,
  eigenvalues,
  lu,
  luSolve,
  matrixExponential,
  partialEigen,
  qr,
  schur,
  singularValues,
  svd,
} from '@drnn/linalg';
import { randomMatrix } from '@drnn/linalg/gallery';
import { matrix, type Matrix, transpose } from '@drnn/tensor';
import { capability } from '@drnn/testing';
import {
  EigenvalueDecomposition,
  LuDecomposition,
  Matrix as DenseMatrix,
  QrDecomposition,
  SingularValueDecomposition,
  solve,
} from 'ml-matrix';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,200,400' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
});
const sizes = values.sizes.split(',').map(Number);
const rounds = Number(values.rounds);
const only = values.only === '' ? null : new Set(values.only.split(','));

interface Operation {
  readonly name: string;
  readonly ours: (a: Matrix) => unknown;
  readonly peer: ((a: DenseMatrix) => unknown) | null;
  /** Orders beyond `sizes`. */
  readonly more?: readonly number[];
}

const plus = (a: Matrix, diagonal: number): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((value, k) => value + (k % (a.rows + 1) === 0 ? diagonal : 0)),
  );
const unit = (n: number): Matrix => plus(matrix(n, n), 1);

const operations: readonly Operation[] = [
  { name: 'lu', ours: lu, peer: (a) => new LuDecomposition(a), more: [1000] },
  { name: 'solve', ours: (a) => luSolve(lu(a), transpose(a)), peer: (a) => solve(a, a.transpose()) },
  { name: 'qr', ours: (a) => qr(a), peer: (a) => new QrDecomposition(a).orthogonalMatrix },
  // ml-matrix has no values alone, no left vectors, no Schur form.
  { name: 'eigenvalues', ours: (a) => eigenvalues(a), peer: (a) => new EigenvalueDecomposition(a) },
  { name: 'eigen', ours: (a) => eigen(a), peer: (a) => new EigenvalueDecomposition(a) },
  { name: 'schur', ours: schur, peer: null },
  { name: 'svd', ours: (a) => svd(a), peer: (a) => new SingularValueDecomposition(a) },
  {
    name: 'singular values',
    ours: singularValues,
    peer: (a) =>
      new SingularValueDecomposition(a, { computeLeftSingularVectors: false, computeRightSingularVectors: false }),
  },
  {
    name: 'exponential',
    ours: (a) =>
      matrixExponential(
        matrix(
          a.rows,
          a.columns,
          a.data.map((value) => value / Math.sqrt(a.rows)),
        ),
      ),
    peer: null,
  },
  { name: 'lyapunov', ours: (a) => continuousLyapunov(plus(a, -3 * Math.sqrt(a.rows)), unit(a.rows)), peer: null },
];

/** SciPy in a process of its own, asked line by line; null where there is none. */
const scipy = (): { readonly ask: (question: string) => Promise<number>; readonly close: () => void } | null => {
  const { command, reason } = capability('scipy');
  if (command === null) {
    console.log(`SciPy: ${reason}`);
    return null;
  }
  const child = spawn(command, [fileURLToPath(new URL('../peers/scipy_linalg.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OMP_NUM_THREADS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      child.stdin.write(`${question}\n`);
      const { value, done } = await lines.next();
      return done === true ? Number.NaN : Number(value);
    },
    close: () => child.stdin.end(),
  };
};

/** Seconds of this process's threads. */
const seconds = (work: () => unknown): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

const dense = (a: Matrix): DenseMatrix => DenseMatrix.from1DArray(a.rows, a.columns, a.data);
const milliseconds = (time: number): string => (Number.isFinite(time) ? (1000 * time).toFixed(1) : '-').padStart(9);
const ratio = (time: number, ours: number): string =>
  (Number.isFinite(time) ? (time / ours).toFixed(2) : '-').padStart(7);

const largestResidual = (a: Matrix): number => {
  const n = a.rows;
  const { values: spectrum, right } = eigen(a);
  const norm = Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));
  let worst = 0;
  for (let k = 0; k < n; k++) {
    const [re, im] = [spectrum.real[k]!, spectrum.imaginary[k]!];
    for (let i = 0; i < n; i++) {
      let x = 0;
      let y = 0;
      for (let j = 0; j < n; j++) {
        x += a.data[i * n + j]! * right.real.data[j * n + k]!;
        y += a.data[i * n + j]! * right.imaginary.data[j * n + k]!;
      }
      const [p, q] = [right.real.data[i * n + k]!, right.imaginary.data[i * n + k]!];
      worst = Math.max(worst, Math.hypot(x - re * p + im * q, y - re * q - im * p) / norm);
    }
  }
  return worst;
};

const lapack = scipy();
console.log(
  `Node ${process.version}, ml-matrix 6.15.1, load ${loadavg()[0]?.toFixed(1)}; least of ${rounds}, ms of the processor`,
);
console.log('operation            n      ours ml-matrix   ratio     SciPy   ratio');
for (const { name, ours, peer, more = [] } of operations) {
  if (only !== null && !only.has(name)) continue;
  for (const n of [...sizes, ...more]) {
    const best = { ours: Infinity, peer: Number.NaN, lapack: Number.NaN };
    const a = randomMatrix(n, n, 1);
    const b = dense(a);
    for (let round = 0; round < rounds; round++) {
      best.ours = Math.min(
        best.ours,
        seconds(() => ours(a)),
      );
      // The peer needs seconds at n = 400: two turns tell enough.
      if (peer !== null && (n < 300 || round < 2)) {
        const time = seconds(() => peer(b));
        best.peer = Number.isFinite(best.peer) ? Math.min(best.peer, time) : time;
      }
      if (lapack !== null) {
        const time = await lapack.ask(`${name} ${n}`);
        best.lapack = Number.isFinite(best.lapack) ? Math.min(best.lapack, time) : time;
      }
    }
    console.log(
      `${name.padEnd(16)} ${String(n).padStart(5)} ${milliseconds(best.ours)} ${milliseconds(best.peer)} ${ratio(best.peer, best.ours)} ${milliseconds(best.lapack)} ${ratio(best.lapack, best.ours)}`,
    );
  }
}
if (only === null) {
  const n = sizes.at(-1) ?? 100;
  const theirs = lapack === null ? Number.NaN : await lapack.ask(`residual ${n}`);
  console.log(
    `|A r - lambda r| / |A| at n = ${n}: ours ${largestResidual(randomMatrix(n, n, 1)).toExponential(1)}, SciPy ${theirs.toExponential(1)}`,
  );
  const large = matrix(
    1000,
    1000,
    randomMatrix(1000, 1000, 1).data.map((value) => value / Math.sqrt(1000)),
  );
  const time = seconds(() => partialEigen(large, { count: 8, near: 1 }));
  console.log(`8 modes near 1 of n = 1000, both sides: ${milliseconds(time).trim()} ms`);
}
lapack?.close();

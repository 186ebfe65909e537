/**
 * How fast the CPU backend is on this machine: `node bench/dist/speed.js`. Every line is the median of repeated runs,
 * by wall clock and by the processor time of this process (which other jobs on the machine disturb less); the ratio is
 * to a plain triple loop timed in the same run, at 512 x 512 x 512.
 */
import { cpus, loadavg } from 'node:os';
import { backend, host } from '@drnn/backend-cpu';
import {
  blockLength,
  compile,
  div,
  type Expression,
  log2cosh,
  matrix,
  type Matrix,
  mul,
  pointwise,
  runProgram,
  scratchFor,
  square,
  sub,
  tanh,
  transferDifference,
} from '@drnn/tensor';

interface Timing {
  readonly wall: number;
  readonly processor: number;
  readonly runs: number;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Milliseconds: medians of at least five runs and half a second, after two to warm up. */
const time = async (act: () => unknown): Promise<Timing> => {
  await act();
  await act();
  const wall: number[] = [];
  const processor: number[] = [];
  let total = 0;
  while (wall.length < 5 || (total < 500 && wall.length < 1000)) {
    const before = process.cpuUsage();
    const start = performance.now();
    await act();
    const elapsed = performance.now() - start;
    const used = process.cpuUsage(before);
    wall.push(elapsed);
    processor.push((used.user + used.system) / 1000);
    total += elapsed;
  }
  return { wall: median(wall), processor: median(processor), runs: wall.length };
};

let seed = 1;
/** Uniform in [-1, 1) by Lehmer's generator: the values do not matter, only that they are ordinary. */
const random = (rows: number, columns: number): Matrix => {
  const result = matrix(rows, columns);
  for (let i = 0; i < result.data.length; i++) {
    seed = (seed * 48271) % 2147483647;
    result.data[i] = (2 * seed) / 2147483647 - 1;
  }
  return result;
};

const naiveProduct = (a: Matrix, b: Matrix, c: Matrix): void => {
  const [m, k, n] = [a.rows, a.columns, b.columns];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a.data[i * k + p]! * b.data[p * n + j]!;
      c.data[i * n + j] = sum;
    }
  }
};

let naiveRate = Number.NaN;

/** Prints one line; `flop` is the whole count of one run. */
const report = async (name: string, flop: number, act: () => unknown): Promise<number> => {
  const { wall, processor, runs } = await time(act);
  const rate = flop / processor / 1e6;
  const ratio = Number.isNaN(naiveRate) ? '' : `  ${(rate / naiveRate).toFixed(1)}x naive`;
  console.log(
    `${name.padEnd(44)} ${(flop / wall / 1e6).toFixed(2).padStart(6)} GFLOP/s wall ${rate.toFixed(2).padStart(6)} processor ${wall.toFixed(2).padStart(9)} ms  (${runs} runs)${ratio}`,
  );
  return rate;
};

const reportPointwise = async (name: string, expressions: readonly Expression[]): Promise<void> => {
  const count = 256 * 500;
  const program = compile(expressions);
  const scratch = scratchFor(program);
  const inputs = program.variables.map(() => random(count, 1).data);
  const outputs = expressions.map(() => new Float64Array(count));
  const { wall, processor } = await time(() => runProgram(program, inputs, outputs, count, scratch));
  console.log(
    `${name.padEnd(44)} ${((wall * 1e6) / count).toFixed(2).padStart(6)} ns an element wall ${((processor * 1e6) / count).toFixed(2).padStart(6)} processor  (${program.instructions.length} instructions)`,
  );
};

const reportPass = async (units: number, steps: number): Promise<void> => {
  const on = await backend();
  const design = await on.rows(random(steps, units));
  const target = random(steps, units);
  target.data.forEach((x, i) => (target.data[i] = 0.9 * x));
  const data = { d: await on.rows(target) };
  const slope = pointwise(({ z, d }) => div(sub(tanh(z), d), sub(1, square(d))));
  const value = pointwise(({ z, d }) => sub(log2cosh(z), mul(d, z)));
  const theta = random(units, units);
  for (let i = 0; i < theta.data.length; i++) theta.data[i] = theta.data[i]! / Math.sqrt(units);
  await report(`pass N=${units} T=${steps}, gradient`, 4 * steps * units * units, () =>
    on.pass(design, { currents: { z: theta }, data, backProject: [slope] }),
  );
  await report(`pass N=${units} T=${steps}, gradient and value`, 4 * steps * units * units, () =>
    on.pass(design, { currents: { z: theta }, data, backProject: [slope], columnSums: [value] }),
  );
  await report(`gram N=${units} T=${steps}`, steps * units * units, () => on.gram(design));
  await on.close();
};

const load = loadavg().map((x) => x.toFixed(2));
console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} processors, load ${load.join(' ')}`);
console.log(
  `Node ${process.versions.node}, V8 ${process.versions.v8}, ${process.platform} ${process.arch}; one thread`,
);
console.log('');

const a = random(512, 512);
const b = random(512, 512);
const c = matrix(512, 512);
naiveRate = await report('naive triple loop 512 x 512 x 512', 2 * 512 ** 3, () => naiveProduct(a, b, c));
await report('GEMM 512 x 512 x 512', 2 * 512 ** 3, () => host.matMul(a, b, { out: c }));

const [m, k, n] = [10000, 500, 500];
for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const left = transposeA ? random(k, m) : random(m, k);
    const right = transposeB ? random(n, k) : random(k, n);
    const out = matrix(m, n);
    const name = `GEMM ${m} x ${k} x ${n} ${transposeA ? "A'" : 'A'} ${transposeB ? "B'" : 'B'}`;
    await report(name, 2 * m * k * n, () => host.matMul(left, right, { transposeA, transposeB, out }));
  }
}
const design = random(m, k);
const residual = random(m, n);
const gradient = matrix(k, n);
await report(`GEMM ${k} x ${m} x ${n} X'E`, 2 * m * k * n, () =>
  host.matMul(design, residual, { transposeA: true, out: gradient }),
);
for (const size of [3, 10, 30, 100]) {
  const [p, q, r] = [random(size, size), random(size, size), matrix(size, size)];
  await report(`GEMM ${size} x ${size} x ${size}, 100 times`, 200 * size ** 3, () => {
    for (let i = 0; i < 100; i++) host.matMul(p, q, { out: r });
  });
}

const metric = matrix(k, k);
await report(`SYRK ${m} x ${k} (half counted)`, m * k * k, () => host.gram(design, undefined, metric));
for (let i = 0; i < k; i++) metric.data[i * k + i] = metric.data[i * k + i]! + 1;
const factor = matrix(k, k);
await report(`Cholesky ${k}`, k ** 3 / 3, () => host.cholesky(metric, factor));
const factored = host.cholesky(metric, factor);
if (factored.ok) {
  const out = matrix(k, n);
  await report(`Cholesky solve ${k}, ${n} right sides`, 2 * k * k * n, () =>
    host.choleskySolve(factored.factor, gradient, out),
  );
}
const symmetric = host.gram(random(220, 200));
await report('symmetric eigendecomposition 200 (9 n^3)', 9 * 200 ** 3, () => host.eigh(symmetric));
console.log('');

await reportPass(100, 10000);
await reportPass(500, 7500);
console.log('');

console.log(`pointwise programs on 256 x 500 elements, blocks of ${blockLength}`);
await reportPointwise('tanh z', [pointwise(({ z }) => tanh(z))]);
await reportPointwise('tanh z - d', [pointwise(({ z, d }) => sub(tanh(z), d))]);
await reportPointwise('(tanh z - d) / (1 - d^2)', [pointwise(({ z, d }) => div(sub(tanh(z), d), sub(1, square(d))))]);
await reportPointwise('log 2cosh z - d z', [pointwise(({ z, d }) => sub(log2cosh(z), mul(d, z)))]);
await reportPointwise('transferDifference(z, y)', [pointwise(({ z, y }) => transferDifference(z, y))]);

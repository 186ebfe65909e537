import {
  type Accuracy,
  type Backend,
  backendOf,
  type Engine,
  type Issue,
  matrix,
  type Numbers,
  type Precision,
  readRows,
  refuse,
} from '@drnn/tensor';
import { createBuffers } from './buffers.js';
import { createGemm } from './gemm.js';
import { hostWith } from './host.js';
import { createCompiler, fusedPass, gramEachOfRows, gramOfRows, type Workshop } from './pass.js';
import { type Stored, storedValues, sweep } from './rows.js';

/** How this backend is made. */
export interface CpuOptions {
  /**
   * `float64` (the default, as this is the reference), or `mixed`: rows are stored as float32, which halves their
   * memory; arithmetic stays float64, since JavaScript has no faster float32.
   */
  readonly precision?: Precision;
}

const accuracies: Readonly<Record<Precision, Accuracy>> = {
  // A product sums up to 256 terms one by one: at worst, with all alike, each rounds the same way.
  float64: { pointwise: 1e-15, absolute: 5e-324, product: 3e-14, propagatesNaN: true },
  // Rows, data and what is kept are rounded to float32 once each: half a unit of 1.2e-7.
  mixed: { pointwise: 1.2e-7, absolute: 1.5e-45, product: 2.4e-7, propagatesNaN: true },
};

/**
 * The reference backend: plain TypeScript on typed arrays, one thread, no dependencies. Passes run to their end
 * without giving up the thread unless rows are streamed from an asynchronous source. Close it with `close()`; a second
 * one is independent.
 */
export const backend = async (options: CpuOptions = {}): Promise<Backend> => {
  const issues: Issue[] = Object.keys(options)
    .filter((key) => key !== 'precision')
    .map((key) => ({ path: `backend-cpu ${key}`, seen: 'an unknown option', expected: 'precision' }));
  const precision = options.precision ?? 'float64';
  if (precision !== 'float64' && precision !== 'mixed')
    issues.push({ path: 'backend-cpu precision', seen: String(precision), expected: 'float64 or mixed' });
  refuse(issues);

  const gemm = createGemm();
  const pools = {
    double: createBuffers((length) => new Float64Array(length)),
    single: createBuffers((length) => new Float32Array(length)),
  };
  const workshop: Workshop = { gemm, precision, pools, compiler: createCompiler() };
  const kept = (rows: number, columns: number, values: Numbers): Stored => ({
    kind: 'resident',
    rows,
    columns,
    values,
  });

  const engine: Engine<Stored> = {
    name: 'cpu',
    precision,
    threads: 1,
    accuracy: accuracies[precision],
    host: hostWith(gemm),
    store: (source) =>
      'blocks' in source
        ? { kind: 'streamed', rows: source.rows, columns: source.columns, source }
        : kept(source.rows, source.columns, storedValues('rows', source.data, precision)),
    copy: async (source) => {
      const { rows, columns } = source;
      const values = precision === 'float64' ? new Float64Array(rows * columns) : new Float32Array(rows * columns);
      await readRows('rows', source, values);
      return kept(rows, columns, values);
    },
    bytes: (stored) => (stored.kind === 'resident' ? stored.values.byteLength : 0),
    free: () => undefined,
    read: async (stored) => {
      const result = matrix(stored.rows, stored.columns);
      await sweep([stored], 256, precision, pools, (start, length, { values, offset }) => {
        result.data.set(values.subarray(offset, offset + length * stored.columns), start * stored.columns);
      });
      return result;
    },
    pass: async (design, data, request, shape) => {
      const result = await fusedPass(workshop, design, data, request, shape);
      return { ...result, kept: result.kept.map((values) => kept(shape.time, shape.units, values)) };
    },
    gram: (design, weights) => gramOfRows(workshop, design, weights),
    gramEach: (design, weights, from, to) => gramEachOfRows(workshop, design, weights, from, to),
    close: () => {
      pools.double.clear();
      pools.single.clear();
    },
  };
  return backendOf(engine);
};

import { type Accuracy, DrnnError, failure } from '@drnn/tensor';
import { engine as globalEngine, type KernelBackend } from '@tensorflow/tfjs-core';
import type { DeviceArray, TfjsEngine } from './engine.js';
import { createEvaluator } from './evaluate.js';
import { kernelsOf } from './kernels.js';

/** What one kind of engine is like. */
export interface TfjsEngineOptions {
  /** What errors call it. Default `tfjs-` and the kind. */
  readonly name?: string;
  /** Default 1. */
  readonly threads?: number;
  /** Default: `cautious`. */
  readonly accuracy?: Accuracy;
  readonly limits?: Partial<TfjsEngine['limits']>;
  /** Default 512: the fewer, the better the sums; the more, the less comes down. */
  readonly chunkRows?: number;
  /**
   * Whether products with a transposed left operand are as fast as others. Default false: operands are transposed
   * ahead, chunk by chunk, as the wasm engine would go through a scalar path of a tenth of the speed.
   */
  readonly transposesFast?: boolean;
  /** Ends the instance. Default its `dispose`. */
  readonly close?: () => void;
}

/**
 * What an engine unknown to us is believed: functions as graphics drivers make them. Products as in the wasm engine,
 * where they were measured.
 */
const cautious: Accuracy = { pointwise: 4e-6, absolute: 1e-6, product: 1e-6, propagatesNaN: false };

/** Rows whose sums are taken in one float32 sum; the parts are added on the host in float64. */
const rowsOfPart = 64;

/** [part, row] with 1 where the row belongs to the part: times e, it gives the sums of the parts. */
const partSelector = (rows: number): { readonly parts: number; readonly values: Float32Array } => {
  const parts = Math.ceil(rows / rowsOfPart);
  const values = new Float32Array(parts * rows);
  for (let row = 0; row < rows; row++) values[Math.floor(row / rowsOfPart) * rows + row] = 1;
  return { parts, values };
};

/**
 * An engine from an instance of a TensorFlow.js backend (`KernelBackend`) and the name of its kernels: `wasm`, `webgpu`,
 * `webgl`, `cpu`. The instance is the engine's own from here on, and ends with it; `registeredInstance` makes a fresh one.
 */
export const tfjsEngine = (kind: string, instance: KernelBackend, options: TfjsEngineOptions = {}): TfjsEngine => {
  const name = options.name ?? `tfjs-${kind}`;
  const accuracy = options.accuracy ?? cautious;
  const chunkRows = options.chunkRows ?? 512;
  const kernels = kernelsOf(kind, instance);

  const upload: TfjsEngine['upload'] = (values, rows, columns) => {
    const shape = [rows, columns];
    return { dataId: instance.write(values, shape, 'float32'), shape, dtype: 'float32' };
  };
  const dispose: TfjsEngine['dispose'] = ({ dataId }) => void instance.disposeData(dataId);
  const product = (a: DeviceArray, transposeA: boolean, b: DeviceArray): DeviceArray =>
    kernels.run('BatchMatMul', { a, b }, { transposeA, transposeB: false });
  const multiply: TfjsEngine['multiply'] = (a, transposeA, b) => {
    if (!transposeA || options.transposesFast === true) return product(a, transposeA, b);
    const ahead = kernels.run('Transpose', { x: a }, { perm: [1, 0] });
    try {
      return product(ahead, false, b);
    } finally {
      dispose(ahead);
    }
  };
  const evaluator = createEvaluator({
    kernels,
    target: { log1p: false, losesNaN: accuracy.propagatesNaN },
    upload,
    dispose,
  });

  return {
    name,
    threads: options.threads ?? 1,
    accuracy,
    chunkRows,
    sumRows: chunkRows,
    limits: { array: options.limits?.array ?? Infinity, total: options.limits?.total ?? Infinity },
    burst: (work) => {
      kernels.bind(instance);
      try {
        return work();
      } catch (error) {
        throw error instanceof DrnnError ? error : engineFault(name, error);
      } finally {
        // A program's own TensorFlow.js of this kind finds its kernels as it left them.
        const other = globalEngine().registry[kind];
        if (other !== undefined) kernels.bind(other);
      }
    },
    upload,
    multiply,
    evaluate: ({ project, sums, keep }, inputs, rows, columns) => {
      const all = evaluator([...project, ...keep, ...sums], inputs, rows, columns);
      const values = all.slice(0, project.length + keep.length);
      const terms = all.slice(values.length);
      const made: DeviceArray[] = [];
      try {
        if (terms.length > 0) {
          const { parts, values: ones } = partSelector(rows);
          const selector = upload(ones, parts, rows);
          try {
            for (const e of terms) made.push(product(selector, false, e));
          } finally {
            dispose(selector);
          }
        }
        return { project: values.slice(0, project.length), sums: made, keep: values.slice(project.length), faults: [] };
      } catch (error) {
        [...made, ...values].forEach(dispose);
        throw error;
      } finally {
        terms.forEach(dispose);
      }
    },
    download: async ({ dataId }) => {
      const values = await instance.read(dataId);
      if (!(values instanceof Float32Array)) throw new Error(`backend-${name} gave no float32 numbers`);
      return values;
    },
    dispose,
    arrays: () => instance.numDataIds(),
    close: options.close ?? (() => instance.dispose()),
  };
};

/** The error for what an engine throws of itself. */
export const engineFault = (
  name: string,
  error: unknown,
  hint = 'it may be out of memory: make a new backend, stream the rows, or take @drnn/backend-wasm',
): DrnnError =>
  failure(
    {
      path: `backend-${name}`,
      seen: error instanceof Error ? error.message : String(error),
      expected: 'an engine that can go on',
      hint,
    },
    error,
  );

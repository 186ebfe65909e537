import { backend } from '@drnn/backend-wasm';
import { matrix } from '@drnn/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { version_wasm } from '@tensorflow/tfjs-backend-wasm';
import { positiveDefinite, random } from './passes.js';
import type { Player } from './player.js';
import { type Recording, samplesOf } from './recording.js';
import type { Act } from './timing.js';

const clip = 0.2;

const tensorOf = (values: Float64Array, rows: number, columns: number): tf.Tensor2D =>
  tf.tensor2d(Float32Array.from(values), [rows, columns]);

/**
 * The iteration as a user of TensorFlow.js writes it, from the plain functions of its wasm engine: the transpose of X
 * kept beside it, as products with a transposed operand take a slow path; weights and targets made once; results by
 * `data()`. TensorFlow.js has no Cholesky: the solve is that of our Wasm host, so that both sides have the same.
 */
export const tfjsComposedPlayer = async (): Promise<Player> => {
  await tf.setBackend('wasm');
  await tf.ready();
  const { host } = await backend({ precision: 'float64', threads: 1 });
  let held: tf.Tensor[] = [];
  const hold = (tensor: tf.Tensor2D): tf.Tensor2D => {
    held.push(tensor);
    return tensor;
  };

  const product = (steps: number, units: number, transposed: boolean): Act => {
    const [rows, inner] = transposed ? [units, steps] : [steps, units];
    const left = hold(tensorOf(random(rows, inner).data, rows, inner));
    const right = hold(tensorOf(random(inner, units).data, inner, units));
    return async () => {
      const result = tf.matMul(left, right);
      // Its kernels run at once: nothing more is waited for, and T x N numbers need not come back.
      if (transposed) await result.data();
      result.dispose();
    };
  };

  const gradientOf = (recording: Recording) => {
    const { steps, units } = recording;
    const samples = samplesOf(recording);
    const x = hold(tensorOf(samples.x.data, steps, units));
    const d = hold(tensorOf(samples.d.data, steps, units));
    const w = hold(tensorOf(samples.w.data, steps, units));
    const transposed = hold(tf.transpose(x));
    return async (): Promise<Float64Array> => {
      const gradient = tf.tidy(() => {
        const theta = tensorOf(recording.theta.data, units, units);
        const currents = tf.matMul(x, theta);
        const errors = tf.clipByValue(tf.mul(w, tf.sub(tf.tanh(currents), d)), -clip, clip);
        return tf.matMul(transposed, errors);
      });
      const values = Float64Array.from(await gradient.data());
      gradient.dispose();
      return values;
    };
  };

  const iteration = (recording: Recording): Act => {
    const { units } = recording;
    const gradient = gradientOf(recording);
    const factored = host.cholesky(positiveDefinite(units));
    if (!factored.ok) throw new Error('not positive definite');
    const out = matrix(units, units);
    return async () => host.choleskySolve(factored.factor, matrix(units, units, await gradient()), out);
  };

  return {
    introduction: {
      says: `TensorFlow.js ${tf.version_core}, engine ${tf.getBackend()} ${version_wasm}`,
      library: null,
    },
    prepare: async (operation, recording) => {
      if (operation.kind === 'product') return product(operation.steps, operation.units, operation.transposed);
      if (recording !== null && operation.kind === 'pass' && !operation.value) return gradientOf(recording);
      if (recording !== null && operation.kind === 'iteration') return iteration(recording);
      throw new Error(`${operation.kind} is not composed`);
    },
    release: () => {
      tf.dispose(held);
      held = [];
    },
  };
};

import { type DeviceArray, engineFault, type TfjsEngine, tfjsEngine } from '@drnn/backend-tfjs';
import { type Accuracy, DrnnError, failure } from '@drnn/tensor';
import { env } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { createFused } from './fused.js';
import type { Gpu } from './gpu.js';

/**
 * Functions are made of operations that WGSL holds to 2.5 units (`functions.ts`), composites of several; on SwiftShader
 * all are within 2.5e-7. Subnormals may be 0, and so may results below 2^-126. A product is a running float32 sum of at
 * most 256 terms (of all predictors in X Theta): within 1e-7 of their absolute sum for random signs, 5e-7 for one sign.
 * Only where all terms are alike, so that each rounds the same way, half a unit a term is possible (8e-6). NaN means
 * nothing on a device: it is refused on the way in and out.
 */
const accuracy: Accuracy = { pointwise: 1e-6, absolute: 2.4e-38, product: 1e-6, propagatesNaN: false };

const [chunkRows, sumRows] = [2048, 256];

/** What may go wrong in a burst; each kind of error has a scope of its own. */
const errorKinds = ['validation', 'out-of-memory', 'internal'] as const;

/** tfjs's number of its tiled product, and of its rule for choosing one. */
const [tiledProduct, chosenProduct] = [3, -1];
/** From this inner size on tfjs may split a product over invocations that add atomically, in an order of chance. */
const splitFrom = 2000;

/**
 * The engine on a device of our own: tfjs-backend-webgpu's buffers and products, our fused programs on them. Whatever
 * the device finds wrong (a program that does not compile, memory that runs out) comes out as an error of the burst
 * that asked for it, as left alone it would give zeros and a line on the console.
 */
export const deviceEngine = (gpu: Gpu, instance: WebGPUBackend): TfjsEngine => {
  const { device, surroundings } = gpu;
  const plain = tfjsEngine('webgpu', instance, {
    name: 'webgpu',
    accuracy,
    limits: { array: Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize) },
    transposesFast: true,
    chunkRows,
  });
  const fused = createFused(instance);

  let lost: GPUDeviceLostInfo | null = null;
  let closed = false;
  void device.lost.then((info) => (lost = info));
  const lostError = ({ message, reason }: GPUDeviceLostInfo, cause?: unknown): DrnnError =>
    failure(
      {
        path: 'backend-webgpu',
        seen: `a lost device (${gpu.description}): ${message || reason || 'no reason given'}`,
        expected: 'a device that lasts',
        code: 'device-lost',
        hint: 'close this backend and make a new one, here or elsewhere; fit goes on by itself with fallback (--fallback)',
      },
      cause,
    );

  /** The verdict of the device on the burst that runs now, or ran last. */
  let verdict: Promise<void> = Promise.resolve();
  const judged = (): Promise<void> =>
    // The last scope that was pushed comes off first; on a lost device none does.
    Promise.all(errorKinds.map(() => device.popErrorScope().catch(() => null))).then((popped) => {
      const errors = popped.toReversed();
      const at = errors.findIndex((one) => one !== null);
      const message = errors[at]?.message.trim();
      if (message === undefined) return;
      const hint =
        errorKinds[at] === 'out-of-memory'
          ? 'the device is out of memory: release rows, stream them, or take @drnn/backend-wasm'
          : 'the device refused our program: please report this, and take @drnn/backend-wasm meanwhile';
      throw engineFault('webgpu', new Error(message), hint);
    });

  const burst: TfjsEngine['burst'] = (work) => {
    if (lost !== null) throw lostError(lost);
    return surroundings(() => {
      for (const kind of errorKinds) device.pushErrorScope(kind);
      let settle: (outcome: Promise<void>) => void = () => undefined;
      verdict = new Promise((resolve) => (settle = resolve));
      // Only a download looks at it.
      verdict.catch(() => undefined);
      try {
        return work();
      } catch (error) {
        throw error instanceof DrnnError
          ? error
          : lost === null
            ? engineFault('webgpu', error)
            : lostError(lost, error);
      } finally {
        settle(judged());
      }
    });
  };

  /** The numbers of an array; tfjs's own read would keep a copy on the host for as long as the array lives. */
  const numbersOf = async ({ dataId }: DeviceArray): Promise<Float32Array> => {
    const { values, resource } = instance.tensorMap.get(dataId);
    if (values instanceof Float32Array) return values;
    if (!(resource instanceof GPUBuffer)) throw new Error('an array without numbers');
    return new Float32Array(await instance.getBufferData(resource));
  };

  const download: TfjsEngine['download'] = async (array) => {
    const ofBurst = verdict;
    try {
      const values = await numbersOf(array);
      await ofBurst;
      return values;
    } catch (error) {
      // Why the burst went wrong says more than that its result cannot be read.
      await ofBurst;
      // The loss is made known a turn after its first victim.
      const loss = lost ?? (await Promise.race([device.lost, new Promise<null>((go) => setTimeout(go, 50, null))]));
      throw loss === null ? engineFault('webgpu', error) : lostError(loss, error);
    }
  };

  /** A product whose sums run in the same order every time. */
  const ordered: TfjsEngine['multiply'] = (a, transposeA, b) => {
    const inner = (transposeA ? a.shape[0] : a.shape[1]) ?? 0;
    const before = env().get('WEBGPU_MATMUL_PROGRAM_TYPE');
    if (inner < splitFrom || before !== chosenProduct) return plain.multiply(a, transposeA, b);
    env().set('WEBGPU_MATMUL_PROGRAM_TYPE', tiledProduct);
    try {
      return plain.multiply(a, transposeA, b);
    } finally {
      env().set('WEBGPU_MATMUL_PROGRAM_TYPE', before);
    }
  };

  /** A' B as the sum of the products of parts of `sumRows` rows, where the device has room for all of these at once. */
  const partwise = (a: DeviceArray, b: DeviceArray): DeviceArray => {
    const [[rows = 0, m = 0], [, n = 0]] = [a.shape, b.shape];
    const parts = rows / sumRows;
    if (!Number.isInteger(parts) || parts < 2 || 4 * parts * m * n > plain.limits.array) return ordered(a, true, b);
    const products = plain.multiply({ ...a, shape: [parts, sumRows, m] }, true, { ...b, shape: [parts, sumRows, n] });
    try {
      return { ...fused.sum(products, parts, m * n), shape: [m, n] };
    } finally {
      plain.dispose(products);
    }
  };

  return {
    ...plain,
    chunkRows,
    sumRows,
    burst,
    download,
    evaluate: fused.evaluate,
    multiply: (a, transposeA, b) => (transposeA ? partwise(a, b) : ordered(a, false, b)),
    dispose: (array) => {
      if (!closed) surroundings(() => plain.dispose(array));
    },
    close: () => {
      closed = true;
      surroundings(() => instance.dispose());
      device.destroy();
    },
  };
};

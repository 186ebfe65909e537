import { backendOn, loadedLast, optionIssues, type TfjsOptions } from '@drnn/backend-tfjs';
import { type Backend, refuse } from '@drnn/tensor';
import { deviceEngine } from './device-engine.js';
import { openGpu } from './gpu.js';

/** How this backend is made. */
export type WebgpuOptions = TfjsOptions;

export interface WebgpuBackend extends Backend {
  /** What runs the programs, in words: `adapter: nvidia ampere`, or `software adapter: SwiftShader driver 5.0.0`. */
  readonly device: string;
}

/**
 * The graphics processor: rows, products and expressions on a WebGPU device in float32 (mixed precision), one fused
 * WGSL program an expression; sums over chunks of rows, Gram matrices and all algebra on the host in float64.
 * In browsers the page's device; in Node that of the npm package `webgpu`, and where the machine has no graphics
 * processor the software adapter of an installed Chromium, which is right but slow. Every backend has a device of its
 * own. NaN and infinity are refused on the way in and out. Errors: no WebGPU, no adapter; `float64` is asked for.
 */
export const backend = async (options: WebgpuOptions = {}): Promise<WebgpuBackend> => {
  refuse(optionIssues('webgpu', options));
  const { WebGPUBackend } = await loadedLast('webgpu', () => import('@tensorflow/tfjs-backend-webgpu'));
  const gpu = await openGpu();
  const instance = gpu.surroundings(() => new WebGPUBackend(gpu.device, gpu.info));
  const { description: device } = gpu;
  return { ...backendOn(deviceEngine(gpu, instance), options), device };
};

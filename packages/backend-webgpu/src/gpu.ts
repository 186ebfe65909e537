import { failure } from '@drnn/tensor';
import { nodeAdapter } from './node-gpu.js';
import { asItIs, type Surroundings, withGlobals } from './surroundings.js';

/** A device of our own, ready for tfjs-backend-webgpu. */
export interface Gpu {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** `adapter: nvidia ampere`, or `software adapter: SwiftShader driver 5.0.0`. */
  readonly description: string;
  readonly surroundings: Surroundings;
}

const isAdapterSource = (value: unknown): value is Pick<GPU, 'requestAdapter'> =>
  typeof value === 'object' && value !== null && 'requestAdapter' in value;

/** `navigator.gpu`, of a page, a Worker or a program that made one. */
const ownGpu = (): Pick<GPU, 'requestAdapter'> | null => {
  const navigator: unknown = Reflect.get(globalThis, 'navigator');
  const gpu: unknown = typeof navigator === 'object' && navigator !== null ? Reflect.get(navigator, 'gpu') : null;
  return isAdapterSource(gpu) ? gpu : null;
};

/** The limits that decide how large arrays and programs may be: all that the adapter has. */
const limits = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** What an adapter says of itself; the types that tfjs brings know `requestAdapterInfo` only, which is gone. */
const infoOf = (adapter: GPUAdapter): GPUAdapterInfo & { readonly isFallback: boolean } => {
  const info: unknown = Reflect.get(adapter, 'info');
  const field = (name: string): unknown => (typeof info === 'object' && info !== null ? Reflect.get(info, name) : null);
  const text = (name: string): string => {
    const value = field(name);
    return typeof value === 'string' ? value : '';
  };
  return {
    __brand: 'GPUAdapterInfo',
    vendor: text('vendor'),
    architecture: text('architecture'),
    device: text('device'),
    description: text('description'),
    isFallback: field('isFallbackAdapter') === true || adapter.isFallbackAdapter,
  };
};

const describe = ({ vendor, architecture, device, description, isFallback }: ReturnType<typeof infoOf>): string => {
  const named = [description, [vendor, architecture, device].filter((word) => word !== '').join(' '), 'unnamed'].find(
    (words) => words !== '',
  );
  const software = isFallback || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${architecture} ${description}`);
  return `${software ? 'software adapter' : 'adapter'}: ${named}`;
};

const openDevice = async (adapter: GPUAdapter, surroundings: Surroundings): Promise<Gpu> => {
  const requiredLimits: Record<string, number> = {};
  for (const limit of limits) requiredLimits[limit] = adapter.limits[limit];
  const info = infoOf(adapter);
  const device = await adapter.requestDevice({ label: 'drnn', requiredLimits });
  return { device, info, description: describe(info), surroundings };
};

/**
 * Opens a device: the page's, or in Node one through the npm package webgpu. Hardware is asked for first. Errors: no
 * WebGPU here; no adapter.
 */
export const openGpu = async (): Promise<Gpu> => {
  const own = ownGpu();
  if (own === null) {
    const { gpu, adapter, globals } = await nodeAdapter();
    return openDevice(adapter, withGlobals(globals, gpu));
  }
  const adapter = await own.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw failure({
      path: 'backend-webgpu',
      seen: 'a browser with WebGPU, but no adapter',
      expected: 'one that WebGPU can use',
      hint: 'switch hardware acceleration on (chrome://gpu says what is missing), or take @drnn/backend-wasm',
    });
  }
  return openDevice(adapter, asItIs);
};

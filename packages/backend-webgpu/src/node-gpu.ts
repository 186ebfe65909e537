import { failure } from '@drnn/tensor';
import {
  hasInstalledDriver,
  isDriverChosen,
  loadVulkan,
  type NodeParts,
  softwareDrivers,
  withDriver,
} from './swiftshader.js';

/** What gives adapters: `navigator.gpu`, or an object of the npm package webgpu. */
export type AdapterSource = Pick<GPU, 'requestAdapter'>;

/** An adapter in Node, with the names that a page would have. */
export interface NodeAdapter {
  readonly gpu: AdapterSource;
  readonly adapter: GPUAdapter;
  readonly globals: Readonly<Record<string, unknown>>;
}

interface WebgpuPackage {
  create(flags: string[]): AdapterSource;
  readonly globals: Readonly<Record<string, unknown>>;
}
const isWebgpuPackage = (loaded: unknown): loaded is WebgpuPackage =>
  typeof loaded === 'object' &&
  loaded !== null &&
  'create' in loaded &&
  typeof loaded.create === 'function' &&
  'globals' in loaded;

const install = 'npm install webgpu@0.6.2';

/** The npm package of that name, which is no literal in the import, so that bundlers for browsers do not follow it. */
export const loadPackage = async (name = 'webgpu'): Promise<WebgpuPackage> => {
  let loaded: unknown;
  try {
    loaded = await import(/* @vite-ignore */ name);
  } catch (error) {
    throw failure(
      {
        path: 'backend-webgpu',
        seen: `no npm package ${name} that loads (${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)})`,
        expected: 'it, as Node has no WebGPU of its own',
        hint: install,
      },
      error,
    );
  }
  if (isWebgpuPackage(loaded)) return loaded;
  throw failure({
    path: 'backend-webgpu',
    seen: `an npm package ${name} without create()`,
    expected: '0.6.2',
    hint: install,
  });
};

const isProcess = (value: unknown): value is NodeJS.Process =>
  typeof value === 'object' && value !== null && 'versions' in value && 'getBuiltinModule' in value;

/** Node's parts; null elsewhere. */
const nodeParts = (): NodeParts | null => {
  const process: unknown = Reflect.get(globalThis, 'process');
  if (!isProcess(process) || process.versions.node === undefined) return null;
  return {
    platform: process.platform,
    environment: process.env,
    files: process.getBuiltinModule('node:fs'),
    loadLibrary: (path) => {
      const [now, keep] = [2, 0x1000];
      try {
        process.dlopen({ exports: {} }, path, now | keep);
        return true;
      } catch (error) {
        // It is no module of Node's, which says so once it is loaded.
        return error instanceof Error && error.message.includes('did not self-register');
      }
    },
  };
};

// Drivers are chosen by the environment, which all share: so one at a time.
let turn: Promise<unknown> = Promise.resolve();

/**
 * An adapter in Node through the npm package webgpu: the hardware's, else SwiftShader from an installed Chromium. The
 * user need not set anything; a driver that the user chose (`VK_ICD_FILENAMES`) is not overridden. Errors: no package;
 * no adapter.
 */
export const nodeAdapter = async (): Promise<NodeAdapter> => {
  const mine = turn.then(findAdapter);
  turn = mine.catch(() => undefined);
  return mine;
};

const findAdapter = async (): Promise<NodeAdapter> => {
  const node = nodeParts();
  if (node === null)
    throw failure({ path: 'backend-webgpu', seen: 'no navigator.gpu', expected: 'a browser with WebGPU, or Node' });
  const { create, globals } = await loadPackage();
  const linux = node.platform === 'linux';
  const vulkan = !linux || loadVulkan(node);
  const ask = async (flags: string[]): Promise<NodeAdapter | null> => {
    const gpu = create(flags);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter === null ? null : { gpu, adapter, globals };
  };

  if (vulkan && (!linux || isDriverChosen(node) || hasInstalledDriver(node))) {
    const found = await ask([]);
    if (found !== null) return found;
  }
  const drivers = vulkan && !isDriverChosen(node) ? softwareDrivers(node) : [];
  for (const driver of drivers) {
    const found = await withDriver(node, driver, () => ask(['backend=vulkan']));
    if (found !== null) return found;
  }
  const seen = !vulkan
    ? 'no Vulkan loader (libvulkan.so.1)'
    : isDriverChosen(node)
      ? 'no adapter with the driver that VK_ICD_FILENAMES or VK_DRIVER_FILES names'
      : drivers.length > 0
        ? `no adapter in hardware, and none with the software driver ${drivers.join(', ')}`
        : 'no graphics adapter, in hardware or software';
  throw failure({
    path: 'backend-webgpu',
    seen,
    expected: 'one that WebGPU can use',
    hint:
      drivers.length > 0
        ? 'worker threads have an environment of their own, which drivers do not see: set VK_ICD_FILENAMES to that file before the program starts, or give workers SHARE_ENV'
        : 'install a driver of the graphics processor, or Chromium, whose software adapter is used (apt-get install chromium); or take @drnn/backend-wasm',
  });
};

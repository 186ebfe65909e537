import { failure } from '@drnn/tensor';
import { getKernel, type KernelBackend, type NamedAttrMap, type NamedTensorInfoMap } from '@tensorflow/tfjs-core';
import type { DeviceArray } from './engine.js';

/** Every kernel that the adapter runs, as TensorFlow.js calls them. */
export type KernelName =
  | 'Abs'
  | 'Add'
  | 'Atanh'
  | 'BatchMatMul'
  | 'Exp'
  | 'Expm1'
  | 'Identity'
  | 'Less'
  | 'LessEqual'
  | 'Log'
  | 'Maximum'
  | 'Minimum'
  | 'Multiply'
  | 'Neg'
  | 'RealDiv'
  | 'Select'
  | 'Sigmoid'
  | 'Sqrt'
  | 'Square'
  | 'Sub'
  | 'Tanh'
  | 'Transpose';

const names: readonly KernelName[] = [
  'Abs',
  'Add',
  'Atanh',
  'BatchMatMul',
  'Exp',
  'Expm1',
  'Identity',
  'Less',
  'LessEqual',
  'Log',
  'Maximum',
  'Minimum',
  'Multiply',
  'Neg',
  'RealDiv',
  'Select',
  'Sigmoid',
  'Sqrt',
  'Square',
  'Sub',
  'Tanh',
  'Transpose',
];

/** The kernels of one instance. */
export interface Kernels {
  run(name: KernelName, inputs: NamedTensorInfoMap, attributes?: NamedAttrMap): DeviceArray;
  /**
   * Makes this instance the one that kernels of its kind work on. Some engines (wasm) keep that in variables of their
   * modules, one for all instances.
   */
  bind(instance: KernelBackend): void;
}

/** The kernels that are registered under `kind` (`wasm`, `webgpu`, `webgl`, `cpu`), run on `instance`. */
export const kernelsOf = (kind: string, instance: KernelBackend): Kernels => {
  const found = new Map(names.map((name) => [name, getKernel(name, kind)]));
  const missing = names.filter((name) => (found.get(name) ?? null) === null);
  if (missing.length > 0) {
    throw failure({
      path: `backend-tfjs ${kind}`,
      seen: missing.length === names.length ? 'no kernels of that name' : `no kernels ${missing.join(', ')}`,
      expected: 'an engine of TensorFlow.js 4.22 that is imported',
      hint: `import '@tensorflow/tfjs-backend-${kind}' first, beside one @tensorflow/tfjs-core only`,
    });
  }
  const setups = [...found.values()].flatMap((kernel) => (kernel?.setupFunc === undefined ? [] : [kernel.setupFunc]));
  return {
    run: (name, inputs, attributes = {}) => {
      const result = found.get(name)?.kernelFunc({ inputs, attrs: attributes, backend: instance });
      if (result === undefined || Array.isArray(result)) throw new Error(`kernel ${name} gave no single array`);
      return result;
    },
    bind: (to) => setups.forEach((setup) => setup(to)),
  };
};

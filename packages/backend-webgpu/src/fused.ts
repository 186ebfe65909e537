import type { DeviceArray, Evaluated, Wanted } from '@drnn/backend-tfjs';
import { type Expression, failure, variable } from '@drnn/tensor';
import type { WebGPUBackend, WebGPUProgram } from '@tensorflow/tfjs-backend-webgpu';
import { type Purpose, rowsOfPart, type Shader, shaderOf } from './wgsl.js';

const workgroup = 64;

/** Runs expressions on the buffers of one tfjs-backend-webgpu instance, one fused program each. */
export const createFused = (instance: WebGPUBackend) => {
  const shaders = new Map<Purpose, WeakMap<Expression, Shader>>();
  // tfjs caches pipelines by a key, and two programs of one key would be taken for each other: so no hash but a number.
  const keys = new Map<string, string>();
  const mostInputs = instance.device.limits.maxStorageBuffersPerShaderStage - 1;

  const shaderFor = (e: Expression, purpose: Purpose): Shader => {
    const known = shaders.get(purpose) ?? new WeakMap<Expression, Shader>();
    shaders.set(purpose, known);
    const shader = known.get(e) ?? shaderOf(e, purpose);
    known.set(e, shader);
    if (shader.variables.length > mostInputs) {
      throw failure({
        path: 'pass expressions',
        seen: `${shader.variables.length} variables in one expression`,
        expected: `at most ${mostInputs}, as the device allows`,
        hint: 'combine data ahead, or take another backend',
      });
    }
    return shader;
  };

  const run = (
    e: Expression,
    purpose: Purpose,
    inputs: Readonly<Record<string, DeviceArray>>,
    rows: number,
    columns: number,
  ): DeviceArray => {
    const { variables, code } = shaderFor(e, purpose);
    const outRows = purpose === 'values' ? rows : Math.ceil(rows / rowsOfPart);
    const size = outRows * columns;
    const key = keys.get(code) ?? `drnn ${keys.size}`;
    keys.set(code, key);
    const program: WebGPUProgram = {
      outputShape: [size],
      dispatchLayout: { x: [0] },
      dispatch: [Math.ceil(size / workgroup), 1, 1],
      workgroupSize: [workgroup, 1, 1],
      variableNames: variables.map((_, k) => `v${k}`),
      uniforms: 'rows : i32, columns : i32,',
      size: true,
      shaderKey: key,
      getUserCode: () => code,
    };
    const operands = variables.map((name): DeviceArray => {
      const array = inputs[name];
      if (array === undefined) throw new Error('a variable without a value');
      return { ...array, shape: [rows * columns] };
    });
    const sizes = [
      { type: 'int32', data: [rows] },
      { type: 'int32', data: [columns] },
    ];
    return { ...instance.runWebGPUProgram(program, operands, 'float32', sizes), shape: [outRows, columns] };
  };

  const itself = variable('e');
  /** The sum over the rows of an array [row, column], at most 32 rows: [1, column]. */
  const sum = (e: DeviceArray, rows: number, columns: number): DeviceArray => run(itself, 'sums', { e }, rows, columns);

  const evaluate = (
    { project, sums, keep }: Wanted,
    inputs: Readonly<Record<string, DeviceArray>>,
    rows: number,
    columns: number,
  ): Evaluated => {
    const made: DeviceArray[] = [];
    const each = (expressions: readonly Expression[], purpose: Purpose): readonly DeviceArray[] =>
      expressions.map((e) => {
        const array = run(e, purpose, inputs, rows, columns);
        made.push(array);
        return array;
      });
    try {
      const kept = each(keep, 'values');
      return {
        project: each(project, 'values'),
        sums: each(sums, 'sums'),
        keep: kept,
        faults: kept.map((e) => {
          const array = run(itself, 'faults', { e }, rows, columns);
          made.push(array);
          return array;
        }),
      };
    } catch (error) {
      made.forEach(({ dataId }) => instance.disposeData(dataId));
      throw error;
    }
  };
  return { evaluate, sum };
};

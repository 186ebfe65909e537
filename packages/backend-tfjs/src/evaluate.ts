import {
  type BinaryOperation,
  compile,
  type Expression,
  failure,
  type Program,
  type UnaryOperation,
} from '@drnn/tensor';
import type { DeviceArray } from './engine.js';
import type { KernelName, Kernels } from './kernels.js';
import { lowered, type Lowering } from './lower.js';

/** The kernel of each operation that remains after lowering. */
const unaryKernels: Readonly<Partial<Record<UnaryOperation, KernelName>>> = {
  negate: 'Neg',
  abs: 'Abs',
  square: 'Square',
  sqrt: 'Sqrt',
  exp: 'Exp',
  expm1: 'Expm1',
  log: 'Log',
  tanh: 'Tanh',
  atanh: 'Atanh',
  logistic: 'Sigmoid',
};
const binaryKernels: Readonly<Partial<Record<BinaryOperation, KernelName>>> = {
  add: 'Add',
  subtract: 'Sub',
  multiply: 'Multiply',
  divide: 'RealDiv',
  min: 'Minimum',
  max: 'Maximum',
};

/** Keeps the programs of the expressions that were asked for last. */
const createCompiler = (target: Lowering): ((expressions: readonly Expression[]) => Program) => {
  const recent: { readonly expressions: readonly Expression[]; readonly program: Program }[] = [];
  return (expressions) => {
    const at = recent.findIndex(
      (item) =>
        item.expressions.length === expressions.length && item.expressions.every((e, k) => e === expressions[k]),
    );
    const found = at < 0 ? undefined : recent.splice(at, 1)[0];
    const item = found ?? { expressions, program: compile(expressions.map(lowered(target))) };
    recent.unshift(item);
    recent.length = Math.min(recent.length, 32);
    return item.program;
  };
};

/** What expression evaluation needs of an engine. */
export interface Arithmetic {
  readonly kernels: Kernels;
  readonly target: Lowering;
  upload(values: Float32Array, rows: number, columns: number): DeviceArray;
  dispose(array: DeviceArray): void;
}

/** What a register holds: an input, which is the caller's, or an array of the run's own. Constants are [1, 1]. */
interface Register {
  readonly array: DeviceArray;
  readonly own: boolean;
}

/**
 * Expressions on arrays [row, column] of one shape, one kernel an operation; equal parts are computed once. An array is
 * given up as soon as nothing needs it. The results are new arrays of that shape.
 */
export const createEvaluator = ({ kernels, target, upload, dispose }: Arithmetic) => {
  const programOf = createCompiler(target);
  return (
    expressions: readonly Expression[],
    inputs: Readonly<Record<string, DeviceArray>>,
    rows: number,
    columns: number,
  ): readonly DeviceArray[] => {
    const program = programOf(expressions);
    const registers: (Register | undefined)[] = [];
    const results: DeviceArray[] = [];
    const held = (index: number): DeviceArray => {
      const register = registers[index];
      if (register === undefined) throw new Error(`register ${index} was never set`);
      return register.array;
    };
    const isSmall = (array: DeviceArray): boolean => array.shape[0] !== rows || array.shape[1] !== columns;
    /** The array itself, or a constant over the whole shape, in an array of its own. */
    const spread = (array: DeviceArray): Register => {
      if (!isSmall(array)) return { array, own: false };
      const zeros = upload(new Float32Array(rows * columns), rows, columns);
      try {
        return { array: kernels.run('Add', { a: zeros, b: array }), own: true };
      } finally {
        dispose(zeros);
      }
    };
    const select = (comparison: KernelName, left: number, right: number, then: number, otherwise: number) => {
      const used: DeviceArray[] = [];
      const whole = (index: number): DeviceArray => {
        const { array, own } = spread(held(index));
        if (own) used.push(array);
        return array;
      };
      try {
        const condition = kernels.run(comparison, { a: whole(left), b: held(right) });
        used.push(condition);
        return kernels.run('Select', { condition, t: whole(then), e: whole(otherwise) });
      } finally {
        used.forEach(dispose);
      }
    };
    const set = (index: number, register: Register): void => {
      const before = registers[index];
      registers[index] = register;
      if (before?.own === true) dispose(before.array);
    };
    try {
      for (const step of program.instructions) {
        switch (step.kind) {
          case 'load': {
            const array = inputs[program.variables[step.variable] ?? ''];
            if (array === undefined) throw new Error('a variable without a value');
            set(step.target, { array, own: false });
            break;
          }
          case 'constant':
            set(step.target, { array: upload(Float32Array.of(step.value), 1, 1), own: true });
            break;
          case 'unary': {
            const x = held(step.argument);
            set(step.target, { array: kernels.run(kernelOf(unaryKernels, step.operation), { x }), own: true });
            break;
          }
          case 'binary': {
            const [a, b] = [held(step.left), held(step.right)];
            set(step.target, { array: kernels.run(kernelOf(binaryKernels, step.operation), { a, b }), own: true });
            break;
          }
          case 'where': {
            const comparison = step.comparison === 'less' ? 'Less' : 'LessEqual';
            const array = select(comparison, step.left, step.right, step.then, step.otherwise);
            set(step.target, { array, own: true });
            break;
          }
        }
      }
      for (const index of program.outputs) {
        const { array, own } = spread(held(index));
        results.push(own ? array : kernels.run('Identity', { x: array }));
      }
      return results;
    } catch (error) {
      results.forEach(dispose);
      throw error;
    } finally {
      registers.forEach((register) => {
        if (register?.own === true) dispose(register.array);
      });
    }
  };
};

const kernelOf = <Operation extends string>(
  kernels: Readonly<Partial<Record<Operation, KernelName>>>,
  operation: Operation,
): KernelName => {
  const kernel = kernels[operation];
  if (kernel === undefined) throw failure({ path: `operation ${operation}`, seen: 'no kernel', expected: 'one' });
  return kernel;
};

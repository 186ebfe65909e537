import { binaryNumber, type BinaryOperation, type Comparison, unaryNumber, type UnaryOperation } from './expression.js';
import type { Program } from './program.js';

/** Elements a block: registers of 4 KiB, so that a program of some eight stays in a 32 KiB first-level cache. */
export const blockLength = 512;

/** What the loops read: float64, or the float32 of mixed precision (widened as it is loaded). */
export type Numbers = Float64Array | Float32Array;

/** The scratch of one program, made once and reused by every run. */
export const scratchFor = (program: Program): readonly Float64Array[] =>
  Array.from({ length: program.registers }, () => new Float64Array(blockLength));

/**
 * Runs `program` over elements [0, count) of `inputs` (in the order of `program.variables`) and writes output k to
 * `outputs[k]`, from index 0. Inputs and outputs may be the same arrays. Cost: one typed-array loop per instruction
 * and block; nothing is allocated.
 */
export const runProgram = (
  program: Program,
  inputs: readonly Numbers[],
  outputs: readonly Numbers[],
  count: number,
  scratch: readonly Float64Array[],
): void => {
  for (let start = 0; start < count; start += blockLength) {
    const length = Math.min(blockLength, count - start);
    for (const step of program.instructions) {
      const target = scratch[step.target]!;
      switch (step.kind) {
        case 'load':
          load(inputs[step.variable]!, start, target, length);
          break;
        case 'constant':
          target.fill(step.value, 0, length);
          break;
        case 'unary':
          unaryBlock(step.operation, scratch[step.argument]!, target, length);
          break;
        case 'binary':
          binaryBlock(step.operation, scratch[step.left]!, scratch[step.right]!, target, length);
          break;
        case 'where':
          whereBlock(
            step.comparison,
            scratch[step.left]!,
            scratch[step.right]!,
            scratch[step.then]!,
            scratch[step.otherwise]!,
            target,
            length,
          );
          break;
      }
    }
    for (let k = 0; k < outputs.length; k++) store(scratch[program.outputs[k]!]!, outputs[k]!, start, length);
  }
};

const load = (from: Numbers, start: number, to: Float64Array, length: number): void => {
  for (let i = 0; i < length; i++) to[i] = from[start + i]!;
};

const store = (from: Float64Array, to: Numbers, start: number, length: number): void => {
  for (let i = 0; i < length; i++) to[start + i] = from[i]!;
};

const unaryBlock = (operation: UnaryOperation, a: Float64Array, out: Float64Array, length: number): void => {
  switch (operation) {
    case 'negate':
      for (let i = 0; i < length; i++) out[i] = -a[i]!;
      return;
    case 'abs':
      for (let i = 0; i < length; i++) out[i] = Math.abs(a[i]!);
      return;
    case 'square':
      for (let i = 0; i < length; i++) out[i] = a[i]! * a[i]!;
      return;
    case 'sqrt':
      for (let i = 0; i < length; i++) out[i] = Math.sqrt(a[i]!);
      return;
    case 'exp':
      for (let i = 0; i < length; i++) out[i] = Math.exp(a[i]!);
      return;
    case 'tanh':
      for (let i = 0; i < length; i++) out[i] = Math.tanh(a[i]!);
      return;
    case 'log2cosh':
      for (let i = 0; i < length; i++) {
        const size = Math.abs(a[i]!);
        out[i] = size + Math.log1p(Math.exp(-2 * size));
      }
      return;
    case 'log':
    case 'log1p':
    case 'expm1':
    case 'atanh':
    case 'logistic':
    case 'softplus':
    case 'softplusIntegral':
      for (let i = 0; i < length; i++) out[i] = unaryNumber(operation, a[i]!);
      return;
  }
};

const binaryBlock = (
  operation: BinaryOperation,
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
  length: number,
): void => {
  switch (operation) {
    case 'add':
      for (let i = 0; i < length; i++) out[i] = a[i]! + b[i]!;
      return;
    case 'subtract':
      for (let i = 0; i < length; i++) out[i] = a[i]! - b[i]!;
      return;
    case 'multiply':
      for (let i = 0; i < length; i++) out[i] = a[i]! * b[i]!;
      return;
    case 'divide':
      for (let i = 0; i < length; i++) out[i] = a[i]! / b[i]!;
      return;
    case 'min':
      for (let i = 0; i < length; i++) out[i] = Math.min(a[i]!, b[i]!);
      return;
    case 'max':
      for (let i = 0; i < length; i++) out[i] = Math.max(a[i]!, b[i]!);
      return;
    case 'transferDifference':
      for (let i = 0; i < length; i++) out[i] = binaryNumber(operation, a[i]!, b[i]!);
      return;
  }
};

const whereBlock = (
  comparison: Comparison,
  left: Float64Array,
  right: Float64Array,
  then: Float64Array,
  otherwise: Float64Array,
  out: Float64Array,
  length: number,
): void => {
  if (comparison === 'less') {
    for (let i = 0; i < length; i++) out[i] = left[i]! < right[i]! ? then[i]! : otherwise[i]!;
  } else {
    for (let i = 0; i < length; i++) out[i] = left[i]! <= right[i]! ? then[i]! : otherwise[i]!;
  }
};

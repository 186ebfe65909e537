import { log2coshNumber, logisticNumber, softplusNumber, tanhNumber, transferDifferenceNumber } from './elementary.js';
import type { BinaryOperation, UnaryOperation } from './expression.js';
import { unaryNumber } from './numbers.js';
import type { Program } from './program.js';

/** Elements a block: registers of 4 KiB, so that a program of some eight stays in a 32 KiB first-level cache. */
export const blockLength = 512;

/** What the loops read: float64, or the float32 of mixed precision (widened as it is loaded). */
export type Numbers = Float64Array | Float32Array;

/** The scratch of one program, made once and reused by every run. */
export const scratchFor = (program: Program): readonly Float64Array[] =>
  Array.from({ length: program.registers }, () => new Float64Array(blockLength));

/** Where the registers of a program are while it runs: its scratch, or an input itself. */
interface Places {
  readonly arrays: Float64Array[];
  readonly offsets: Int32Array;
  /** Registers whose loads must be copied, as an output is stored from them. */
  readonly copied: ReadonlySet<number>;
}

const places = new WeakMap<Program, Places>();

const placesOf = (program: Program, scratch: readonly Float64Array[]): Places => {
  let known = places.get(program);
  if (known === undefined) {
    known = {
      arrays: scratch.slice(),
      offsets: new Int32Array(program.registers),
      copied: new Set(program.outputs),
    };
    places.set(program, known);
  }
  return known;
};

/**
 * Runs `program` over elements [0, count) of `inputs` (in the order of `program.variables`) and writes output k to
 * `outputs[k]`, from index 0. Inputs and outputs may be the same arrays. Transcendental functions are those of
 * `elementary.ts`, within 1e-15 of `evaluate`; everything else is equal to it. Cost: one typed-array loop per
 * instruction and block; float64 inputs are read in place, float32 ones are widened first; nothing is allocated.
 */
export const runProgram = (
  program: Program,
  inputs: readonly Numbers[],
  outputs: readonly Numbers[],
  count: number,
  scratch: readonly Float64Array[],
): void => {
  const { arrays, offsets, copied } = placesOf(program, scratch);
  for (const step of program.instructions) {
    if (step.kind !== 'constant') continue;
    // The scratch of an earlier run may have been another.
    arrays[step.target] = scratch[step.target]!.fill(step.value, 0, Math.min(blockLength, count));
  }
  for (let start = 0; start < count; start += blockLength) {
    const length = Math.min(blockLength, count - start);
    for (const step of program.instructions) {
      const target = scratch[step.target]!;
      switch (step.kind) {
        case 'load': {
          const from = inputs[step.variable]!;
          if (from instanceof Float64Array && !copied.has(step.target)) {
            arrays[step.target] = from;
            offsets[step.target] = start;
            continue;
          }
          load(from, start, target, length);
          break;
        }
        case 'constant':
          continue;
        case 'unary':
          unaryBlocks[step.operation](arrays[step.argument]!, offsets[step.argument]!, target, length);
          break;
        case 'binary':
          binaryBlocks[step.operation](
            arrays[step.left]!,
            offsets[step.left]!,
            arrays[step.right]!,
            offsets[step.right]!,
            target,
            length,
          );
          break;
        case 'where': {
          const compare = step.comparison === 'less' ? whereLess : whereLessEqual;
          compare(
            arrays[step.left]!,
            offsets[step.left]!,
            arrays[step.right]!,
            offsets[step.right]!,
            arrays[step.then]!,
            offsets[step.then]!,
            arrays[step.otherwise]!,
            offsets[step.otherwise]!,
            target,
            length,
          );
          break;
        }
      }
      arrays[step.target] = target;
      offsets[step.target] = 0;
    }
    for (let k = 0; k < outputs.length; k++) store(scratch[program.outputs[k]!]!, outputs[k]!, start, length);
  }
  // Inputs must not be kept alive by a program.
  for (let k = 0; k < arrays.length; k++) arrays[k] = scratch[k]!;
};

const load = (from: Numbers, start: number, to: Float64Array, length: number): void => {
  for (let i = 0; i < length; i++) to[i] = from[start + i]!;
};

const store = (from: Float64Array, to: Numbers, start: number, length: number): void => {
  for (let i = 0; i < length; i++) to[start + i] = from[i]!;
};

/** One loop a function, so that each is compiled for itself. */
type Unary = (a: Float64Array, from: number, out: Float64Array, length: number) => void;
type Binary = (a: Float64Array, from: number, b: Float64Array, at: number, out: Float64Array, length: number) => void;

const slowly =
  (operation: UnaryOperation): Unary =>
  (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = unaryNumber(operation, a[from + i]!);
  };

const unaryBlocks: Readonly<Record<UnaryOperation, Unary>> = {
  negate: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = -a[from + i]!;
  },
  abs: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = Math.abs(a[from + i]!);
  },
  square: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = a[from + i]! * a[from + i]!;
  },
  sqrt: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = Math.sqrt(a[from + i]!);
  },
  exp: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = Math.exp(a[from + i]!);
  },
  tanh: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = tanhNumber(a[from + i]!);
  },
  logistic: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = logisticNumber(a[from + i]!);
  },
  softplus: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = softplusNumber(a[from + i]!);
  },
  log2cosh: (a, from, out, length) => {
    for (let i = 0; i < length; i++) out[i] = log2coshNumber(a[from + i]!);
  },
  log: slowly('log'),
  log1p: slowly('log1p'),
  expm1: slowly('expm1'),
  atanh: slowly('atanh'),
  softplusIntegral: slowly('softplusIntegral'),
};

const binaryBlocks: Readonly<Record<BinaryOperation, Binary>> = {
  add: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = a[from + i]! + b[at + i]!;
  },
  subtract: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = a[from + i]! - b[at + i]!;
  },
  multiply: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = a[from + i]! * b[at + i]!;
  },
  divide: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = a[from + i]! / b[at + i]!;
  },
  min: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = Math.min(a[from + i]!, b[at + i]!);
  },
  max: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = Math.max(a[from + i]!, b[at + i]!);
  },
  transferDifference: (a, from, b, at, out, length) => {
    for (let i = 0; i < length; i++) out[i] = transferDifferenceNumber(a[from + i]!, b[at + i]!);
  },
};

type Where = (
  left: Float64Array,
  leftAt: number,
  right: Float64Array,
  rightAt: number,
  then: Float64Array,
  thenAt: number,
  otherwise: Float64Array,
  otherwiseAt: number,
  out: Float64Array,
  length: number,
) => void;

const whereLess: Where = (left, l, right, r, then, t, otherwise, o, out, length) => {
  for (let i = 0; i < length; i++) out[i] = left[l + i]! < right[r + i]! ? then[t + i]! : otherwise[o + i]!;
};

const whereLessEqual: Where = (left, l, right, r, then, t, otherwise, o, out, length) => {
  for (let i = 0; i < length; i++) out[i] = left[l + i]! <= right[r + i]! ? then[t + i]! : otherwise[o + i]!;
};

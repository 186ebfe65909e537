import type { Program } from '@drnn/tensor';
import { operationCodes } from './kernels.generated.js';
import type { Layout, Views } from './machine.js';

/** Bytes of a register. */
const registerBytes = 4096;
/** Words of an instruction, of the head of a program. */
const instructionWords = 8;
const headWords = 9;

/** A program as the kernels read it, but for addresses: instructions, which inputs are copied, constants. */
export interface Encoded {
  readonly instructions: Int32Array;
  readonly constants: Float64Array;
  readonly registers: number;
  readonly outputs: readonly number[];
  readonly variables: readonly string[];
}

/**
 * Encodes a program. A load only points a register at the input; where an output is stored from it, the input may be
 * overwritten before, so there it is followed by a copy.
 */
export const encode = (program: Program): Encoded => {
  const steps: number[][] = [];
  const constants: number[] = [];
  const outputs = new Set(program.outputs);
  for (const step of program.instructions) {
    switch (step.kind) {
      case 'load':
        steps.push([-1, step.variable, 0, 0, 0, step.target]);
        if (outputs.has(step.target)) steps.push([operationCodes.copy, step.target, 0, 0, 0, step.target]);
        break;
      case 'constant':
        steps.push([-2, constants.length, 0, 0, 0, step.target]);
        constants.push(step.value);
        break;
      case 'unary':
        steps.push([operationCodes[step.operation], step.argument, 0, 0, 0, step.target]);
        break;
      case 'binary':
        steps.push([operationCodes[step.operation], step.left, step.right, 0, 0, step.target]);
        break;
      case 'where':
        steps.push([operationCodes[step.comparison], step.left, step.right, step.then, step.otherwise, step.target]);
        break;
    }
  }
  const instructions = new Int32Array(steps.length * instructionWords);
  steps.forEach((step, k) => instructions.set(step, k * instructionWords));
  return {
    instructions,
    constants: Float64Array.from(constants),
    registers: program.registers,
    outputs: program.outputs,
    variables: program.variables,
  };
};

const encodings = new WeakMap<Program, Encoded>();

/** The encoded form of a program, made once. */
export const encodingOf = (program: Program): Encoded => {
  const known = encodings.get(program) ?? encode(program);
  encodings.set(program, known);
  return known;
};

/** Where the parts of a program that all threads share lie. */
export interface SharedTables {
  readonly instructions: number;
  readonly constants: number;
}

export const placeShared = (layout: Layout, encoded: Encoded): SharedTables => ({
  instructions: layout.words(encoded.instructions.length),
  constants: layout.doubles(encoded.constants.length),
});

export const writeShared = (views: Views, tables: SharedTables, encoded: Encoded): void => {
  views.words.set(encoded.instructions, tables.instructions / 4);
  views.doubles.set(encoded.constants, tables.constants / 8);
};

/** Where the parts of a program of one thread lie. */
export interface OwnTables {
  readonly head: number;
  readonly scratch: number;
  readonly current: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly registers: number;
}

export const placeOwn = (layout: Layout, encoded: Encoded): OwnTables => ({
  head: layout.words(headWords),
  scratch: layout.words(encoded.registers),
  current: layout.words(encoded.registers),
  inputs: layout.words(encoded.variables.length),
  outputs: layout.words(2 * encoded.outputs.length),
  registers: layout.take(registerBytes * encoded.registers),
});

/** Writes a thread's tables: the address of every input (in the order of the variables) and of every output. */
export const writeOwn = (
  { words }: Views,
  shared: SharedTables,
  own: OwnTables,
  encoded: Encoded,
  inputs: readonly number[],
  outputs: readonly number[],
): void => {
  const { instructions, registers } = encoded;
  words.set(
    [
      shared.instructions,
      instructions.length / instructionWords,
      own.scratch,
      own.inputs,
      own.outputs,
      outputs.length,
      shared.constants,
      own.current,
      registers,
    ],
    own.head / 4,
  );
  for (let k = 0; k < registers; k++) words[own.scratch / 4 + k] = own.registers + k * registerBytes;
  words.set(inputs, own.inputs / 4);
  outputs.forEach((address, k) => words.set([encoded.outputs[k]!, address], own.outputs / 4 + 2 * k));
};

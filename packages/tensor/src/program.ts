import type { BinaryOperation, Comparison, Expression, UnaryOperation } from './expression.js';
import { parts, variablesOf } from './fold.js';

/**
 * A list of block operations on numbered registers, compiled once from one or more expressions with shared parts
 * computed once. Registers are reused as soon as their value is dead, so that a program's working set stays in cache.
 * Interpreters (typed-array loops, SIMD blocks) run instruction by instruction over a block of elements.
 */
export type Instruction =
  | { readonly kind: 'load'; readonly variable: number; readonly target: number }
  | { readonly kind: 'constant'; readonly value: number; readonly target: number }
  | { readonly kind: 'unary'; readonly operation: UnaryOperation; readonly argument: number; readonly target: number }
  | {
      readonly kind: 'binary';
      readonly operation: BinaryOperation;
      readonly left: number;
      readonly right: number;
      readonly target: number;
    }
  | {
      readonly kind: 'where';
      readonly comparison: Comparison;
      readonly left: number;
      readonly right: number;
      readonly then: number;
      readonly otherwise: number;
      readonly target: number;
    };

export interface Program {
  /** Input names; a `load` names one by its index here. */
  readonly variables: readonly string[];
  readonly instructions: readonly Instruction[];
  /** How many registers a run needs. */
  readonly registers: number;
  /** The register that holds each output after a run, in the order of the expressions. */
  readonly outputs: readonly number[];
}

/** Compiles `outputs` together. Equal subexpressions, found by structure, become one instruction. */
export const compile = (outputs: readonly Expression[]): Program => {
  const variables = variablesOf(...outputs);
  const numbers = new Map<string, number>();
  const known = new Map<Expression, number>();
  const nodes: { readonly expression: Expression; readonly arguments: readonly number[] }[] = [];

  const number = (e: Expression): number => {
    const seen = known.get(e);
    if (seen !== undefined) return seen;
    const children = parts(e).map(number);
    const key = structure(e, children);
    let index = numbers.get(key);
    if (index === undefined) {
      index = nodes.length;
      nodes.push({ expression: e, arguments: children });
      numbers.set(key, index);
    }
    known.set(e, index);
    return index;
  };
  const roots = outputs.map(number);

  const lastUse = new Int32Array(nodes.length).fill(-1);
  nodes.forEach((node, i) => node.arguments.forEach((a) => (lastUse[a] = i)));
  roots.forEach((root) => (lastUse[root] = nodes.length));
  // A constant keeps its register, so that it is filled once a run and not once a block.
  nodes.forEach((node, i) => {
    if (node.expression.kind === 'constant') lastUse[i] = nodes.length;
  });

  const free: number[] = [];
  const register = new Int32Array(nodes.length);
  let registers = 0;
  const instructions = nodes.map((node, i) => {
    // The target may be an argument's register: every operation reads element k before it writes element k.
    for (const a of new Set(node.arguments)) if (lastUse[a] === i) free.push(register[a]!);
    const target = node.expression.kind === 'constant' ? registers++ : (free.pop() ?? registers++);
    register[i] = target;
    return instruction(node.expression, (k) => register[node.arguments[k]!]!, variables, target);
  });
  return { variables, instructions, registers, outputs: roots.map((root) => register[root]!) };
};

const structure = (e: Expression, children: readonly number[]): string => {
  switch (e.kind) {
    case 'constant':
      return `c${Object.is(e.value, -0) ? '-0' : e.value}`;
    case 'variable':
      return `v${e.name}`;
    case 'unary':
    case 'binary':
      return `${e.operation} ${children.join(' ')}`;
    case 'where':
      return `${e.comparison} ${children.join(' ')}`;
  }
};

const instruction = (
  e: Expression,
  argument: (k: number) => number,
  variables: readonly string[],
  target: number,
): Instruction => {
  switch (e.kind) {
    case 'constant':
      return { kind: 'constant', value: e.value, target };
    case 'variable':
      return { kind: 'load', variable: variables.indexOf(e.name), target };
    case 'unary':
      return { kind: 'unary', operation: e.operation, argument: argument(0), target };
    case 'binary':
      return { kind: 'binary', operation: e.operation, left: argument(0), right: argument(1), target };
    case 'where':
      return {
        kind: 'where',
        comparison: e.comparison,
        left: argument(0),
        right: argument(1),
        then: argument(2),
        otherwise: argument(3),
        target,
      };
  }
};

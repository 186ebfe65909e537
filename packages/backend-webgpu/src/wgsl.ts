import { lowered } from '@drnn/backend-tfjs';
import { type BinaryOperation, compile, type Expression, type UnaryOperation } from '@drnn/tensor';
import { functions } from './functions.js';

/** What a program does with its expression at each element: keep it, add it up, or count where it is not finite. */
export type Purpose = 'values' | 'sums' | 'faults';

/** A WGSL program for tfjs-backend-webgpu, of one expression. */
export interface Shader {
  /** The variables of the expression; input k is the buffer `v${k}`. */
  readonly variables: readonly string[];
  readonly purpose: Purpose;
  readonly code: string;
}

/** Rows that one invocation adds up in float32; the parts are added on the host in float64. */
export const rowsOfPart = 32;

const unary: Readonly<Partial<Record<UnaryOperation, (a: string) => string>>> = {
  negate: (a) => `-${a}`,
  abs: (a) => `abs(${a})`,
  square: (a) => `${a} * ${a}`,
  sqrt: (a) => `sqrt(${a})`,
  exp: (a) => `drnnExp(${a})`,
  expm1: (a) => `drnnExpm1(${a})`,
  log: (a) => `drnnLog(${a})`,
  log1p: (a) => `drnnLog1p(${a})`,
  tanh: (a) => `drnnTanh(${a})`,
  atanh: (a) => `drnnAtanh(${a})`,
  logistic: (a) => `drnnLogistic(${a})`,
};
const binary: Readonly<Partial<Record<BinaryOperation, (a: string, b: string) => string>>> = {
  add: (a, b) => `${a} + ${b}`,
  subtract: (a, b) => `${a} - ${b}`,
  multiply: (a, b) => `${a} * ${b}`,
  divide: (a, b) => `${a} / ${b}`,
  min: (a, b) => `min(${a}, ${b})`,
  max: (a, b) => `max(${a}, ${b})`,
};

const of = <Key extends string, Value>(table: Readonly<Partial<Record<Key, Value>>>, key: Key): Value => {
  const value = table[key];
  if (value === undefined) throw new Error(`the operation ${key} should have been lowered`);
  return value;
};

/** A float32 number in WGSL: a literal, or the uniform for what no literal may be. Subnormals are 0. */
const literal = (value: number): string => {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return 'uniforms.NAN';
  if (Math.abs(single) === Infinity) return single > 0 ? 'uniforms.INFINITY' : '-uniforms.INFINITY';
  if (Math.abs(single) < 2 ** -126) return '0.0f';
  return `${single}f`;
};

/** `fn value(i)`: the expression at element i. All of its text is made here: names are numbered, constants printed. */
const valueOf = (e: Expression): { readonly variables: readonly string[]; readonly code: string } => {
  const { variables, instructions, outputs } = compile([lowered({ log1p: true, losesNaN: false })(e)]);
  const held: string[] = [];
  const at = (register: number): string => held[register] ?? 'missing';
  const lines = instructions.map((step, k) => {
    const name = `t${k}`;
    const right = ((): string => {
      switch (step.kind) {
        case 'load':
          return `v${step.variable}[i]`;
        case 'constant':
          return literal(step.value);
        case 'unary':
          return of(unary, step.operation)(at(step.argument));
        case 'binary':
          return of(binary, step.operation)(at(step.left), at(step.right));
        case 'where': {
          const sign = step.comparison === 'less' ? '<' : '<=';
          return `select(${at(step.otherwise)}, ${at(step.then)}, ${at(step.left)} ${sign} ${at(step.right)})`;
        }
      }
    })();
    held[step.target] = name;
    return `  let ${name} : f32 = ${right};`;
  });
  const [output = 0] = outputs;
  return { variables, code: `fn value(i : i32) -> f32 {\n${lines.join('\n')}\n  return ${at(output)};\n}\n` };
};

const perElement = `
fn main(index : i32) {
  if (index < uniforms.size) { setOutputAtIndex(index, value(index)); }
}
`;

const perPart = (term: string): string => `
fn main(index : i32) {
  if (index < uniforms.size) {
    let part = index / uniforms.columns;
    let column = index - part * uniforms.columns;
    let end = min(uniforms.rows, (part + 1) * ${rowsOfPart});
    var sum = 0.0f;
    for (var row = part * ${rowsOfPart}; row < end; row++) {
      let e = value(row * uniforms.columns + column);
      sum += ${term};
    }
    setOutputAtIndex(index, sum);
  }
}
`;

/** By the bits, as a compiler may take it that NaN does not occur. */
const isFault = 'select(0.0f, 1.0f, (bitcast<u32>(e) & 0x7f800000u) == 0x7f800000u)';

const mains: Readonly<Record<Purpose, string>> = {
  values: perElement,
  sums: perPart('e'),
  faults: perPart(isFault),
};

/**
 * One fused WGSL program of an expression: everything between reading the inputs and writing the result is in registers
 * of the device. tfjs-backend-webgpu adds the buffers, the uniforms and the entry point.
 */
export const shaderOf = (e: Expression, purpose: Purpose): Shader => {
  const { variables, code } = valueOf(e);
  return { variables, purpose, code: `${functions}\n${code}${mains[purpose]}` };
};

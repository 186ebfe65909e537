import { runProgram, scratchFor } from './blocks.js';
import { failure } from './error.js';
import type { Expression } from './expression.js';
import { type Matrix, matrix } from './matrix.js';
import { compile, type Program } from './program.js';

/** The inputs of a program in the order of its variables, all of one shape. Errors: one that is missing, several shapes. */
export const mapOperands = (
  { variables }: Pick<Program, 'variables'>,
  inputs: Readonly<Record<string, Matrix>>,
): { readonly rows: number; readonly columns: number; readonly operands: readonly Float64Array[] } => {
  const operands = variables.map((name) => {
    const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (input === undefined) {
      throw failure({
        path: `variable ${name}`,
        seen: Object.keys(inputs).join(', '),
        expected: 'a matrix of that name',
      });
    }
    return input.data;
  });
  const shapes = new Set(Object.values(inputs).map((a) => `[${a.rows}, ${a.columns}]`));
  const [first] = Object.values(inputs);
  if (first === undefined || shapes.size !== 1) {
    throw failure({
      path: 'mapMatrix',
      seen: `shapes ${[...shapes].join(', ')}`,
      expected: 'one shape for all inputs',
    });
  }
  return { rows: first.rows, columns: first.columns, operands };
};

/** Runs a program entry by entry on host matrices; one matrix for each of its outputs. */
export const mapProgram = (program: Program, inputs: Readonly<Record<string, Matrix>>): readonly Matrix[] => {
  const { rows, columns, operands } = mapOperands(program, inputs);
  const results = program.outputs.map(() => matrix(rows, columns));
  runProgram(
    program,
    operands,
    results.map(({ data }) => data),
    rows * columns,
    scratchFor(program),
  );
  return results;
};

/** An expression applied entry by entry to host matrices of one shape: `mapMatrix(atanh(variable('d')), { d })`. */
export const mapMatrix = (expression: Expression, inputs: Readonly<Record<string, Matrix>>): Matrix => {
  const [result] = mapProgram(compile([expression]), inputs);
  if (result === undefined) throw new Error('a program without its output');
  return result;
};

import { runProgram, scratchFor } from './blocks.js';
import { failure } from './error.js';
import type { Expression } from './expression.js';
import { type Matrix, matrix } from './matrix.js';
import { compile } from './program.js';

/** An expression applied entry by entry to host matrices of one shape: `mapMatrix(atanh(variable('d')), { d })`. */
export const mapMatrix = (expression: Expression, inputs: Readonly<Record<string, Matrix>>): Matrix => {
  const program = compile([expression]);
  const operands = program.variables.map((name) => {
    const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (input === undefined) {
      throw failure({
        path: `variable ${name}`,
        seen: Object.keys(inputs).join(', '),
        expected: 'a matrix of that name',
      });
    }
    return input;
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
  const result = matrix(first.rows, first.columns);
  runProgram(
    program,
    operands.map((operand) => operand.data),
    [result.data],
    result.data.length,
    scratchFor(program),
  );
  return result;
};

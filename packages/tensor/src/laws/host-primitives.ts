import type { Backend } from '../backend.js';
import { blockLength, runProgram, scratchFor } from '../blocks.js';
import { matrix, type Matrix, rowRange } from '../matrix.js';
import type { PassPrimitives } from '../pass.js';
import { compile } from '../program.js';

/**
 * The primitives of a pass on a backend's own host, with whole matrices for blocks: what the default pass of any
 * backend can be compared with.
 */
export const hostPrimitives = (on: Backend, rowsAtOnce = 256): PassPrimitives<Matrix> => ({
  upload: (parameters) => parameters,
  sweep: async function* (handles) {
    const all = await Promise.all(handles.map((rows) => on.read(rows)));
    const time = handles[0]?.rows ?? 0;
    for (let start = 0; start < time; start += rowsAtOnce)
      yield all.map((rows) => rowRange(rows, start, Math.min(start + rowsAtOnce, time)));
  },
  project: (design, parameters) => on.host.matMul(design, parameters),
  pointwise: (expressions, values, like) => {
    const program = compile(expressions);
    const inputs = program.variables.map((name) => values[name]?.data ?? new Float64Array(blockLength));
    const outputs = expressions.map(() => matrix(like.rows, like.columns));
    runProgram(
      program,
      inputs,
      outputs.map(({ data }) => data),
      like.data.length,
      scratchFor(program),
    );
    return outputs;
  },
  backProject: (design, e) => on.host.matMul(design, e, { transposeA: true }),
  columnSums: (e) => {
    const ones = matrix(1, e.rows);
    ones.data.fill(1);
    return on.host.matMul(ones, e);
  },
  read: (block) => block,
  keep: (blocks, columns) => {
    const all = matrix(
      blocks.reduce((sum, block) => sum + block.rows, 0),
      columns,
    );
    let at = 0;
    for (const { data } of blocks) {
      all.data.set(data, at);
      at += data.length;
    }
    return on.rows(all);
  },
  release: () => undefined,
});

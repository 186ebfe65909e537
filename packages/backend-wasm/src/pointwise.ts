import { type Host, mapOperands, mapProgram, matrix, programCache } from '@drnn/tensor';
import { type Machine, putWords } from './machine.js';
import { encodingOf, placeOwn, placeShared, writeOwn, writeShared } from './program-tables.js';

/** Entries that a thread takes at once: 1 MiB of each operand. */
const mostAtOnce = 2 ** 17;
/** Below so many entries, copying them into the kernels' memory does not pay. */
const few = 512;

/** Expressions entry by entry in float64 by the kernels' SIMD blocks, the entries shared out over the threads. */
export const pointwiseOn = (machine: Machine): Host['pointwise'] => {
  const programOf = programCache();
  return (expressions, inputs) => {
    const program = programOf(expressions);
    const { rows, columns, operands } = mapOperands(program, inputs);
    const count = rows * columns;
    if (count < few) return mapProgram(program, inputs);
    const results = expressions.map(() => matrix(rows, columns));

    const encoded = encodingOf(program);
    const each = Math.min(mostAtOnce, Math.ceil(count / machine.threads));
    const layout = machine.layout();
    const tables = placeShared(layout, encoded);
    const seats = Array.from({ length: machine.threads }, () => ({
      inputs: operands.map(() => layout.doubles(each)),
      outputs: results.map(() => layout.doubles(each)),
      program: placeOwn(layout, encoded),
      block: layout.words(2),
    }));
    const views = machine.reserve(layout);
    const { doubles } = views;
    writeShared(views, tables, encoded);
    for (const seat of seats) writeOwn(views, tables, seat.program, encoded, seat.inputs, seat.outputs);

    for (let start = 0; start < count; start += each * machine.threads) {
      const shares = seats.map((seat, k) => {
        const from = Math.min(count, start + k * each);
        return { ...seat, from, to: Math.min(count, from + each) };
      });
      const blocks = shares.map(({ inputs: places, program: own, block, from, to }) => {
        operands.forEach((values, k) => doubles.set(values.subarray(from, to), places[k]! / 8));
        putWords(views, block, [own.head, to - from]);
        return to > from ? block : 0;
      });
      machine.run('programBlock64', blocks);
      for (const { outputs, from, to } of shares) {
        results.forEach(({ data }, k) => {
          const at = outputs[k]! / 8;
          data.set(doubles.subarray(at, at + to - from), from);
        });
      }
    }
    return results;
  };
};

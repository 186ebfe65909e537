import { type Host, type Matrix, matrix } from '@drnn/tensor';
import type { TfjsEngine } from './engine.js';
import { chunksOf, type Stored } from './rows.js';

/** The numbers of rows on the host, chunk by chunk, in float64; the matrices are used again for the next chunk. */
export const visitOnHost = async (
  engine: TfjsEngine,
  stored: readonly Stored[],
  visit: (chunks: readonly Matrix[], start: number) => void,
): Promise<void> => {
  const buffers = stored.map(() => new Float64Array(0));
  for await (const { start, length, arrays } of chunksOf(engine, stored)) {
    const values = await engine.burst(() =>
      Promise.all(arrays.map((array) => (array === null ? null : engine.download(array)))),
    );
    const chunks = stored.map(({ columns }, k) => {
      const count = length * columns;
      if ((buffers[k]?.length ?? 0) < count) buffers[k] = new Float64Array(count);
      const data = (buffers[k] ?? new Float64Array(count)).subarray(0, count);
      const from = values[k];
      if (from !== null && from !== undefined) data.set(from);
      return matrix(length, columns, data);
    });
    visit(chunks, start);
  }
};

/** total += part. */
const addTo = (total: Matrix, part: Matrix): void => {
  for (let i = 0; i < total.data.length; i++) total.data[i] = total.data[i]! + part.data[i]!;
};

/** X' diag(w_j) X for columns j in [from, to) of `weights`, or X'X for null: float64 on the host, chunk by chunk. */
export const gramsOnHost = async (
  engine: TfjsEngine,
  host: Host,
  design: Stored,
  weights: Stored | null,
  from: number,
  to: number,
): Promise<readonly Matrix[]> => {
  const { columns } = design;
  const grams = Array.from({ length: to - from }, () => matrix(columns, columns));
  const part = matrix(columns, columns);
  let column = new Float64Array(0);
  await visitOnHost(engine, weights === null ? [design] : [design, weights], ([x, w]) => {
    if (x === undefined) return;
    if (column.length !== x.rows) column = new Float64Array(x.rows);
    grams.forEach((gram, k) => {
      if (w !== undefined) for (let t = 0; t < x.rows; t++) column[t] = w.data[t * w.columns + from + k]!;
      addTo(gram, host.gram(x, w === undefined ? undefined : column, part));
    });
  });
  return grams;
};

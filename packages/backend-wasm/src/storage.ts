import {
  columnsOf,
  type Engine,
  gatherColumns,
  matrix,
  type Precision,
  readRows,
  rowMeans,
  type RowSource,
} from '@drnn/tensor';
import { asItIs, inBursts, numbers, type Stored, storedValues } from './rows.js';

/**
 * How an engine keeps rows in ordinary memory, in its precision, or leaves them with their source; new arrays go through
 * `prepare`.
 */
export const storage = (
  precision: Precision,
  prepare = asItIs,
): Required<Pick<Engine<Stored>, 'store' | 'copy' | 'bytes' | 'free' | 'read' | 'readMeans' | 'select'>> => ({
  store: (source) => {
    const { rows, columns } = source;
    return 'blocks' in source
      ? { kind: 'streamed', rows, columns, source }
      : { kind: 'resident', rows, columns, values: storedValues('rows', source.data, precision, prepare) };
  },
  copy: async (source) => {
    const { rows, columns } = source;
    const values = numbers(precision, rows * columns, prepare);
    await readRows('rows', source, values);
    return { kind: 'resident', rows, columns, values };
  },
  bytes: (stored) => (stored.kind === 'resident' ? stored.values.byteLength : 0),
  free: () => undefined,
  read: async (stored) => {
    const result = matrix(stored.rows, stored.columns);
    await inBursts([stored], stored.rows, precision, (start, length, [strip]) => {
      if (strip === undefined) return;
      const { values, offset } = strip;
      result.data.set(values.subarray(offset, offset + length * stored.columns), start * stored.columns);
    });
    return result;
  },
  readMeans: async (stored, group) => {
    const means = rowMeans(stored.rows, stored.columns, group);
    await inBursts([stored], stored.rows, precision, (_, length, [strip]) => {
      if (strip !== undefined) means.add(strip.values, strip.offset, length);
    });
    return means.result();
  },
  select: (stored, chosen) => {
    const shape = { rows: stored.rows, columns: chosen.length };
    if (stored.kind === 'streamed') return { kind: 'streamed', ...shape, source: someColumns(stored.source, chosen) };
    const { values, columns } = stored;
    const count = stored.rows * chosen.length;
    const gathered =
      values instanceof Float32Array
        ? gatherColumns(values, columns, chosen, prepare(new Float32Array(count)))
        : gatherColumns(values, columns, chosen, prepare(new Float64Array(count)));
    return { kind: 'resident', ...shape, values: gathered };
  },
});

/** A source's columns, taken out of each block as it is read. */
const someColumns = (source: RowSource, chosen: Int32Array): RowSource => ({
  rows: source.rows,
  columns: chosen.length,
  blocks: async function* (length) {
    for await (const block of source.blocks(length)) yield columnsOf(block, chosen);
  },
});

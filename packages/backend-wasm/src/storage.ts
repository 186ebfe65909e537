import { type Engine, matrix, type Precision, readRows } from '@drnn/tensor';
import { inBursts, numbers, type Stored, storedValues } from './rows.js';

/** How an engine keeps rows in ordinary memory, in its precision, or leaves them with their source. */
export const storage = (
  precision: Precision,
): Required<Pick<Engine<Stored>, 'store' | 'copy' | 'bytes' | 'free' | 'read'>> => ({
  store: (source) => {
    const { rows, columns } = source;
    return 'blocks' in source
      ? { kind: 'streamed', rows, columns, source }
      : { kind: 'resident', rows, columns, values: storedValues('rows', source.data, precision) };
  },
  copy: async (source) => {
    const { rows, columns } = source;
    const values = numbers(precision, rows * columns);
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
});

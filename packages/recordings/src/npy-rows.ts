import { open, stat } from 'node:fs/promises';
import { failure, matrix, type RowSource, seekable } from '@drnn/tensor';
import { budgetOf } from './budget.js';
import { decodeNpyHeader, decodeNumbers, LONGEST_NPY_HEADER } from './npy.js';
import { bytesPerNumber, describeShape } from './numeric-array.js';

/**
 * The rows of an npy file [time, column] that is read piece by piece and never held whole, from any of its rows on:
 * floats, integers or booleans of either byte order, in C order. Errors: no npy file, another number of axes, Fortran
 * order, a file cut short.
 */
export const npyRows = async (path: string): Promise<RowSource> => {
  // Opening a pipe would wait for someone who writes to it.
  const found = await stat(path).catch(() => null);
  if (found?.isFile() === false) throw failure({ path, seen: 'no regular file', expected: 'an npy file' });
  const file = await open(path).catch((cause: unknown) => {
    throw failure({ path, seen: 'a file that cannot be opened', expected: 'an npy file' }, cause);
  });
  try {
    const { size } = await file.stat();
    const start = Buffer.alloc(Math.min(size, LONGEST_NPY_HEADER));
    await file.read(start, 0, start.length, 0);
    const header = decodeNpyHeader(start, path);
    const { shape, type, littleEndian, dataStart, dataBytes } = header;
    const [rows, columns] = shape;
    if (shape.length !== 2 || rows === undefined || columns === undefined)
      throw failure({ path, seen: `an array ${describeShape(shape)}`, expected: '[time, column]' });
    if (header.fortranOrder) {
      throw failure({
        path,
        seen: 'Fortran order, in which a row is scattered over the file',
        expected: 'C order',
        hint: 'save it with numpy.ascontiguousarray(array)',
      });
    }
    if (size !== dataStart + dataBytes) {
      throw failure({
        path,
        seen: `${size - dataStart} bytes of numbers`,
        expected: `${dataBytes} for ${type} ${describeShape(shape)}`,
        hint: 'the file is cut short, or holds more than one array',
      });
    }
    const rowBytes = columns * bytesPerNumber[type];
    const from = (first: number): RowSource => {
      const source: RowSource = {
        rows: rows - first,
        columns,
        blocks: async function* (length) {
          const reading = await open(path);
          try {
            const bytes = Buffer.alloc(Math.min(length, rows) * rowBytes);
            for (let row = first; row < rows; row += length) {
              const count = Math.min(length, rows - row);
              const wanted = count * rowBytes;
              for (let filled = 0; filled < wanted;) {
                const { bytesRead } = await reading.read(
                  bytes,
                  filled,
                  wanted - filled,
                  dataStart + row * rowBytes + filled,
                );
                if (bytesRead === 0) throw failure({ path, seen: `an end in row ${row}`, expected: `${rows} rows` });
                filled += bytesRead;
              }
              const part = decodeNumbers(
                bytes.subarray(0, wanted),
                type,
                littleEndian,
                budgetOf(2 * wanted + 64),
                path,
              );
              yield matrix(count, columns, part instanceof Float64Array ? part : Float64Array.from(part));
            }
          } finally {
            await reading.close();
          }
        },
      };
      return seekable(source, (row) => from(first + row));
    };
    return from(0);
  } finally {
    await file.close();
  }
};

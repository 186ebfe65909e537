import { readFileSync } from 'node:fs';
import { asItIs, type Prepare } from '@drnn/backend-wasm/kernels';
import { matrix, type Matrix } from '@drnn/tensor';
import { type NativeMemory, nativeMemory } from './native.js';

/** Smaller arrays gain nothing: memory for them was touched before. NumPy asks from here on, too. */
const leastBytes = 2 ** 22;
const pageBytes = 4096;
/** Of madvise(2). */
const MADV_HUGEPAGE = 14;
const settings = '/sys/kernel/mm/transparent_hugepage/enabled';

/** Whether the system gives huge pages to those who ask, and to them alone. */
const isAsked = (platform: string): boolean => {
  if (platform !== 'linux') return false;
  try {
    return readFileSync(settings, 'utf8').includes('[madvise]');
  } catch {
    return false;
  }
};

/** Asks for huge pages for the whole pages of large arrays. */
export const preparing =
  ({ addressOf, advise }: NativeMemory): Prepare =>
  (values) => {
    const { byteLength } = values;
    if (byteLength < leastBytes) return values;
    const address = addressOf(values);
    const first = Math.ceil(address / pageBytes) * pageBytes;
    advise(first, Math.floor((address + byteLength - first) / pageBytes) * pageBytes, MADV_HUGEPAGE);
    return values;
  };

/**
 * The system clears memory as it is first touched: in pages of 4 KiB at .1 ns a byte, in a virtual machine at .5 ns, at 4 ns
 * where its host has to give it first, which is more than all else that is done with an array. Pages of 2 MiB are cheaper.
 * Linux gives those to arrays for which they are asked, as NumPy asks for its own.
 */
export const hugePages = async (): Promise<Prepare> => {
  const memory = isAsked(process.platform) ? await nativeMemory() : null;
  return memory === null ? asItIs : preparing(memory);
};

/** A new matrix of zeros whose memory is prepared. */
export const newMatrix =
  (prepare: Prepare) =>
  (rows: number, columns: number): Matrix =>
    matrix(rows, columns, prepare(matrix(rows, columns).data));

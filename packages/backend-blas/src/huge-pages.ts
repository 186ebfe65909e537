import { readFileSync } from 'node:fs';
import { asItIs, type Prepare } from '@drnn/backend-wasm/kernels';
import { type NativeProcess, nativeProcess } from './native.js';

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

/** By the functions of this process; nothing is asked for where it has no madvise. */
export const preparing = ({ find, addressOf }: NativeProcess): Prepare => {
  const madvise = find('madvise', 'int', ['uintptr_t', 'size_t', 'int']);
  return (values) => {
    if (madvise === null || values.byteLength < leastBytes) return values;
    const address = addressOf(values);
    const first = Math.ceil(address / pageBytes) * pageBytes;
    const whole = Math.floor((address + values.byteLength - first) / pageBytes) * pageBytes;
    // Refused, the array is as good as any.
    madvise(first, whole, MADV_HUGEPAGE);
    return values;
  };
};

/**
 * The system clears memory as it is first touched: in pages of 4 KiB at .5 ns a byte and more in a virtual machine, in
 * pages of 2 MiB at .2 ns. Linux gives those to arrays for which they are asked, as NumPy asks for its own.
 */
export const hugePages = async (): Promise<Prepare> =>
  isAsked(process.platform) ? preparing(await nativeProcess()) : asItIs;

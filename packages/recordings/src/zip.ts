import { failure } from '@drnn/tensor';
import { zipSync } from 'fflate';
import type { Budget } from './budget.js';
import { crc32 } from './checksum.js';
import { inflateExactly, inflatePrefix } from './inflate.js';

/** One entry of a zip archive. Its name is a key and never a path: nothing here touches a file system. */
export interface ZipEntry {
  readonly name: string;
  readonly deflated: boolean;
  readonly crc: number;
  /** Bytes after decompression, as declared. */
  readonly bytes: number;
  readonly compressed: Uint8Array;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const LONGEST_COMMENT = 65_535;

/** Whether the bytes start as a zip archive does, an empty one included. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));

const refuseName = (name: string): string | undefined => {
  if (name === '') return 'an empty name';
  if (/[/\\\0]/.test(name)) return 'a name with a path in it';
  if (name === '.' || name === '..' || /^[A-Za-z]:/.test(name)) return 'a name that is a path';
  return undefined;
};

/**
 * Reads the directory of a zip archive and decompresses nothing. Refused: encrypted, split and zip64 archives, methods
 * other than stored and deflate, names that are paths or come twice, entries that overlap or lie outside the file, and
 * declared sizes that together pass the budget.
 */
export const readZipDirectory = (bytes: Uint8Array, budget: Budget, path = 'zip'): readonly ZipEntry[] => {
  const damaged = (seen: string, expected: string, hint = 'the file is damaged or cut short'): Error =>
    failure({ path, seen, expected, hint });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  const first = Math.max(0, end - LONGEST_COMMENT);
  while (
    end >= first &&
    (view.getUint32(end, true) !== END || end + 22 + view.getUint16(end + 20, true) !== bytes.length)
  )
    end--;
  if (end < first) throw damaged(`${bytes.length} bytes without the end of a zip directory`, 'a whole zip archive');
  const count = view.getUint16(end + 10, true);
  const directoryBytes = view.getUint32(end + 12, true);
  const directoryStart = view.getUint32(end + 16, true);
  if (count === 0xffff || directoryStart === 0xffffffff) {
    throw damaged('a zip64 archive', 'a zip archive below 4 GiB', 'save the arrays as several files');
  }
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count) {
    throw damaged('one part of a split archive', 'a whole zip archive');
  }
  if (directoryStart + directoryBytes > end) {
    throw damaged(`a directory of ${directoryBytes} bytes at ${directoryStart}`, `one within ${end} bytes`);
  }
  const entries: ZipEntry[] = [];
  const spans: { readonly from: number; readonly to: number }[] = [];
  const names = new Set<string>();
  let declared = 0;
  let at = directoryStart;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) {
      throw damaged(`${i} entries in the zip directory`, `${count}, as declared`);
    }
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const crc = view.getUint32(at + 16, true);
    const compressedBytes = view.getUint32(at + 20, true);
    const plainBytes = view.getUint32(at + 24, true);
    const nameBytes = view.getUint16(at + 28, true);
    const next = at + 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    const local = view.getUint32(at + 42, true);
    if (next > end) throw damaged('a zip directory that runs over its end', 'whole entries');
    const utf8 = (flags & 0x800) !== 0;
    const name = new TextDecoder(utf8 ? 'utf-8' : 'latin1').decode(bytes.subarray(at + 46, at + 46 + nameBytes));
    const shown = JSON.stringify(name.slice(0, 80));
    const bad = names.has(name) ? 'a name that comes twice' : refuseName(name);
    if (bad !== undefined) throw damaged(`${bad}: ${shown}`, 'names of arrays', 'it was not written by numpy.savez');
    names.add(name);
    if ((flags & 0x2041) !== 0)
      throw damaged(`the encrypted entry ${shown}`, 'an archive without encryption', 'decrypt it');
    if (method !== 0 && method !== 8) {
      throw damaged(
        `compression method ${method} in ${shown}`,
        'stored (0) or deflate (8)',
        'save it with numpy.savez',
      );
    }
    if (compressedBytes === 0xffffffff || plainBytes === 0xffffffff || local === 0xffffffff) {
      throw damaged(`the zip64 entry ${shown}`, 'entries below 4 GiB', 'save the arrays as several files');
    }
    if (local + 30 > directoryStart || view.getUint32(local, true) !== LOCAL) {
      throw damaged(`no entry where the directory says ${shown} is`, 'an entry header');
    }
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const to = from + compressedBytes;
    if (to > directoryStart || (method === 0 && compressedBytes !== plainBytes)) {
      throw damaged(`${compressedBytes} bytes for ${shown} at ${from}`, `an entry before byte ${directoryStart}`);
    }
    spans.push({ from: local, to });
    declared += plainBytes;
    entries.push({ name, deflated: method === 8, crc, bytes: plainBytes, compressed: bytes.subarray(from, to) });
    at = next;
  }
  if (declared > budget.limit - budget.taken) {
    throw damaged(
      `${declared} bytes declared in an archive of ${bytes.length}`,
      `at most ${budget.limit - budget.taken}`,
      'this is how a zip bomb looks; save the arrays uncompressed if they are real',
    );
  }
  spans.sort((a, b) => a.from - b.from);
  let used = 0;
  for (const { from, to } of spans) {
    if (from < used) throw damaged('entries that overlap', 'entries one after the other');
    used = to;
  }
  return entries;
};

/** The bytes of an entry, decompressed within the budget and checked against its CRC-32. */
export const readZipEntry = (entry: ZipEntry, budget: Budget, path = entry.name): Uint8Array => {
  const plain = entry.deflated ? inflateExactly(entry.compressed, entry.bytes, budget, path) : entry.compressed;
  const crc = crc32(plain);
  if (crc !== entry.crc) {
    throw failure({
      path,
      seen: `CRC-32 ${crc.toString(16)}`,
      expected: `${entry.crc.toString(16)}, as the archive says`,
      hint: 'the file is damaged; copy it again',
    });
  }
  return plain;
};

/** The first `bytes` bytes of an entry, unchecked: for headers. */
export const readZipEntryStart = (entry: ZipEntry, bytes: number, path = entry.name): Uint8Array =>
  entry.deflated
    ? inflatePrefix(entry.compressed, Math.min(bytes, entry.bytes), path)
    : entry.compressed.subarray(0, bytes);

/** Writes a zip archive of these entries in their order, without time stamps: equal entries give equal bytes. */
export const writeZip = (entries: ReadonlyMap<string, Uint8Array>, compress: boolean): Uint8Array<ArrayBuffer> => {
  let total = 0;
  for (const [name, bytes] of entries) {
    const bad = refuseName(name);
    if (bad !== undefined)
      throw failure({ path: 'zip', seen: `${bad}: ${JSON.stringify(name)}`, expected: 'a plain name' });
    total += bytes.length + 128 + 4 * name.length;
  }
  if (total > 0xffff_0000 || entries.size >= 0xffff) {
    throw failure({
      path: 'zip',
      seen: `${entries.size} entries of ${total} bytes`,
      expected: 'at most 4 GiB and 65,534 entries',
      hint: 'write several files',
    });
  }
  return zipSync(Object.fromEntries(entries), { level: compress ? 6 : 0, mtime: new Date(1980, 0, 1) });
};

import { failure } from '@drnn/tensor';
import { decodeNpyFields, startNpy } from './npy.js';
import { describeShape } from './numeric-array.js';

const TEXT = /^([<>|=]?)([USa])(\d{1,6})$/;

/** Whether an npy file holds text of fixed width (`U` or `S`). */
export const isNpyText = (bytes: Uint8Array, path = 'npy'): boolean => TEXT.test(decodeNpyFields(bytes, path).descr);

/**
 * Reads a list of texts from an npy file: numpy's `U` (UTF-32, either byte order) or `S` (bytes, read as UTF-8), of one
 * axis, or a single text. Each is padded with zeros, which are dropped. `path` names the array in errors.
 */
export const decodeNpyText = (bytes: Uint8Array, path = 'npy'): readonly string[] => {
  const { descr, shape, dataStart } = decodeNpyFields(bytes, path);
  const [, order, kind, digits] = TEXT.exec(descr) ?? [];
  const count = shape[0] ?? 1;
  if (kind === undefined || digits === undefined || shape.length > 1) {
    throw failure({ path, seen: `type '${descr.slice(0, 40)}' ${describeShape(shape)}`, expected: 'a list of texts' });
  }
  const characters = Number(digits);
  const width = characters * (kind === 'U' ? 4 : 1);
  const source = bytes.subarray(dataStart);
  if (source.length !== count * width) {
    throw failure({
      path,
      seen: `${source.length} bytes of text`,
      expected: `${count * width} for '${descr}' ${describeShape(shape)}`,
      hint: 'the file is damaged or cut short',
    });
  }
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  return Array.from({ length: count }, (_, i) => {
    if (kind !== 'U') {
      const padded = source.subarray(i * width, (i + 1) * width);
      return new TextDecoder().decode(padded.subarray(0, padded.findLastIndex((byte) => byte !== 0) + 1));
    }
    let text = '';
    for (let k = 0; k < characters; k++) {
      const point = view.getUint32(i * width + 4 * k, order !== '>');
      if (point > 0x10ffff) throw failure({ path, seen: `the character ${point} in text ${i}`, expected: 'Unicode' });
      text += String.fromCodePoint(point);
    }
    return text.replace(/\0+$/, '');
  });
};

/** Writes a list of texts as an npy file that numpy reads as `<U`. A text that ends in NUL is refused: numpy drops it. */
export const encodeNpyText = (texts: readonly string[], path = 'npy'): Uint8Array<ArrayBuffer> => {
  const ended = texts.findIndex((text) => text.endsWith('\0'));
  if (ended >= 0) throw failure({ path, seen: `text ${ended} ends in NUL`, expected: 'text' });
  const points = texts.map((text) => Array.from(text, (character) => character.codePointAt(0) ?? 0));
  const characters = Math.max(1, ...points.map(({ length }) => length));
  const { bytes, entries } = startNpy(`<U${characters}`, [texts.length], texts.length * characters * 4);
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  points.forEach((text, i) => text.forEach((point, k) => view.setUint32(4 * (i * characters + k), point, true)));
  return bytes;
};

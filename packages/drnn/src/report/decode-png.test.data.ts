import { crc32, inflateSync } from 'node:zlib';
import { expect } from 'vitest';
import type { IndexedImage, Rgb } from './png.js';

/** A reader after the PNG specification, for 8-bit palette images without filters. */
export const decodePng = (bytes: Uint8Array): IndexedImage => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  expect(Array.from(bytes.subarray(0, 8))).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Uint8Array>();
  let at = 8;
  while (at < bytes.length) {
    const length = view.getUint32(at);
    const type = new TextDecoder().decode(bytes.subarray(at + 4, at + 8));
    chunks.set(type, bytes.subarray(at + 8, at + 8 + length));
    expect(view.getUint32(at + 8 + length)).toBe(crc32(bytes.subarray(at + 4, at + 8 + length)));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'PLTE', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') ?? new Uint8Array(13);
  const size = new DataView(header.buffer, header.byteOffset);
  const [width, height] = [size.getUint32(0), size.getUint32(4)];
  expect(Array.from(header.subarray(8))).toEqual([8, 3, 0, 0, 0]);
  const lines = inflateSync(chunks.get('IDAT') ?? new Uint8Array(0));
  expect(lines).toHaveLength(height * (width + 1));
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    expect(lines[row * (width + 1)]).toBe(0);
    pixels.set(lines.subarray(row * (width + 1) + 1, (row + 1) * (width + 1)), row * width);
  }
  const colours = chunks.get('PLTE') ?? new Uint8Array(0);
  const palette = Array.from({ length: colours.length / 3 }, (_, index): Rgb => {
    const [red = 0, green = 0, blue = 0] = colours.subarray(3 * index, 3 * index + 3);
    return [red, green, blue];
  });
  return { width, height, pixels, palette };
};

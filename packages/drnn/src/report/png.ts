import { crc32, deflateSync } from 'node:zlib';
import { failure } from '@drnn/tensor';

/** A colour as its three bytes. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** An image of palette indices, row by row from the top. */
export interface IndexedImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  /** At most 256 colours. */
  readonly palette: readonly Rgb[];
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

const chunk = (type: string, data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
};

/**
 * `image` as a PNG file of 8-bit palette indices (PNG 1.2, colour type 3, no filter). A matrix of a million weights is
 * then one image of at most a megabyte, where vector graphics would be a million rectangles.
 */
export const encodePng = (image: IndexedImage): Uint8Array => {
  const { width, height, pixels, palette } = image;
  if (width < 1 || height < 1 || pixels.length !== width * height || palette.length < 1 || palette.length > 256) {
    throw failure({
      path: 'image',
      seen: `${pixels.length} pixels, ${palette.length} colours`,
      expected: `[row=${height}, column=${width}] pixels, neither side empty, and 1 to 256 colours`,
    });
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 3, 0, 0, 0], 8);
  const scanlines = new Uint8Array((width + 1) * height);
  for (let row = 0; row < height; row++) {
    scanlines.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('PLTE', Uint8Array.from(palette.flat())),
    chunk('IDAT', deflateSync(scanlines, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ]);
};

/** `image` as a `data:` URI, so that the page needs no other file. */
export const pngDataUri = (image: IndexedImage): string =>
  `data:image/png;base64,${Buffer.from(encodePng(image)).toString('base64')}`;

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePng } from './decode-png.test.data.js';
import { encodePng, pngDataUri } from './png.js';

describe('encodePng', () => {
  it('decodes to the same pixels and palette', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const images = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })).chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        pixels: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
        palette: fc.array(fc.tuple(byte, byte, byte), { minLength: 256, maxLength: 256 }),
      }),
    );
    fc.assert(
      fc.property(images, (image) => {
        expect(decodePng(new Uint8Array(encodePng(image)))).toEqual(image);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses pixels that do not fill the image', () => {
    expect(() => encodePng({ width: 2, height: 2, pixels: new Uint8Array(3), palette: [[0, 0, 0]] })).toThrow(
      /3 pixels/,
    );
  });

  it('is a data URI that the page policy allows', () => {
    const uri = pngDataUri({ width: 1, height: 1, pixels: new Uint8Array(1), palette: [[1, 2, 3]] });
    expect(uri).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/);
  });
});

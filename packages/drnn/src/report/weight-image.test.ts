import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { divergingLevels } from './colours.js';
import { decodePng } from './decode-png.test.data.js';
import { weightImage } from './weight-image.js';

const pixelsOf = (uri: string) => decodePng(new Uint8Array(Buffer.from(uri.split(',')[1] ?? '', 'base64')));

describe('weightImage', () => {
  it('has a pixel for each weight, row = target, sign and order kept', () => {
    const image = weightImage(matrix(2, 3, Float64Array.of(-1, 0, 1, 0.5, -0.5, 0)));
    const { width, height, pixels } = pixelsOf(image?.uri ?? '');
    const middle = (divergingLevels - 1) / 2;
    expect([width, height]).toEqual([3, 2]);
    expect(Array.from(pixels)).toEqual(
      [0, middle, 2 * middle, middle + 64, middle - 63, middle].map((p, i) => (i === 4 ? middle - 63 : p)),
    );
    expect(image?.limit).toBe(1);
  });

  it('averages blocks beyond a thousand rows and says so', () => {
    const image = weightImage(matrix(1500, 3, new Float64Array(4500).fill(0.25)));
    const { width, height } = pixelsOf(image?.uri ?? '');
    expect([width, height, image?.block, image?.limit]).toEqual([2, 750, 2, 0.25]);
  });

  it('draws zeros and non-finite weights as nothing, and an empty matrix not at all', () => {
    expect(weightImage(matrix(4, 0))).toBeNull();
    expect(weightImage(matrix(1, 2, Float64Array.of(Number.NaN, 0)))?.limit).toBe(0);
  });
});

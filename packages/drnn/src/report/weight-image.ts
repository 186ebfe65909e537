import type { Matrix } from '@drnn/tensor';
import { divergingIndex, divergingScale } from './colours.js';
import { pngDataUri } from './png.js';

/** A matrix as a picture. */
export interface WeightImage {
  readonly uri: string;
  /** The value at which the colours saturate, at both signs. */
  readonly limit: number;
  /** Each pixel is the mean over `block` x `block` entries; 1 up to a thousand rows and columns. */
  readonly block: number;
  /** How many pixels are beyond the limit. */
  readonly saturated: number;
}

const mostPixels = 1000;

/** The quantile of |weight| at which colours saturate: a few large weights must not hide the rest. */
const saturation = 0.995;

/** Draws `weights` on the diverging scale, symmetric about zero; null when the matrix is empty. */
export const weightImage = (weights: Matrix): WeightImage | null => {
  if (weights.rows === 0 || weights.columns === 0) return null;
  const block = Math.ceil(Math.max(weights.rows, weights.columns) / mostPixels);
  const { rows, columns, data } = block === 1 ? weights : blockMeans(weights, block);
  const sizes = sizesOf(data);
  const limit = sizes[Math.min(sizes.length - 1, Math.floor(saturation * sizes.length))] ?? 0;
  const pixels = Uint8Array.from(data, (value) => divergingIndex(value, limit));
  return {
    uri: pngDataUri({ width: columns, height: rows, pixels, palette: divergingScale() }),
    limit,
    block,
    saturated: sizes.reduce((count, size) => count + (size > limit ? 1 : 0), 0),
  };
};

/** The colour scale itself from the largest value (top) to the smallest, one pixel wide. */
export const scaleImage = (): string => {
  const palette = divergingScale();
  const pixels = Uint8Array.from(palette.keys()).toReversed();
  return pngDataUri({ width: 1, height: palette.length, pixels, palette });
};

/** |value| of the finite entries that are not zero, sorted. */
const sizesOf = (data: Float64Array): Float64Array => {
  const sizes = new Float64Array(data.length);
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]!);
    if (size > 0 && size < Infinity) sizes[count++] = size;
  }
  return sizes.subarray(0, count).sort();
};

const blockMeans = (a: Matrix, block: number): Matrix => {
  const rows = Math.ceil(a.rows / block);
  const columns = Math.ceil(a.columns / block);
  const data = new Float64Array(rows * columns);
  const count = new Float64Array(rows * columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) {
      const pixel = Math.floor(i / block) * columns + Math.floor(j / block);
      data[pixel]! += a.data[i * a.columns + j]!;
      count[pixel]! += 1;
    }
  }
  for (let pixel = 0; pixel < data.length; pixel++) data[pixel]! /= count[pixel]!;
  return { rows, columns, data };
};

import type { Rgb } from './png.js';

/** Colours of series, from Okabe and Ito (2008), told apart with every common colour vision; also by line and shape. */
export const ink = '#333333';
export const blue = '#0072b2';
export const vermillion = '#d55e00';
export const grey = '#8a8a8a';

/** How many colours the diverging scale has: odd, so that zero has its own. */
export const divergingLevels = 255;

const encodeGamma = (linear: number): number =>
  linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.max(linear, 0) ** (1 / 2.4) - 0.055;

/** OKLab (Ottosson 2020) to sRGB bytes, clipped to the gamut. */
const oklabToRgb = (lightness: number, a: number, b: number): Rgb => {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const byte = (linear: number): number => Math.round(255 * Math.min(1, Math.max(0, encodeGamma(linear))));
  return [
    byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    byte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
};

/**
 * A diverging scale from blue (-1) over near-white (0) to vermillion (+1), `divergingLevels` colours. In OKLab the
 * lightness falls by the same amount on both sides and the path is straight, so that equal steps of the weight look
 * equal and neither sign looks stronger; blue against orange-red stays apart in all common colour deficiencies.
 */
export const divergingScale = (): readonly Rgb[] =>
  Array.from({ length: divergingLevels }, (_, index) => {
    const signed = (2 * index) / (divergingLevels - 1) - 1;
    const distance = Math.abs(signed);
    const hue = ((signed < 0 ? 252 : 40) * Math.PI) / 180;
    const chroma = 0.13 * distance;
    return oklabToRgb(0.975 - 0.5 * distance, chroma * Math.cos(hue), chroma * Math.sin(hue));
  });

/** The colour index of `value` on a scale that saturates at +-`limit`; zero is exactly the middle. */
export const divergingIndex = (value: number, limit: number): number => {
  const middle = (divergingLevels - 1) / 2;
  if (!Number.isFinite(value) || limit <= 0) return middle;
  return middle + Math.round(middle * Math.min(1, Math.max(-1, value / limit)));
};

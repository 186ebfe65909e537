import { formatCount, superscript } from './numbers.js';

/** Whole numbers from `from` to `to`, at most about `most` of them, at steps of 1, 2 or 5 times a power of ten. */
export const wholeTicks = (from: number, to: number, most = 10): readonly number[] => {
  const span = Math.max(1, to - from);
  const power = 10 ** Math.max(0, Math.floor(Math.log10(span / most)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= most) ?? span;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, index) => (first + index) * step);
};

/** Powers of ten from 10^`low` to 10^`high`, every second or third one where there are more than `most`. */
export const powerTicks = (low: number, high: number, most = 7): readonly number[] => {
  const stride = Math.max(1, Math.ceil((high - low) / (most - 1)));
  return Array.from({ length: Math.floor((high - low) / stride) + 1 }, (_, index) => 10 ** (low + stride * index));
};

/** The label of a power of ten. */
export const powerTick = (value: number): string => `10${superscript(Math.round(Math.log10(value)))}`;

/** The label of a tick on a linear axis. */
export const linearTick = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) >= 10000
    ? formatCount(value)
    : String(Number(value.toPrecision(6))).replace('-', '−');

/** Options of every axis: its name in the middle, without an arrow. */
export const centred = { labelAnchor: 'center', labelArrow: 'none' } as const;

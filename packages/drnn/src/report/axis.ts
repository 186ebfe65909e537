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

/** Counts from 0 to `most` for an axis of square roots: of 1, 2, 5, 10, ... those with at least a tenth of it between. */
export const rootTicks = (most: number): readonly number[] => {
  const ticks: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(Math.max(1, most))); power >= 1; power /= 10) {
    for (const count of [5 * power, 2 * power, power]) {
      const gap = Math.sqrt((ticks[0] ?? Infinity) / most) - Math.sqrt(count / most);
      if (count <= most && gap >= 0.1 && count >= 0.01 * most) ticks.unshift(count);
    }
  }
  return [0, ...ticks];
};

/** The label of a tick on a linear axis. */
export const linearTick = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) >= 10000
    ? formatCount(value)
    : String(Number(value.toPrecision(6))).replace('-', '−');

/** Options of every axis: its name in the middle, without an arrow. */
export const centred = { labelAnchor: 'center', labelArrow: 'none' } as const;

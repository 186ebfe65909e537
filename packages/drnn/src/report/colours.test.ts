import { describe, expect, it } from 'vitest';
import { divergingIndex, divergingLevels, divergingScale } from './colours.js';
import type { Rgb } from './png.js';

const linear = (byte: number): number => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};

/** CIE 1976 L*, a*, b* (D65): not the space in which the scale was made. */
const cielab = (red: number, green: number, blue: number): readonly [number, number, number] => {
  const f = (t: number): number => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29);
  const x = f((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047);
  const y = f(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  const z = f((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};

const seen = ([red, green, blue]: Rgb, vision?: readonly (readonly number[])[]): readonly [number, number, number] => {
  const light = [linear(red), linear(green), linear(blue)];
  const [r = 0, g = 0, b = 0] =
    (vision ?? []).length === 0
      ? light
      : (vision ?? []).map((row) => row.reduce((sum, weight, index) => sum + weight * (light[index] ?? 0), 0));
  return cielab(r, g, b);
};

/** Complete dichromacy after Machado, Oliveira and Fernandes (2009). */
const visions = {
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.hypot(...a.map((value, index) => value - (b[index] ?? 0)));

describe('divergingScale', () => {
  const scale = divergingScale();
  const middle = (divergingLevels - 1) / 2;
  const at = (index: number): Rgb => scale[index] ?? [0, 0, 0];

  it('darkens steadily and equally to both sides', () => {
    expect(scale).toHaveLength(divergingLevels);
    for (let step = 16; step <= middle; step += 16) {
      const [low, high, before] = [
        seen(at(middle - step))[0],
        seen(at(middle + step))[0],
        seen(at(middle + step - 16))[0],
      ];
      expect(Math.abs(low - high)).toBeLessThan(5);
      expect(before - high).toBeGreaterThan(4);
      expect(before - high).toBeLessThan(10);
    }
  });

  it('has no colour at zero', () => {
    const [red, green, blue] = at(middle);
    expect([green, blue]).toEqual([red, red]);
  });

  it.each(Object.entries(visions))('tells the signs apart with %s', (_, vision) => {
    for (const step of [40, 80, middle]) {
      expect(distance(seen(at(middle - step), vision), seen(at(middle + step), vision))).toBeGreaterThan(step / 6);
    }
  });

  it('gives zero and non-finite values the middle, and saturates at the limit', () => {
    expect([0, Number.NaN, 1, 5, -1, -5].map((value) => divergingIndex(value, 1))).toEqual([
      middle,
      middle,
      2 * middle,
      2 * middle,
      0,
      0,
    ]);
  });
});

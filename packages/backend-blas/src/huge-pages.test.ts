import { describe, expect, it } from 'vitest';
import { hugePages, preparing } from './huge-pages.js';

/** A process that notes what is asked of it. */
const noting = (address: number) => {
  const asked: (readonly unknown[])[] = [];
  const prepare = preparing({
    find:
      () =>
      (...values) =>
        asked.push(values),
    addressOf: () => address,
  });
  return { asked, prepare };
};

describe('huge pages', () => {
  it('are asked for whole pages of a large array, and of no other', () => {
    const { asked, prepare } = noting(4096 * 10 + 16);
    const large = new Float32Array(2 ** 20);
    expect(prepare(large)).toBe(large);
    expect(asked).toEqual([[4096 * 11, 4096 * 1023, 14]]);
    prepare(new Float64Array(2 ** 19 - 1));
    expect(asked).toHaveLength(1);
  });

  it('are not missed where the system has no madvise', () => {
    const prepare = preparing({ find: () => null, addressOf: () => 0 });
    expect(prepare(new Float64Array(2 ** 20))).toHaveLength(2 ** 20);
  });

  it('leave an array as it is: zeros, and what is written', async () => {
    const prepare = await hugePages();
    const values = prepare(new Float64Array(2 ** 20));
    expect(values.every((value) => value === 0)).toBe(true);
    values[2 ** 19] = 3;
    expect(values[2 ** 19]).toBe(3);
  });
});

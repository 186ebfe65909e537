import { describe, expect, it } from 'vitest';
import { hugePages, preparing } from './huge-pages.js';

describe('huge pages', () => {
  it('are asked for whole pages of a large array, and of no other', () => {
    const asked: (readonly number[])[] = [];
    const prepare = preparing({ addressOf: () => 4096 * 10 + 16, advise: (...what) => void asked.push(what) });
    const large = new Float32Array(2 ** 20);
    expect(prepare(large)).toBe(large);
    expect(asked).toEqual([[4096 * 11, 4096 * 1023, 14]]);
    prepare(new Float64Array(2 ** 19 - 1));
    expect(asked).toHaveLength(1);
  });

  it('leave an array as it is: zeros, and what is written', async () => {
    const prepare = await hugePages();
    const values = prepare(new Float64Array(2 ** 20));
    for (let i = 0; i < values.length; i++) values[i]! += i;
    expect(values.every((value, i) => value === i)).toBe(true);
  });
});

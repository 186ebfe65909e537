import { drawnMatrix } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';

describe('Gram matrices of more units than one sweep takes', () => {
  it('are those of each unit by itself', async () => {
    const on = await backend();
    const [design, weights] = [await on.rows(drawnMatrix(7, 260, 1)), await on.rows(drawnMatrix(7, 36, 2))];
    const all = await on.gramEach(design, weights, 1, 36);
    expect(all).toHaveLength(35);
    for (const [k, { data }] of all.entries()) {
      const [own] = await on.gramEach(design, weights, 1 + k, 2 + k);
      expect(data.findIndex((value, i) => value !== own?.data[i])).toBe(-1);
    }
    expect(all[0]?.data).not.toEqual(all[20]?.data);
    await on.close();
  });
});

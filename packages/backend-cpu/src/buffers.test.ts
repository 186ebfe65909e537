import { describe, expect, it } from 'vitest';
import { createBuffers } from './buffers.js';

describe('a pool of buffers', () => {
  it('lends each buffer to one borrower and makes no more than were lent at once', () => {
    let made = 0;
    const pool = createBuffers((length) => {
      made++;
      return new Float64Array(length);
    });
    for (let loop = 0; loop < 10; loop++) {
      const [a, b, c] = [pool.take(8), pool.take(8), pool.take(9)];
      expect(a).not.toBe(b);
      expect([a.length, c.length]).toEqual([8, 9]);
      [a, b, c].forEach(pool.give);
    }
    expect(made).toBe(3);
  });
});

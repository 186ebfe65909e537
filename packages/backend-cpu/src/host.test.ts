import { matrix } from '@drnn/tensor';
import { assertHost, drawnMatrix } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { host } from './host.js';

describe('the CPU host', () => {
  it('obeys the laws of a host', () => {
    expect(() => assertHost(host, { runs: 15 })).not.toThrow();
  });

  it('finds the eigenvalues of a second difference, 4 sin^2(k pi / 2(n + 1))', () => {
    const n = 200;
    const a = matrix(n, n);
    for (let i = 0; i < n; i++) {
      a.data[i * n + i] = 2;
      if (i > 0) a.data[i * n + i - 1] = -1;
    }
    const { values } = host.eigh(a);
    values.forEach((value, k) =>
      expect(Math.abs(value - 4 * Math.sin(((k + 1) * Math.PI) / (2 * n + 2)) ** 2)).toBeLessThan(1e-13),
    );
  });

  it('gives the same product for blocks of any size as for the whole', () => {
    const a = drawnMatrix(700, 300, 1);
    const b = drawnMatrix(300, 530, 2);
    const whole = host.matMul(a, b);
    const first = { rows: 1, columns: 300, data: a.data.subarray(600 * 300, 601 * 300) };
    const row = host.matMul(first, b);
    row.data.forEach((x, j) => expect(Math.abs(x - (whole.data[600 * 530 + j] ?? NaN))).toBeLessThan(1e-12));
  });
});

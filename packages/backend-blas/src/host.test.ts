import { createMachine } from '@drnn/backend-wasm/kernels';
import { host as plain } from '@drnn/backend-cpu';
import { identity, matrix } from '@drnn/tensor';
import { assertHost, drawnMatrix } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { hostWith } from './host.js';
import { openProved } from './library.js';

const hosts = async () => {
  const [library, machine] = [await openProved(), await createMachine(1)];
  return {
    whole: hostWith(library, machine, 2),
    withoutLapack: hostWith({ ...library, does: { ...library.does, factors: null } }, machine, 1),
  };
};

describe.skipIf(!requires('blas'))('the BLAS host', () => {
  it('obeys the laws of a host, with LAPACK and without', async () => {
    const { whole, withoutLapack } = await hosts();
    expect(() => assertHost(whole, { runs: 15 })).not.toThrow();
    expect(() => assertHost(withoutLapack, { runs: 10 })).not.toThrow();
  });

  it('finds the first pivot that is not positive and finite deep in a large matrix', async () => {
    const { whole } = await hosts();
    const n = 300;
    for (const [bad, value] of [
      [7, -1],
      [150, Number.NaN],
      [299, Infinity],
      [200, 0],
    ] as const) {
      const a = identity(n);
      a.data[bad * n + bad] = value;
      expect(whole.cholesky(a)).toEqual({ ok: false, pivot: bad });
    }
    const hidden = identity(n);
    hidden.data[250 * n + 3] = Number.NaN;
    expect(whole.cholesky(hidden)).toEqual({ ok: false, pivot: 250 });
  });

  it('agrees with plain TypeScript beyond the sizes of blocks', async () => {
    const { whole } = await hosts();
    const n = 260;
    const x = drawnMatrix(300, n, 1);
    const weights = drawnMatrix(300, 1, 2).data.map(Math.abs);
    const near = (a: Float64Array, b: Float64Array, tolerance: number) =>
      expect(a.findIndex((value, i) => !(Math.abs(value - (b[i] ?? NaN)) < tolerance))).toBe(-1);
    near(whole.gram(x, weights).data, plain.gram(x, weights).data, 1e-11);
    const a = whole.rankUpdate(
      matrix(
        n,
        n,
        identity(n).data.map((value) => 30 * value),
      ),
      x,
    );
    const factor = whole.cholesky(a);
    if (!factor.ok) throw new Error(`pivot ${factor.pivot}`);
    for (const columns of [1, 9]) {
      const b = drawnMatrix(n, columns, 3);
      near(plain.matMul(a, whole.choleskySolve(factor.factor, b)).data, b.data, 1e-11);
    }
    near(whole.eigh(a).values, plain.eigh(a).values, 1e-9);
  });
});

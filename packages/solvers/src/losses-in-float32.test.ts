import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import { matching, transfers } from '@drnn/objectives';
import { type Backend, type Expression, matrix } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Samples at which float32 has less room than float64: far currents, targets at the ends of the range. */
const currents = [-1e4, -110, -60, -20, -5, -1, 0, 1, 5, 9, 10, 20, 45, 60, 88, 90, 110, 1e4];
const weights = [0, 1e-30, 1e-3, 1, 100, 5e5];
const targetsIn = ({ low, high }: { readonly low: number; readonly high: number }): readonly number[] => {
  const [from, to] = [Number.isFinite(low) ? low : -3, Number.isFinite(high) ? high : 3];
  return [1e-6, 0.01, 0.5, 0.9, 1 - 1e-6].map((way) => from + way * (to - from));
};

describe('in float32', () => {
  let mixed: Backend;
  let exact: Backend;
  beforeAll(async () => {
    mixed = await wasm({ precision: 'mixed', threads: 1 });
    exact = await cpu();
  });
  afterAll(async () => {
    await mixed.close();
    await exact.close();
  });

  const cases = Object.entries(transfers).flatMap(([name, transfer]) =>
    [null, 0.2].map((clip) => ({ name, clip, transfer })),
  );
  it.each(cases)('no loss, slope or curvature of $name, clip $clip, is NaN where it has a value', async (given) => {
    const { loss, slope, curvature } = matching(given.transfer, { clip: given.clip, weights: 'none' });
    // e^z itself has no value in float32 from 88 on.
    const reach = given.name === 'exp' ? currents.filter((z) => z < 85) : currents;
    const samples = reach.flatMap((z) =>
      targetsIn(given.transfer.range).flatMap((d) => weights.map((w) => ({ z, d, w }))),
    );
    const column = (name: 'z' | 'd' | 'w') =>
      matrix(
        samples.length,
        1,
        Float64Array.from(samples, (sample) => sample[name]),
      );
    const values = (on: Backend, keep: readonly Expression[]) =>
      on.scope(async (inner) => {
        const z = await inner.rows(column('z'));
        const data = { d: await inner.rows(column('d')), w: await inner.rows(column('w')) };
        const { kept } = await inner.pass(z, { currents: { z: matrix(1, 1, Float64Array.of(1)) }, data, keep });
        const read = [];
        for (const rows of kept) read.push((await inner.read(rows)).data);
        return read;
      });
    const expressions = [loss, slope, curvature];
    const [seen, right] = [await values(mixed, expressions), await values(exact, expressions)];
    const bad = right.flatMap((each, k) =>
      samples.filter((_, i) => !Number.isNaN(each[i]!) && Number.isNaN(seen[k]?.[i] ?? Number.NaN)),
    );
    expect(bad).toEqual([]);
  });
});

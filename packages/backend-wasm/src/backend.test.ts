import { matrix, type Matrix, sub, tanh, variable } from '@drnn/tensor';
import { backendLaws, streamed } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';

const cases = [1, 2].flatMap((threads) => (['float64', 'mixed'] as const).map((precision) => ({ threads, precision })));

describe.each(cases)('the Wasm backend in $precision on $threads threads', (options) => {
  it.each(backendLaws.map((law) => [law.name, law] as const))('obeys: %s', (_, law) =>
    law.check(() => backend(options), { runs: 15 }),
  );

  // Sources are read some 4 million numbers at a time: these come in several bursts, the others in one.
  it('adds up over bursts what it adds up at once', async () => {
    const on = await backend(options);
    const wave = (rows: number, columns: number): Matrix =>
      matrix(
        rows,
        columns,
        new Float64Array(rows * columns).map((_, i) => (((7919 * i) % 1009) - 504) / 512),
      );
    const difference = (a: Matrix, b: Matrix): number => {
      let [largest, size] = [0, 0];
      b.data.forEach((value, i) => {
        largest = Math.max(largest, Math.abs(value - a.data[i]!));
        size = Math.max(size, Math.abs(value));
      });
      return largest / size;
    };
    const enough = options.precision === 'mixed' ? 1e-5 : 1e-12;

    const [x, d, theta] = [wave(2500, 2048), wave(2500, 2), wave(2048, 2)];
    const request = { currents: { z: theta }, backProject: [sub(tanh(variable('z')), variable('d'))] };
    const before = wave(2048, 2);
    const gradients: Matrix[] = [];
    const added: Matrix[] = [];
    for (const source of [x, streamed(x, false)]) {
      const rows = { x: await on.rows(source, { copy: false }), d: await on.rows(d) };
      const { backProject } = await on.pass(rows.x, { ...request, data: { d: rows.d } });
      const out = [matrix(2048, 2, before.data.slice())];
      await on.pass(rows.x, { ...request, data: { d: rows.d }, out, accumulate: true });
      gradients.push(...backProject);
      added.push(...out);
      rows.x.release();
      rows.d.release();
    }
    expect(difference(gradients[1]!, gradients[0]!)).toBeLessThan(enough);
    for (const k of [0, 1]) {
      const sum = matrix(
        2048,
        2,
        before.data.map((value, i) => value + gradients[0]!.data[i]!),
      );
      expect(difference(added[k]!, sum)).toBeLessThan(enough);
    }

    const long = wave(75_000, 60);
    const grams: Matrix[] = [];
    for (const source of [long, streamed(long, false)]) {
      const rows = await on.rows(source, { copy: false });
      grams.push(await on.gram(rows));
      rows.release();
    }
    expect(difference(grams[1]!, grams[0]!)).toBeLessThan(enough);
    await on.close();
  });
});

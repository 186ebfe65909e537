import { DrnnError, matrix, mul, pointwise, sub, tanh, variable } from '@drnn/tensor';
import { backendLaws, drawnMatrix, streamed } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';

describe.each(['float64', 'mixed'] as const)('the CPU backend in %s', (precision) => {
  it.each(backendLaws.map((law) => [law.name, law] as const))('obeys: %s', (_, law) =>
    law.check(() => backend({ precision }), { runs: 15 }),
  );

  it('gives bit-equal passes for streamed and resident rows', async () => {
    const on = await backend({ precision });
    const [x, target] = [drawnMatrix(1000, 7, 1), drawnMatrix(1000, 5, 2)];
    const e = pointwise(({ z, d }) => sub(tanh(z), d));
    const currents = { z: drawnMatrix(7, 5, 3) };
    const request = { currents, backProject: [e], columnSums: [mul(e, e)] };
    const resident = await on.pass(await on.rows(x), { ...request, data: { d: await on.rows(target) } });
    const source = await on.rows(streamed(x, true));
    const other = await on.pass(source, { ...request, data: { d: await on.rows(streamed(target, false)) } });
    expect(other.backProject).toEqual(resident.backProject);
    expect(other.columnSums).toEqual(resident.columnSums);
    await on.close();
  });

  it('adds 1e5 rows to the last digits', async () => {
    const on = await backend({ precision });
    const time = 100_003;
    const d = matrix(
      time,
      1,
      Float64Array.from({ length: time }, (_, t) => Math.fround(Math.sin(t) + 0.1)),
    );
    const { columnSums } = await on.pass(await on.rows(matrix(time, 0)), {
      currents: {},
      data: { d: await on.rows(d) },
      columnSums: [variable('d')],
    });
    // The exact sum: every float32 is a whole multiple of 2^-60 here.
    const scale = 2 ** 60;
    const exact = d.data.reduce((sum, x) => sum + BigInt(x * scale), 0n);
    const terms = d.data.reduce((sum, x) => sum + Math.abs(x), 0);
    expect(Math.abs((columnSums[0]?.[0] ?? NaN) - Number(exact) / scale)).toBeLessThan(1e-15 * terms);
    await on.close();
  });
});

describe('making a CPU backend', () => {
  it('names every option it does not know', async () => {
    const options: object = { precision: 'float16', threads: 4 };
    await expect(backend(options)).rejects.toThrow(DrnnError);
    await expect(backend(options)).rejects.toThrow(/threads[^]*float16/);
  });

  it('stores float32 in mixed precision, and refuses what that cannot hold', async () => {
    const on = await backend({ precision: 'mixed' });
    await on.rows(matrix(10, 3));
    expect(on.memory()).toEqual({ handles: 1, bytes: 120 });
    await expect(on.rows(matrix(1, 1, Float64Array.of(1e300)))).rejects.toThrow(/float32/);
    await on.close();
  });
});

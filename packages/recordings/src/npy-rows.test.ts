import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginningOf, collect, DrnnError, type RowSource } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeNpy, npyRows } from './index.js';

const folder = mkdtempSync(join(tmpdir(), 'drnn-npy-rows-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'rows.npy');
const write = (shape: readonly number[], data: Float64Array | Float32Array | Int16Array): void => {
  const type = data instanceof Float64Array ? 'float64' : data instanceof Float32Array ? 'float32' : 'int16';
  writeFileSync(path, encodeNpy({ shape, type, data }));
};

describe('rows of an npy file', () => {
  it('are those of the array, in pieces of any size, as often as they are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 50 }),
        async (rows, columns, length) => {
          const data = Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(i) * 1e3);
          write([rows, columns], data);
          const source = await npyRows(path);
          for (let time = 0; time < 2; time++) {
            const pieces: number[] = [];
            for await (const piece of source.blocks(length)) {
              expect(piece.rows).toBeLessThanOrEqual(length);
              pieces.push(...piece.data);
            }
            expect(pieces).toEqual([...data]);
          }
          const from = Math.min(rows, length);
          const begun = beginningOf(source)?.(from);
          expect(begun === undefined ? null : (await collect(begun)).data).toEqual(data.slice(from * columns));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('widen smaller numbers', async () => {
    write([2, 2], Int16Array.of(1, -2, 3, 32767));
    expect([...(await collect(await npyRows(path))).data]).toEqual([1, -2, 3, 32767]);
    write([1, 2], Float32Array.of(0.5, 1e30));
    expect([...(await collect(await npyRows(path))).data]).toEqual([0.5, Math.fround(1e30)]);
  });

  it('are refused where the file is none, of other axes, or cut short', async () => {
    const refused = (act: Promise<RowSource>) => expect(act).rejects.toThrow(DrnnError);
    await refused(npyRows(join(folder, 'absent.npy')));
    await refused(npyRows(folder));
    writeFileSync(path, 'time,unit');
    await refused(npyRows(path));
    write([2, 2, 2], new Float64Array(8));
    await refused(npyRows(path));
    write([4, 2], new Float64Array(8));
    const source = await npyRows(path);
    truncateSync(path, 150);
    await refused(npyRows(path));
    await expect(collect(source)).rejects.toThrow(DrnnError);
  });
});

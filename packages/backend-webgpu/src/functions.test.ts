import { type BinaryOperation, evaluate, type Expression, matrix, type UnaryOperation, variable } from '@drnn/tensor';
import { uniforms } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backend, type WebgpuBackend } from './backend.js';

const unary: readonly UnaryOperation[] = [
  'sqrt',
  'exp',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'atanh',
  'logistic',
  'softplus',
  'log2cosh',
  'softplusIntegral',
];
const [z, y] = [variable('z'), variable('y')];
const cases: readonly (readonly [string, Expression])[] = [
  ...unary.map((operation) => [operation, { kind: 'unary', operation, argument: z }] as const),
  ...(['transferDifference', 'divide'] as const).map(
    (operation: BinaryOperation) => [operation, { kind: 'binary', operation, left: z, right: y }] as const,
  ),
];

describe.skipIf(!requires('webgpu'))('functions in WGSL', () => {
  let on: WebgpuBackend;
  beforeAll(async () => {
    on = await backend();
  });
  afterAll(() => on.close());

  it.each(cases)('%s is within the contract over the whole range', async (_name, e) => {
    const next = uniforms(7);
    const wide = (): number => Math.fround((next() < 0.5 ? -1 : 1) * 2 ** (-40 + 47 * next()));
    const points = Array.from({ length: 6000 }, (_, k) => {
      const at = wide();
      const near = [wide(), Math.fround(at * (1 + 1e-3 * next())), Math.fround(at + 2e-6 * next())];
      return { z: at, y: near[k % 3] ?? at };
    }).filter((point) => Math.abs(evaluate(e, point)) < 3e38);
    const got = await on.scope(async (inner) => {
      const column = (name: 'z' | 'y') =>
        matrix(
          points.length,
          1,
          Float64Array.from(points, (point) => point[name]),
        );
      const data = { z: await inner.rows(column('z')), y: await inner.rows(column('y')) };
      const { kept } = await inner.pass(await inner.rows(matrix(points.length, 0)), { currents: {}, data, keep: [e] });
      const [rows] = kept;
      if (rows === undefined) throw new Error('nothing kept');
      return (await inner.read(rows)).data;
    });
    const { pointwise, absolute } = on.accuracy;
    const wrong = points.flatMap((point, k) => {
      const exact = evaluate(e, point);
      const error = Math.abs((got[k] ?? NaN) - exact);
      return error <= pointwise * Math.abs(exact) + absolute ? [] : [{ ...point, exact, got: got[k] }];
    });
    expect(points.length).toBeGreaterThan(2000);
    expect(wrong).toEqual([]);
  });
});

import {
  type Backend,
  type BinaryOperation,
  evaluate,
  type Expression,
  matrix,
  type UnaryOperation,
  variable,
} from '@drnn/tensor';
import { uniforms } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { backend } from './wasm.js';

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

/** Points over 47 binary orders of magnitude, of both signs; y is anywhere, or very near to z. */
const points = (count: number): readonly { readonly z: number; readonly y: number }[] => {
  const next = uniforms(7);
  const wide = (): number => Math.fround((next() < 0.5 ? -1 : 1) * 2 ** (-40 + 47 * next()));
  return Array.from({ length: count }, (_, k) => {
    const at = wide();
    const near = [wide(), Math.fround(at * (1 + 1e-3 * next())), Math.fround(at + 2e-6 * next())];
    return { z: at, y: near[k % 3] ?? at };
  });
};

const applied = async (on: Backend, e: Expression, at: readonly { readonly z: number; readonly y: number }[]) =>
  on.scope(async (inner) => {
    const column = (name: 'z' | 'y') =>
      matrix(
        at.length,
        1,
        Float64Array.from(at, (point) => point[name]),
      );
    const data = { z: await inner.rows(column('z')), y: await inner.rows(column('y')) };
    const { kept } = await inner.pass(await inner.rows(matrix(at.length, 0)), { currents: {}, data, keep: [e] });
    const [rows] = kept;
    if (rows === undefined) throw new Error('nothing kept');
    return (await inner.read(rows)).data;
  });

describe('functions of tfjs-wasm', () => {
  it.each(cases)('%s is within its contract over the whole range', async (_, e) => {
    const on = await backend();
    const at = points(6000).filter((point) => Math.abs(evaluate(e, { ...point })) < 3e38);
    const got = await applied(on, e, at);
    const { pointwise, absolute } = on.accuracy;
    const errors = at.map((point, k) => {
      const exact = evaluate(e, { ...point });
      return Math.abs((got[k] ?? NaN) - exact) - absolute > pointwise * Math.abs(exact)
        ? { point, exact, got: got[k] }
        : null;
    });
    expect(at.length).toBeGreaterThan(2000);
    expect(errors.filter((error) => error !== null)).toEqual([]);
    await on.close();
  });

  it('NaN travels through every operation and every place of it', async () => {
    const on = await backend();
    const at = [
      { z: NaN, y: 1 },
      { z: NaN, y: -Infinity },
      { z: 0.7, y: 0.5 },
    ];
    for (const [name, e] of cases.filter(([, { kind }]) => kind === 'unary')) {
      const got = await applied(on, e, at);
      expect([name, ...Array.from(got, Number.isNaN)]).toEqual([name, true, true, false]);
    }
    for (const operation of ['add', 'subtract', 'multiply', 'divide', 'min', 'max', 'transferDifference'] as const) {
      for (const [left, right] of [
        [z, y],
        [y, z],
        [z, { kind: 'constant', value: 2 } as const],
        [{ kind: 'constant', value: 2 } as const, z],
      ] as const) {
        const got = await applied(on, { kind: 'binary', operation, left, right }, at);
        const constant = [left, right].some((side) => side.kind === 'constant');
        expect([operation, constant, ...Array.from(got, Number.isNaN)]).toEqual([
          operation,
          constant,
          true,
          true,
          false,
        ]);
      }
    }
    await on.close();
  });
});

describe('products of tfjs-wasm', () => {
  it.each(['random signs', 'one sign'] as const)('are within their contract for terms of %s', async (kind) => {
    const on = await backend();
    const next = uniforms(3);
    const draw = (): number => Math.fround(kind === 'one sign' ? next() : 2 * next() - 1);
    const [time, width] = [2500, 6];
    const [x, d] = [0, 1].map(() => matrix(time, width, Float64Array.from({ length: time * width }, draw)));
    if (x === undefined || d === undefined) throw new Error('no matrices');
    const result = await on.pass(await on.rows(x), {
      currents: {},
      data: { d: await on.rows(d) },
      backProject: [variable('d')],
    });
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        let [sum, size] = [0, 0];
        for (let t = 0; t < time; t++) {
          const term = x.data[t * width + i]! * d.data[t * width + j]!;
          sum += term;
          size += Math.abs(term);
        }
        const error = Math.abs((result.backProject[0]?.data[i * width + j] ?? NaN) - sum) / size;
        expect(error).toBeLessThan(on.accuracy.product / 2);
      }
    }
    await on.close();
  });
});

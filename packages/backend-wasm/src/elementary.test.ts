import {
  type BinaryOperation,
  binaryNumber,
  type Expression,
  matrix,
  type UnaryOperation,
  unaryNumber,
  variable,
} from '@drnn/tensor';
import { uniforms } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';

/** Every `count` numbers apart, float32 numbers of all exponents and both signs. */
const allSingles = (count: number): Float64Array => {
  const bits = new Uint32Array(1);
  const single = new Float32Array(bits.buffer);
  return Float64Array.from({ length: count }, (_, k) => {
    bits[0] = k * Math.floor(2 ** 32 / count);
    return Number.isFinite(single[0]) ? single[0]! : 0;
  });
};

/** The distance between float32 neighbours at `x`. */
const unitOf = (x: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x) || 1e-300))) - 23);

const value = async (precision: 'float64' | 'mixed', e: Expression, data: Readonly<Record<string, Float64Array>>) => {
  const on = await backend({ precision, threads: 1 });
  const count = Object.values(data)[0]?.length ?? 0;
  const rows = Object.fromEntries(
    await Promise.all(
      Object.entries(data).map(async ([name, values]) => [name, await on.rows(matrix(count, 1, values))] as const),
    ),
  );
  const { kept } = await on.pass(await on.rows(matrix(count, 0)), { currents: {}, data: rows, keep: [e] });
  const result = await on.read(kept[0]!);
  await on.close();
  return result.data;
};

const unary = (operation: UnaryOperation): Expression => ({ kind: 'unary', operation, argument: variable('x') });
const binary = (operation: BinaryOperation): Expression => ({
  kind: 'binary',
  operation,
  left: variable('x'),
  right: variable('y'),
});

const delicate = [
  0, 1e-300, 1e-9, 0.3465735902799726, 0.34657359027997264, 0.5, 1, 19.9, 20, 22, 354, 371, 708, 745, 1e308,
];
const next = uniforms(7);
const spread = Float64Array.from({ length: 60_000 }, (_, k) => {
  const wide = [2, 40, 1400][k % 3] ?? 1;
  return (next() - 0.5) * wide;
});
const doubles = Float64Array.from([...delicate, ...delicate.map((x) => -x), ...spread]);

describe('functions on SIMD vectors', () => {
  it.each(['tanh', 'exp', 'log'] as const)('%s is within 2 units in the last place of float32', async (operation) => {
    const x = allSingles(2 ** 20);
    const y = await value('mixed', unary(operation), { x });
    let worst = 0;
    y.forEach((got, i) => {
      const exact = unaryNumber(operation, x[i]!);
      if (!Number.isFinite(exact) || Math.abs(exact) > 3.4e38) expect(Number.isFinite(got)).toBe(false);
      else worst = Math.max(worst, Math.abs(got - exact) / unitOf(exact));
    });
    expect(worst).toBeLessThan(2);
  });

  it.each(['tanh', 'exp', 'log'] as const)('%s is within 1e-15 in float64', async (operation) => {
    const y = await value('float64', unary(operation), { x: doubles });
    let worst = 0;
    y.forEach((got, i) => {
      const exact = unaryNumber(operation, doubles[i]!);
      if (!Number.isFinite(exact))
        expect(Object.is(got, exact) || (Number.isNaN(exact) && Number.isNaN(got))).toBe(true);
      else worst = Math.max(worst, (Math.abs(got - exact) - 5e-324) / Math.abs(exact || 1));
    });
    expect(worst).toBeLessThan(1e-15);
  });

  it('the difference of two tanh keeps its digits where both saturate', async () => {
    const x = Float64Array.from({ length: 20_000 }, () => Math.fround((next() - 0.5) * 30));
    const y = x.map((z) => Math.fround(z * (1 + (next() - 0.5) * Math.exp(-12 * next()))));
    for (const [precision, bound] of [
      ['mixed', 4.8e-7],
      ['float64', 1.5e-15],
    ] as const) {
      const got = await value(precision, binary('transferDifference'), { x, y });
      got.forEach((difference, i) => {
        const exact = binaryNumber('transferDifference', x[i]!, y[i]!);
        expect(Math.abs(difference - exact)).toBeLessThanOrEqual(bound * Math.abs(exact));
      });
    }
  });

  it.each(['tanh', 'exp', 'log', 'softplus', 'logistic', 'log2cosh', 'atanh', 'log1p', 'expm1', 'sqrt'] as const)(
    '%s lets NaN and infinity through as the language says',
    async (operation) => {
      const x = Float64Array.of(Number.NaN, Infinity, -Infinity, 1, -1, 0);
      for (const precision of ['mixed', 'float64'] as const) {
        const got = await value(precision, unary(operation), { x });
        got.forEach((each, i) => {
          const exact = unaryNumber(operation, x[i]!);
          if (Number.isFinite(exact)) expect(each).toBeCloseTo(exact, 5);
          else expect(each).toBe(exact);
        });
      }
    },
  );
});

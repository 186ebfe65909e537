import { constant, mul, pointwise, transferDifference, variable } from '@drnn/tensor';
import { arbitraryExpression } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shaderOf } from './wgsl.js';

const body = (code: string): string => code.slice(code.indexOf('fn value'));

describe('WGSL programs', () => {
  it('hold nothing that a user wrote', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.double(), (name, value) => {
        const { code, variables } = shaderOf(mul(variable(name), constant(value)), 'values');
        const plain = body(code).replaceAll(/-?\d+(\.\d+)?(e[+-]?\d+)?f|t\d+|v\d+|-?uniforms\.(NAN|INFINITY)/g, '#');
        expect(plain.replaceAll(/[^a-zA-Z#]+/g, ' ')).toMatch(
          /^fn value i i f( let # f #( i)?| let # f # #)* return # fn main/,
        );
        expect(variables.every((seen) => seen === name)).toBe(true);
      }),
    );
  });

  it('compute equal parts once, and need no function that WGSL computes loosely', () => {
    const e = pointwise(({ z, y, w }) => mul(mul(w, transferDifference(z, y)), transferDifference(z, y)));
    const { code, variables } = shaderOf(e, 'sums');
    expect(variables).toEqual(['w', 'y', 'z']);
    expect(body(code).match(/drnnExpm1/g)).toHaveLength(1);
    fc.assert(
      fc.property(arbitraryExpression(), (any) => {
        expect(body(shaderOf(any, 'values').code)).not.toMatch(/\b(exp|exp2|log|log2|tanh|atanh|pow)\(/);
      }),
    );
  });
});

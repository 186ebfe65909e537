import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockLength, runProgram, scratchFor } from './blocks.js';
import { evaluate } from './evaluate.js';
import { add, constant, type Expression, less, lessEqual, mul, sub, tanh, variable, where } from './expression.js';
import { arbitraryExpression, arbitrarySeed, drawnMatrix, uniforms } from './laws/index.js';
import { boundedValue } from './laws/reference.js';
import { compile } from './program.js';

const names = ['z', 'd', 'w'] as const;

/** Runs expressions over columns of numbers. */
const run = (expressions: readonly Expression[], columns: Readonly<Record<string, Float64Array>>, count: number) => {
  const program = compile(expressions);
  const inputs = program.variables.map((name) => columns[name] ?? new Float64Array(count));
  const outputs = expressions.map(() => new Float64Array(count));
  runProgram(program, inputs, outputs, count, scratchFor(program));
  return outputs;
};

const columnsFrom = (seed: number, count: number) => ({
  z: drawnMatrix(count, 1, seed).data,
  d: drawnMatrix(count, 1, seed + 1).data,
  w: drawnMatrix(count, 1, seed + 2).data,
});

describe('compiled programs', () => {
  it('agree with evaluate on random expressions, several at once', () => {
    const accuracy = { pointwise: 1e-15, absolute: 1e-320 };
    fc.assert(
      fc.property(
        fc.array(arbitraryExpression({ depth: 5 }), { minLength: 1, maxLength: 4 }),
        arbitrarySeed,
        fc.integer({ min: 1, max: 40 }),
        (expressions, seed, count) => {
          const columns = columnsFrom(seed, count);
          const outputs = run(expressions, columns, count);
          expressions.forEach((e, k) => {
            for (let i = 0; i < count; i++) {
              const at = Object.fromEntries(names.map((name) => [name, { value: columns[name][i] ?? NaN, error: 0 }]));
              const { value, error } = boundedValue(e, at, accuracy, 1e300);
              if (error < Infinity) expect(Math.abs((outputs[k]?.[i] ?? NaN) - value)).toBeLessThanOrEqual(error);
            }
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('agree to the bit where every operation is arithmetic, NaN and infinity included', () => {
    const special = [0, -0, 1, -1, 0.5, Infinity, -Infinity, Number.NaN, 5e-324, 1e308];
    fc.assert(
      fc.property(arbitraryExpression({ guarded: false, depth: 4 }), arbitrarySeed, (e, seed) => {
        const next = uniforms(seed);
        const pick = () => Float64Array.from({ length: 20 }, () => special[Math.floor(next() * special.length)] ?? 0);
        const columns = { z: pick(), d: pick(), w: pick() };
        const plain = exactOperations(e);
        const [out] = run([plain], columns, 20);
        for (let i = 0; i < 20; i++) {
          const at = { z: columns.z[i] ?? NaN, d: columns.d[i] ?? NaN, w: columns.w[i] ?? NaN };
          expect(out?.[i]).toBe(evaluate(plain, at));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('cross block boundaries, write over their inputs, and read float32', () => {
    const count = 2 * blockLength + 37;
    const z = drawnMatrix(count, 1, 1).data;
    const d = Float32Array.from(drawnMatrix(count, 1, 2).data);
    const program = compile([sub(tanh(variable('z')), variable('d')), mul(variable('z'), variable('d'))]);
    const wanted = Array.from(z, (value, i) => [value, d[i] ?? NaN] as const);
    const narrow = new Float32Array(count);
    runProgram(
      program,
      program.variables.map((name) => (name === 'z' ? z : d)),
      [z, narrow],
      count,
      scratchFor(program),
    );
    wanted.forEach(([a, b], i) => {
      expect(Math.abs((z[i] ?? NaN) - (Math.tanh(a) - b))).toBeLessThan(2e-15);
      expect(narrow[i]).toBe(Math.fround(a * b));
    });
  });

  it('share equal parts and reuse registers', () => {
    const z = variable('z');
    const twice = compile([add(tanh(z), 1), mul(tanh(variable('z')), 2)]);
    expect(twice.instructions.filter((step) => step.kind === 'unary')).toHaveLength(1);
    let chain: Expression = z;
    for (let k = 0; k < 50; k++) chain = add(tanh(chain), variable('d'));
    expect(compile([chain]).registers).toBeLessThan(5);
  });

  it('take the branch that the comparison says, for equal and NaN operands too', () => {
    const [z, d] = [variable('z'), variable('d')];
    const columns = { z: Float64Array.of(1, 1, 2, NaN), d: Float64Array.of(1, 2, 1, 1) };
    const outputs = run([where(less(z, d), 1, 2), where(lessEqual(z, d), 1, 2), constant(4)], columns, 4);
    expect(outputs.map((values) => Array.from(values))).toEqual([
      [2, 1, 2, 2],
      [1, 1, 2, 2],
      [4, 4, 4, 4],
    ]);
  });
});

/** The same tree with every transcendental operation replaced by an arithmetic one. */
const exactOperations = (e: Expression): Expression => {
  switch (e.kind) {
    case 'constant':
    case 'variable':
      return e;
    case 'unary': {
      const exact = ['negate', 'abs', 'square', 'sqrt'].includes(e.operation);
      return { ...e, operation: exact ? e.operation : 'negate', argument: exactOperations(e.argument) };
    }
    case 'binary': {
      const operation = e.operation === 'transferDifference' ? 'subtract' : e.operation;
      return { ...e, operation, left: exactOperations(e.left), right: exactOperations(e.right) };
    }
    case 'where':
      return {
        ...e,
        left: exactOperations(e.left),
        right: exactOperations(e.right),
        then: exactOperations(e.then),
        otherwise: exactOperations(e.otherwise),
      };
  }
};

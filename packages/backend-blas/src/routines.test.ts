import { describe, expect, it } from 'vitest';
import type { NativeLibrary, NativeValue } from './native.js';
import { bindRoutines, namingOf } from './routines.js';

/** A library that has the symbols, and records what it is called with. */
const recording = (has: (symbol: string) => boolean = () => true) => {
  const calls: { readonly symbol: string; readonly values: readonly NativeValue[] }[] = [];
  const library: NativeLibrary = {
    find: (symbol) => (has(symbol) ? (...values) => void calls.push({ symbol, values }) : null),
  };
  return { calls, library };
};

const plainNames = { fortran: (name: string) => `${name}_`, c: (name: string) => name };

describe('the routines of a library', () => {
  it.each(['dgemm_', 'dgemm_64_', 'scipy_dgemm_', 'scipy_dgemm_64_'])(
    'are found where a product is called %s',
    (symbol) => {
      const naming = namingOf(recording((each) => each === symbol).library);
      expect(naming?.fortran('dgemm')).toBe(symbol);
      expect(naming?.c('openblas_get_config')).toBe(symbol.replace('dgemm_', 'openblas_get_config'));
    },
  );

  it('are not found in what is no BLAS, and one that lacks some is refused', () => {
    expect(namingOf(recording(() => false).library)).toBeNull();
    const partial = recording((symbol) => symbol !== 'dsyrk_').library;
    expect(() => bindRoutines(partial, plainNames)).toThrow('no dsyrk_');
    expect(bindRoutines(recording((symbol) => symbol !== 'dpotrf_').library, plainNames).lapack).toBeNull();
  });

  it('hand integers over so that 4 bytes and 8 bytes read the same', () => {
    const { calls, library } = recording();
    const routines = bindRoutines(library, plainNames);
    routines.gemm(false, true, 3, 2, 4, 1, new Float64Array(12), 3, new Float64Array(8), 2, 0, new Float64Array(6), 3);
    const integers = (calls[0]?.values ?? []).filter((value) => value instanceof Int32Array);
    expect(integers.map((words) => words[0])).toEqual([3, 2, 4, 3, 2, 3]);
    for (const words of integers) expect(new BigInt64Array(words.slice().buffer)[0]).toBe(BigInt(words[0] ?? -1));
  });

  it('are in the precision of their arrays, which may not be mixed', () => {
    const { calls, library } = recording();
    const { gemm } = bindRoutines(library, plainNames);
    gemm(false, false, 1, 1, 1, 1, new Float32Array(1), 1, new Float32Array(1), 1, 0, new Float32Array(1), 1);
    expect(calls[0]?.symbol).toBe('sgemm_');
    expect(() =>
      gemm(false, false, 1, 1, 1, 1, new Float32Array(1), 1, new Float64Array(1), 1, 0, new Float64Array(1), 1),
    ).toThrow(TypeError);
    expect(calls).toHaveLength(1);
  });

  it('never let a call leave whose arrays are too short for it', () => {
    const { calls, library } = recording();
    const { gemm, syrkUpper, trsmRightUpper, lapack } = bindRoutines(library, plainNames);
    const of = (length: number) => new Float64Array(length);
    const bad: readonly (() => unknown)[] = [
      () => gemm(false, false, 3, 2, 4, 1, of(11), 3, of(8), 4, 0, of(6), 3),
      () => gemm(false, false, 3, 2, 4, 1, of(12), 2, of(8), 4, 0, of(6), 3),
      () => gemm(false, false, 3, 2, 4, 1, of(12), 3, of(7), 4, 0, of(6), 3),
      () => gemm(false, false, 3, 2, 4, 1, of(12), 3, of(8), 4, 0, of(5), 3),
      () => gemm(false, false, 3, 2, 4, 1, of(12), 3, of(8), 4, 0, of(6), 2),
      () => gemm(true, false, 3, 2, 4, 1, of(12), 3, of(8), 4, 0, of(6), 3),
      () => gemm(false, false, -1, 2, 4, 1, of(12), 3, of(8), 4, 0, of(6), 3),
      () => gemm(false, false, 1.5, 2, 4, 1, of(12), 3, of(8), 4, 0, of(6), 3),
      () => gemm(false, false, 3, 2, Number.NaN, 1, of(12), 3, of(8), 4, 0, of(6), 3),
      () => gemm(false, false, 2 ** 31, 0, 0, 1, of(0), 2 ** 31, of(0), 1, 0, of(0), 2 ** 31),
      () => syrkUpper(3, 4, 1, of(11), 3, 0, of(9), 3),
      () => syrkUpper(3, 4, 1, of(12), 3, 0, of(8), 3),
      () => trsmRightUpper(false, 2, 3, of(8), 3, of(6), 2),
      () => trsmRightUpper(false, 2, 3, of(9), 3, of(5), 2),
      () => lapack?.potrfUpper(3, of(8), 3),
      () => lapack?.potrfUpper(3, of(9), 2),
      () => lapack?.potrsUpper(3, 1, of(9), 3, of(2), 3),
      () => lapack?.syevdUpper(3, of(9), 3, of(2)),
    ];
    for (const call of bad) expect(call).toThrow(RangeError);
    expect(calls).toHaveLength(0);
  });
});

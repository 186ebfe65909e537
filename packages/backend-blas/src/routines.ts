import type { Numbers } from '@drnn/tensor';
import type { NativeFunction, NativeLibrary } from './native.js';

/**
 * Routines of BLAS (Dongarra et al. 1990, ACM TOMS 16:1) and LAPACK, column-major: entry (i, j) of an operand is
 * `values[i + j * ld]`. A product is in the precision of its arrays, which must be of one kind. Every call is checked against the lengths of
 * its arrays before it leaves: native code does not look.
 */
export interface Routines {
  /** C [m, n] = alpha op(A) op(B) + beta C, op(A) [m, k]. */
  gemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: Numbers,
    lda: number,
    b: Numbers,
    ldb: number,
    beta: number,
    c: Numbers,
    ldc: number,
  ): void;
  /** The upper triangle of C [n, n] = alpha A A' + beta C, A [n, k]. */
  syrkUpper(
    n: number,
    k: number,
    alpha: number,
    a: Float64Array,
    lda: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void;
  /** X U = B, or X U' = B with `transpose`, in place on B [m, n]; U upper triangular. */
  trsmRightUpper(
    transpose: boolean,
    m: number,
    n: number,
    u: Float64Array,
    ldu: number,
    b: Float64Array,
    ldb: number,
  ): void;
  /** Null where the library has BLAS alone. */
  readonly lapack: Lapack | null;
}

export interface Lapack {
  /** A = U'U in the upper triangle of A [n, n]; 0, or the number (from 1) of the first pivot that is not positive. */
  potrfUpper(n: number, a: Float64Array, lda: number): number;
  /** U'U X = B in place on B [n, columns]. */
  potrsUpper(n: number, columns: number, u: Float64Array, ldu: number, b: Float64Array, ldb: number): void;
  /** The upper triangle of (U'U)^-1 in place of U [n, n]. */
  potriUpper(n: number, u: Float64Array, ldu: number): void;
  /**
   * Eigenvalues, ascending, and eigenvectors, in the columns of A [n, n], of a symmetric matrix that its upper triangle
   * gives; 0 where the iteration converged.
   */
  syevdUpper(n: number, a: Float64Array, lda: number, values: Float64Array): number;
}

const letter = (name: string): Uint8Array => Uint8Array.of(name.charCodeAt(0));
const no = letter('N');
const yes = letter('T');
const upper = letter('U');
const right = letter('R');
const vectors = letter('V');

const pointer = 'void *';
/** Fortran takes everything by address, and at the end, by value, the length of every letter. */
const parameters = (pointers: number, letters: number): readonly string[] => [
  ...Array.from({ length: pointers }, () => pointer),
  ...Array.from({ length: letters }, () => 'size_t'),
];

const most = 2 ** 31 - 1;

/** Throws unless `values` holds a column-major [rows, columns] with the leading dimension `ld`. */
const expectRoom = (name: string, values: Numbers, rows: number, columns: number, ld: number): void => {
  const whole = [rows, columns, ld].every((size) => Number.isInteger(size) && size >= 0 && size <= most);
  const needed = rows === 0 || columns === 0 ? 0 : ld * (columns - 1) + rows;
  if (!whole || ld < Math.max(1, rows) || values.length < needed)
    throw new RangeError(`${name} [${rows}, ${columns}] of leading dimension ${ld} in ${values.length} numbers`);
};

const areDoubles = (...arrays: readonly Numbers[]): boolean => {
  const doubles = arrays.every((array) => array instanceof Float64Array);
  if (!doubles && !arrays.every((array) => array instanceof Float32Array))
    throw new TypeError('single and double precision in one call');
  return doubles;
};

/** How a library makes its symbols from the standard names. */
export interface Naming {
  /** The symbol of a Fortran routine. */
  fortran(name: string): string;
  /** The symbol of a C function. */
  c(name: string): string;
}

const naming = (prefix: string, mark: string): Naming => ({
  fortran: (name) => `${prefix}${name}_${mark}`,
  c: (name) => `${prefix}${name}${mark}`,
});

/** Plain names; 64-bit integers marked by a suffix; and the OpenBLAS inside Python's wheels. */
const namings: readonly Naming[] = [naming('', ''), naming('', '64_'), naming('scipy_', ''), naming('scipy_', '64_')];

/** The naming by which a library has a product; null where it has none, and so is no BLAS. */
export const namingOf = (library: NativeLibrary): Naming | null =>
  namings.find(({ fortran }) => library.find(fortran('dgemm'), 'void', []) !== null) ?? null;

/**
 * Integers go as 8 bytes of which a library may read 4 or 8: they are never negative, and the lowest byte comes first,
 * so both read the same number. Answers are read from the lowest 4 bytes. So libraries with 32-bit (LP64) and 64-bit
 * integers (ILP64) are called alike, and neither can be mistaken for the other.
 */
const integers = () => {
  const words = new Int32Array(12);
  const slot = (k: number): Int32Array => words.subarray(2 * k, 2 * k + 2);
  return {
    slots: [slot(0), slot(1), slot(2), slot(3), slot(4), slot(5)] as const,
    set: (k: number, value: number): void => {
      words[2 * k] = value;
      words[2 * k + 1] = 0;
    },
    get: (k: number): number => words[2 * k] ?? 0,
  };
};

/** The routines of LAPACK in a library; null where one is missing. */
export const bindLapack = (library: NativeLibrary, { fortran }: Pick<Naming, 'fortran'>): Lapack | null => {
  const found = (name: string, pointers: number, letters: number): NativeFunction | null =>
    library.find(fortran(name), 'void', parameters(pointers, letters));
  const potrf = found('dpotrf', 5, 1);
  const potrs = found('dpotrs', 8, 1);
  const potri = found('dpotri', 5, 1);
  const syevd = found('dsyevd', 11, 2);
  if (potrf === null || potrs === null || potri === null || syevd === null) return null;
  const { slots, set, get } = integers();
  const [i0, i1, i2, i3, i4] = slots;
  const answer = (name: string, k: number): number => {
    const info = get(k);
    if (info < 0) throw new Error(`${name} refuses its argument ${-info}`);
    return info;
  };
  return {
    potrfUpper: (n, a, lda) => {
      expectRoom('potrf A', a, n, n, lda);
      set(0, n);
      set(1, lda);
      set(2, 0);
      potrf(upper, i0, a, i1, i2, 1);
      return answer('potrf', 2);
    },
    potrsUpper: (n, columns, u, ldu, b, ldb) => {
      expectRoom('potrs U', u, n, n, ldu);
      expectRoom('potrs B', b, n, columns, ldb);
      set(0, n);
      set(1, columns);
      set(2, ldu);
      set(3, ldb);
      set(4, 0);
      potrs(upper, i0, i1, u, i2, b, i3, i4, 1);
      answer('potrs', 4);
    },
    potriUpper: (n, u, ldu) => {
      expectRoom('potri U', u, n, n, ldu);
      set(0, n);
      set(1, ldu);
      set(2, 0);
      potri(upper, i0, u, i1, i2, 1);
      if (answer('potri', 2) > 0) throw new Error(`dpotri: 0 on the diagonal of a factor of order ${n}`);
    },
    syevdUpper: (n, a, lda, values) => {
      expectRoom('syevd A', a, n, n, lda);
      expectRoom('syevd values', values, n, 1, Math.max(1, n));
      const work = new Float64Array(1 + 6 * n + 2 * n * n);
      const whole = new Int32Array(2 * (3 + 5 * n));
      set(0, n);
      set(1, lda);
      set(2, work.length);
      set(3, whole.length / 2);
      set(4, 0);
      syevd(vectors, upper, i0, a, i1, values, work, i2, whole, i3, i4, 1, 1);
      return answer('syevd', 4);
    },
  };
};

/** The routines of a library. Throws where one of BLAS is missing. */
export const bindRoutines = (library: NativeLibrary, { fortran }: Naming): Routines => {
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1)
    throw new Error('a processor that stores the highest byte first');
  const required = (name: string, pointers: number, letters: number): NativeFunction => {
    const found = library.find(fortran(name), 'void', parameters(pointers, letters));
    if (found === null) throw new Error(`no ${fortran(name)}`);
    return found;
  };
  const gemms = { single: required('sgemm', 13, 2), double: required('dgemm', 13, 2) };
  const syrk = required('dsyrk', 10, 2);
  const trsm = required('dtrsm', 11, 4);

  const { set, slots } = integers();
  const [i0, i1, i2, i3, i4, i5] = slots;
  const singles = { alpha: new Float32Array(1), beta: new Float32Array(1) };
  const doubles = { alpha: new Float64Array(1), beta: new Float64Array(1) };

  return {
    gemm: (transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
      expectRoom('gemm A', a, transposeA ? k : m, transposeA ? m : k, lda);
      expectRoom('gemm B', b, transposeB ? n : k, transposeB ? k : n, ldb);
      expectRoom('gemm C', c, m, n, ldc);
      const double = areDoubles(a, b, c);
      const scalars = double ? doubles : singles;
      scalars.alpha[0] = alpha;
      scalars.beta[0] = beta;
      set(0, m);
      set(1, n);
      set(2, k);
      set(3, lda);
      set(4, ldb);
      set(5, ldc);
      const gemm = double ? gemms.double : gemms.single;
      const [ta, tb] = [transposeA ? yes : no, transposeB ? yes : no];
      gemm(ta, tb, i0, i1, i2, scalars.alpha, a, i3, b, i4, scalars.beta, c, i5, 1, 1);
    },
    syrkUpper: (n, k, alpha, a, lda, beta, c, ldc) => {
      expectRoom('syrk A', a, n, k, lda);
      expectRoom('syrk C', c, n, n, ldc);
      doubles.alpha[0] = alpha;
      doubles.beta[0] = beta;
      set(0, n);
      set(1, k);
      set(2, lda);
      set(3, ldc);
      syrk(upper, no, i0, i1, doubles.alpha, a, i2, doubles.beta, c, i3, 1, 1);
    },
    trsmRightUpper: (transpose, m, n, u, ldu, b, ldb) => {
      expectRoom('trsm U', u, n, n, ldu);
      expectRoom('trsm B', b, m, n, ldb);
      doubles.alpha[0] = 1;
      set(0, m);
      set(1, n);
      set(2, ldu);
      set(3, ldb);
      trsm(right, upper, transpose ? yes : no, no, i0, i1, doubles.alpha, u, i2, b, i3, 1, 1, 1, 1);
    },
    lapack: bindLapack(library, { fortran }),
  };
};

import { fileURLToPath } from 'node:url';
import type { Precision } from '@drnn/tensor';
import { type BackendName, hasFloat64 } from './backends.js';
import type { Operation } from './operations.js';
import type { Role, Start } from './protocol.js';

type Kind = Operation['kind'];

/** Someone who can take part: how to start it, and what it can do. */
export interface Entrant {
  readonly name: string;
  readonly precision: Precision;
  readonly threads: number;
  readonly command: string;
  readonly parameters: readonly string[];
  /** Set in its environment; undefined takes a variable away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly does: (operation: Operation) => boolean;
}

/** For notes. */
export const whoOf = ({ name, precision, threads }: Entrant): string => `${name} ${precision}, ${threads} thr`;

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Where set, these hold OpenBLAS back: they are workarounds for older ones. No side of a comparison has them. */
const unhindered = { OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };

const served = (
  name: string,
  start: Start,
  kinds: readonly Kind[],
  environment: Entrant['environment'] = {},
  node = process.execPath,
): Entrant => ({
  name,
  precision: start.precision,
  threads: start.threads,
  command: node,
  parameters: [file('serve.js'), JSON.stringify(start)],
  environment: { ...unhindered, ...environment },
  // Only blas is held against NumPy.
  does: (operation) =>
    kinds.includes(operation.kind) && (operation.kind !== 'pass' || operation.plain !== true || start.role === 'blas'),
});

/** The engine's arithmetic peak, both precisions. */
export const peakEntrant = (node?: string): Entrant =>
  served('peak', { role: 'peak', precision: 'mixed', threads: 1 }, ['peak'], {}, node);

const kindsOf = (role: Role, precision: Precision): readonly Kind[] => {
  const everywhere: readonly Kind[] = ['product', 'gram', 'pass', 'pointwise'];
  if (role === 'wasm' && precision === 'mixed') return [...everywhere, 'iteration'];
  return [
    ...everywhere,
    ...(precision === 'float64' ? (['cholesky', 'solve'] as const) : []),
    ...(role === 'blas' ? (['largest'] as const) : []),
  ];
};

/** One of our backends; null where it has not that precision. */
export const backendEntrant = (
  role: BackendName,
  precision: Precision,
  threads: number,
  node?: string,
): Entrant | null =>
  precision === 'float64' && !hasFloat64(role)
    ? null
    : served(role, { role, precision, threads }, kindsOf(role, precision), {}, node);

/** The library that NumPy works with, under our pass: what is left is the difference of the passes. */
export const sameLibraryEntrant = (precision: Precision, threads: number, library: string): Entrant =>
  served("blas, NumPy's library", { role: 'blas', precision, threads }, ['pass', 'largest'], { DRNN_BLAS: library });

export const tfjsComposedEntrant = (): Entrant => ({
  ...served('tfjs composed', { role: 'tfjs-composed', precision: 'mixed', threads: 1 }, [
    'product',
    'pass',
    'iteration',
  ]),
  does: (operation) =>
    operation.kind === 'product' ||
    operation.kind === 'iteration' ||
    (operation.kind === 'pass' && !operation.value && operation.plain !== true),
});

/** NumPy of one Python; `mixed` stands for float32 throughout. */
export const numpyEntrant = (python: string, name: string, precision: Precision, threads: number): Entrant => ({
  name,
  precision,
  threads,
  command: python,
  parameters: [file('../../peers/numpy_passes.py'), precision === 'mixed' ? 'float32' : 'float64'],
  environment: { ...unhindered, OPENBLAS_NUM_THREADS: `${threads}`, OMP_NUM_THREADS: `${threads}` },
  does: ({ kind }) =>
    ['product', 'largest', 'gram', 'pass', 'pointwise'].includes(kind) ||
    (kind === 'cholesky' && precision === 'float64'),
});

import { DrnnError } from '@drnn/tensor';

/** What the module exports. Addresses and sizes in bytes; see kernels/assembly for the layout of blocks. */
export interface KernelFunctions {
  packedBytes32(depth: number, columns: number): number;
  packedBytes64(depth: number, columns: number): number;
  scratchBytes(): number;
  packParameters32(to: number, from: number, depth: number, columns: number): void;
  packParameters64(to: number, from: number, depth: number, columns: number): void;
  pack64(to: number, from: number, stepStride: number, columnStride: number, depth: number, columns: number): void;
  cholesky(order: number, a: number, scratch: number, packed: number): number;
  /** 1 where it converged. */
  eigen(order: number, a: number, values: number, work: number): number;
  /** Runs 12 vector multiply-adds a turn on registers alone. */
  peak32(turns: number, scale: number, shift: number): number;
  peak64(turns: number, scale: number, shift: number): number;
  /** Adds a part to a sum in float64; the part starts again from 0. */
  fold32(sums: number, part: number, count: number): void;
  fold64(sums: number, part: number, count: number): void;
  passBlock32(block: number): void;
  passBlock64(block: number): void;
  gramBlock32(block: number): void;
  gramBlock64(block: number): void;
  productBlock(block: number): void;
  solveBlock(block: number): void;
  programBlock32(block: number): void;
  programBlock64(block: number): void;
  pairsBlock(block: number): void;
}

/** The kernels that threads run: each takes the address of a block. Their order is their number. */
export const blockKernels = [
  'passBlock32',
  'passBlock64',
  'gramBlock32',
  'gramBlock64',
  'productBlock',
  'solveBlock',
  'programBlock32',
  'programBlock64',
  'pairsBlock',
] as const;

export type BlockKernel = (typeof blockKernels)[number];

const names: readonly (keyof KernelFunctions)[] = [
  ...blockKernels,
  'packedBytes32',
  'packedBytes64',
  'scratchBytes',
  'packParameters32',
  'packParameters64',
  'pack64',
  'fold32',
  'fold64',
  'cholesky',
  'eigen',
  'peak32',
  'peak64',
];

const areKernels = (exported: object): exported is KernelFunctions =>
  names.every((name) => name in exported && typeof Reflect.get(exported, name) === 'function');

/** The kernels of a module over a memory. */
export const instantiate = (module: WebAssembly.Module, memory: WebAssembly.Memory): KernelFunctions => {
  const { exports: exported } = new WebAssembly.Instance(module, { env: { memory } });
  if (areKernels(exported)) return exported;
  throw new DrnnError([
    { path: 'backend-wasm', seen: 'a module without its kernels', expected: `the functions ${names.join(', ')}` },
  ]);
};

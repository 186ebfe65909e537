import { failure } from '@drnn/tensor';
import { type BlockKernel, instantiate, type KernelFunctions } from './kernel-functions.js';
import { hasFusedMultiplyAdd, kernelModule } from './kernel-module.js';
import { constants, constantsAt } from './kernels.generated.js';
import { alone, startTeam, type Team } from './threads.js';

/** The memory of the kernels, as arrays. Made afresh whenever it grows: never keep them over an `await`. */
export interface Views {
  readonly words: Uint32Array;
  readonly singles: Float32Array;
  readonly doubles: Float64Array;
}

/** Writes the words of a block, given in parts, from an address on. */
export const putWords = ({ words }: Views, address: number, ...parts: readonly (readonly number[])[]): void => {
  let at = address / 4;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
};

/** Where things lie in one burst of work: addresses taken one after the other, 16 bytes aligned, with slack after each. */
export interface Layout {
  /** The address of room for `bytes`. */
  take(bytes: number): number;
  singles(count: number): number;
  doubles(count: number): number;
  words(count: number): number;
  /** The end of all that was taken. */
  readonly end: number;
}

/**
 * Kernels, their memory and their threads. The memory is scratch: whoever uses it lays out what a *burst* of synchronous
 * work needs, reserves it, fills it, runs kernels, and takes the results out before giving up the thread. So nothing in
 * it outlives an `await`, interleaved work cannot disturb it, and rows are limited by the machine's memory, not by it.
 */
export interface Machine {
  readonly threads: number;
  readonly fused: boolean;
  readonly kernels: KernelFunctions;
  layout(): Layout;
  /** Makes sure that the memory reaches to the end of a layout. */
  reserve(layout: Layout): Views;
  /** Its threads. Whoever gives them blocks has them finish before it leaves the memory to others. */
  readonly team: Team;
  /** Runs a kernel on block k in thread k, for all blocks at once (0: nothing to do), and returns when all are done. */
  run(kernel: BlockKernel, blocks: readonly number[]): void;
  close(): Promise<void>;
}

const page = 65_536;
/** What a 32-bit address reaches. */
const mostPages = 65_536;
/** Vectors may be read past the end of what they hold numbers of. */
const slack = 64;

const layout = (): Layout => {
  // Behind the switchboard of the threads lie the constants.
  let end = Math.ceil((constantsAt + 4 * constants.length) / 64) * 64;
  const take = (bytes: number): number => {
    const start = end;
    end += Math.ceil((bytes + slack) / 64) * 64;
    return start;
  };
  return {
    take,
    singles: (count) => take(4 * count),
    doubles: (count) => take(8 * count),
    words: (count) => take(4 * count),
    get end() {
      return end;
    },
  };
};

const createMemory = (shared: boolean): WebAssembly.Memory => {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: mostPages, shared });
  } catch (cause) {
    throw failure(
      {
        path: 'backend-wasm memory',
        seen: `the engine refuses it: ${cause instanceof Error ? cause.message : String(cause)}`,
        expected: 'an address space of 4 GiB',
      },
      cause,
    );
  }
};

/** Starts the kernels on `threads` threads, with fused multiply-add where the engine has it. */
export const createMachine = async (threads: number): Promise<Machine> => {
  const shared = threads > 1;
  const fused = hasFusedMultiplyAdd();
  const module = await kernelModule(fused, shared);
  const memory = createMemory(shared);
  new Uint32Array(memory.buffer).set(constants, constantsAt / 4);
  const kernels = instantiate(module, memory);
  const team: Team = shared ? await startTeam(threads, module, memory) : alone;
  let views: Views | null = null;

  const reserve = ({ end }: Layout): Views => {
    const missing = Math.ceil(end / page) - memory.buffer.byteLength / page;
    if (missing > 0) {
      try {
        memory.grow(missing);
      } catch (cause) {
        throw failure(
          {
            path: 'backend-wasm memory',
            seen: `work that needs ${(end / 2 ** 30).toFixed(2)} GiB at once`,
            expected: 'at most what the engine grants, 4 GiB by its addresses',
            hint: 'use fewer threads, fewer units, or the cpu or blas backend',
          },
          cause,
        );
      }
      views = null;
    }
    const { buffer } = memory;
    views ??= {
      words: new Uint32Array(buffer),
      singles: new Float32Array(buffer),
      doubles: new Float64Array(buffer),
    };
    return views;
  };

  return {
    threads: team.count,
    fused,
    kernels,
    layout,
    reserve,
    team,
    run: (kernel, blocks) => {
      blocks.forEach((block, k) => k > 0 && block !== 0 && team.give(k, kernel, block));
      try {
        const own = blocks[0];
        if (own !== undefined && own !== 0) kernels[kernel](own);
      } finally {
        team.finish();
      }
    },
    close: () => team.end(),
  };
};

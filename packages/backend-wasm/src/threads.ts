import { failure } from '@drnn/tensor';
import { blockKernels, type BlockKernel } from './kernel-functions.js';

/**
 * Threads that run one kernel together with this one, over the same memory. The first words of the memory are the
 * switchboard: a job is announced by raising `turn`, and over when `pending` is 0 again.
 */
const turn = 0;
const pending = 1;
const failed = 2;
const kernelNumber = 3;
const firstBlock = 16;
/** So many threads have a place on the switchboard. */
export const mostThreads = 64;
/**
 * What a thread runs: this text, in an engine of its own. It waits for turns, first awake (a pass has a short gap
 * between two blocks), then asleep; kernel -1 ends it.
 */
const workerSource = `
const serve = ({ module, memory, index, kernels }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const board = new Int32Array(memory.buffer, 0, ${firstBlock + mostThreads});
  let seen = 0;
  send('ready');
  for (;;) {
    for (let spin = 0; spin < 5000 && Atomics.load(board, ${turn}) === seen; spin++);
    Atomics.wait(board, ${turn}, seen);
    seen = Atomics.load(board, ${turn});
    const kernel = Atomics.load(board, ${kernelNumber});
    if (kernel < 0) break;
    try {
      const block = Atomics.load(board, ${firstBlock} + index);
      if (block !== 0) exports[kernels[kernel]](block);
    } catch {
      Atomics.store(board, ${failed}, 1);
    }
    if (Atomics.sub(board, ${pending}, 1) === 1) Atomics.notify(board, ${pending});
  }
};
`;

/** No `require`: a program run by `node --input-type=module --eval` has its workers read this as a module. */
const nodeSource = `
const { parentPort } = process.getBuiltinModule('node:worker_threads');
const send = (message) => parentPort.postMessage(message);
${workerSource}
parentPort.once('message', serve);
`;

const webSource = `
const send = (message) => postMessage(message);
${workerSource}
onmessage = ({ data }) => { onmessage = null; serve(data); close(); };
`;

/** What a thread is told when it starts. */
interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly index: number;
  readonly kernels: readonly string[];
}

/** A thread that has started. */
interface Started {
  end(): Promise<void>;
}

const nodeThreads = () => globalThis.process?.getBuiltinModule?.('node:worker_threads');

const startInNode = (start: Start): Promise<Started> =>
  new Promise((resolve, reject) => {
    const threads = nodeThreads();
    if (threads === undefined) return reject(new Error('no worker_threads'));
    const worker = new threads.Worker(nodeSource, { eval: true, name: `drnn ${start.index}` });
    worker.once('error', reject);
    worker.once('message', () => {
      // From here on the thread must not keep the program from its end.
      worker.unref();
      resolve({
        end: async () => {
          worker.ref();
          await worker.terminate();
        },
      });
    });
    worker.postMessage(start);
  });

const startInBrowser = (start: Start): Promise<Started> =>
  new Promise((resolve, reject) => {
    const address = URL.createObjectURL(new Blob([webSource], { type: 'text/javascript' }));
    const worker = new Worker(address, { name: `drnn ${start.index}` });
    const settle = (): void => URL.revokeObjectURL(address);
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      settle();
      worker.terminate();
      reject(new Error(event.message || 'a worker could not start: does the page allow worker-src blob: ?'));
    });
    worker.addEventListener('message', () => {
      settle();
      resolve({ end: async () => worker.terminate() });
    });
    worker.postMessage(start);
  });

/** Why threads cannot be used here; null where they can. */
export const whyNoThreads = (): { readonly seen: string; readonly hint: string } | null => {
  if (typeof SharedArrayBuffer === 'undefined') {
    return {
      seen: 'no shared memory',
      hint: 'serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
    };
  }
  if (nodeThreads() !== undefined) return null;
  if (typeof Worker === 'undefined') return { seen: 'no workers', hint: 'use threads 1' };
  if (typeof document !== 'undefined')
    return { seen: "the page's own thread, which may not wait", hint: 'make the backend in a Worker' };
  return null;
};

/** The team: `count` threads, of which this one is the first. */
export interface Team {
  readonly count: number;
  /** Runs a kernel on block k in thread k, for all blocks at once (0: nothing to do); returns when all are done. */
  run(kernel: BlockKernel, blocks: readonly number[], here: (block: number) => void): void;
  end(): Promise<void>;
}

/** A team of this thread alone. */
export const alone: Team = {
  count: 1,
  run: (_, blocks, here) => blocks.filter((block) => block !== 0).forEach(here),
  end: async () => undefined,
};

/** Starts `count` - 1 threads over a shared memory. Where one cannot start, those that did are ended. */
export const startTeam = async (
  count: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Team> => {
  const begin = nodeThreads() === undefined ? startInBrowser : startInNode;
  const board = new Int32Array(memory.buffer, 0, firstBlock + mostThreads);
  const attempts = await Promise.allSettled(
    Array.from({ length: count - 1 }, (_, k) => begin({ module, memory, index: k + 1, kernels: blockKernels })),
  );
  const started = attempts.filter((attempt) => attempt.status === 'fulfilled').map(({ value }) => value);
  const end = async (): Promise<void> => {
    Atomics.store(board, kernelNumber, -1);
    Atomics.add(board, turn, 1);
    Atomics.notify(board, turn);
    await Promise.all(started.map((thread) => thread.end()));
  };
  const refused = attempts.find((attempt) => attempt.status === 'rejected');
  if (refused !== undefined) {
    await end();
    const cause: unknown = refused.reason;
    throw failure(
      {
        path: 'backend-wasm threads',
        seen: `a thread that could not start: ${cause instanceof Error ? cause.message : String(cause)}`,
        expected: `${count} threads`,
        hint: 'threads 1 needs none',
      },
      cause,
    );
  }

  return {
    count,
    run: (kernel, blocks, here) => {
      for (let k = 1; k < count; k++) Atomics.store(board, firstBlock + k, blocks[k] ?? 0);
      Atomics.store(board, failed, 0);
      Atomics.store(board, kernelNumber, blockKernels.indexOf(kernel));
      Atomics.store(board, pending, count - 1);
      Atomics.add(board, turn, 1);
      Atomics.notify(board, turn);
      try {
        const own = blocks[0];
        if (own !== undefined && own !== 0) here(own);
      } finally {
        // The others may not be left at work: their memory is about to be used again.
        for (let spin = 0; spin < 20_000 && Atomics.load(board, pending) > 0; spin++);
        for (let left = Atomics.load(board, pending); left > 0; left = Atomics.load(board, pending))
          Atomics.wait(board, pending, left);
      }
      if (Atomics.load(board, failed) !== 0) throw new Error(`a thread failed in the kernel ${kernel}`);
    },
    end,
  };
};

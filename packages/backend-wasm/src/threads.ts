import { failure, type Issue } from '@drnn/tensor';
import { blockKernels, type BlockKernel } from './kernel-functions.js';
import { physicalCores } from './physical-cores.js';

/**
 * Threads that run kernels beside this one, over the same memory. The first page of the memory starts with the
 * switchboard. Each thread has a line of it (64 bytes, so that no two write to one) with a queue of blocks: a block is
 * announced by raising `given`, and finished when `done` has followed.
 */
const lineWords = 16;
/** Of the first line. */
const progressed = 0;
const failed = 1;
/** Of a thread's line. */
const given = 0;
const done = 1;
const queue = 2;
/** Blocks that a thread may have before it, the one at work among them: a power of 2. */
const mostQueued = 4;
/** So many threads have a place on the switchboard, this one among them. */
export const mostThreads = 64;

/**
 * What a thread runs: this text, in an engine of its own. It takes one block of its queue after the other, and waits for
 * more first awake (between two calls of a host's algebra lies little), then asleep; kernel -1 ends it.
 */
const workerSource = `
const serve = ({ module, memory, index, kernels }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const board = new Int32Array(memory.buffer, 0, ${mostThreads * lineWords});
  const line = ${lineWords} * index;
  let block = 0;
  send('ready');
  for (;;) {
    for (let spin = 0; spin < 5000 && Atomics.load(board, line + ${given}) === block; spin++);
    Atomics.wait(board, line + ${given}, block);
    if (Atomics.load(board, line + ${given}) === block) continue;
    const at = line + ${queue} + 2 * (block & ${mostQueued - 1});
    const kernel = Atomics.load(board, at);
    if (kernel < 0) break;
    try {
      exports[kernels[kernel]](Atomics.load(board, at + 1));
    } catch {
      Atomics.store(board, ${failed}, 1);
    }
    block = (block + 1) | 0;
    Atomics.store(board, line + ${done}, block);
    Atomics.add(board, ${progressed}, 1);
    Atomics.notify(board, ${progressed});
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
      hint:
        nodeThreads() === undefined
          ? 'serve the page with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'
          : 'something has taken SharedArrayBuffer out of this Node; without it there is one thread',
    };
  }
  if (nodeThreads() !== undefined) return null;
  if (typeof Worker === 'undefined') return { seen: 'no workers', hint: 'use threads 1' };
  if (typeof document !== 'undefined')
    return { seen: "the page's own thread, which may not wait", hint: 'make the backend in a Worker' };
  return null;
};

/** What is wrong with a number of threads, here; null where it is right, or none was asked for. */
export const threadsIssue = (path: string, threads: number | undefined): Issue | null => {
  if (threads === undefined) return null;
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads))
    return { path, seen: String(threads), expected: `a whole number from 1 to ${mostThreads}` };
  const obstacle = threads === 1 ? null : whyNoThreads();
  return obstacle === null
    ? null
    : { path, seen: `${threads} with ${obstacle.seen}`, expected: 'threads 1', hint: obstacle.hint };
};

/** Threads where no number was asked for: all physical cores, or one where there is no shared memory. */
export const defaultThreads = (): number => (whyNoThreads() === null ? Math.min(physicalCores(), mostThreads) : 1);

/** The team: `count` threads, of which this one is number 0. */
export interface Team {
  readonly count: number;
  /** Gives thread k > 0 one more block to run a kernel on, after those that it has; it may have `mostQueued`. */
  give(thread: number, kernel: BlockKernel, block: number): void;
  /** Blocks that thread k > 0 has been given and has not finished. */
  left(thread: number): number;
  /** A number that changes whenever a thread finishes a block. */
  progress(): number;
  /** Waits until `progress()` is another than `seen`. */
  rest(seen: number): void;
  /** Waits until every thread has finished; throws where a kernel failed in one. */
  finish(): void;
  end(): Promise<void>;
}

/** A team of this thread alone. */
export const alone: Team = {
  count: 1,
  give: () => undefined,
  left: () => 0,
  progress: () => 0,
  rest: () => undefined,
  finish: () => undefined,
  end: async () => undefined,
};

/** Starts `count` - 1 threads over a shared memory. Where one cannot start, those that did are ended. */
export const startTeam = async (
  count: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Team> => {
  const begin = nodeThreads() === undefined ? startInBrowser : startInNode;
  const board = new Int32Array(memory.buffer, 0, mostThreads * lineWords);
  const others = Array.from({ length: count - 1 }, (_, k) => k + 1);
  const attempts = await Promise.allSettled(
    others.map((index) => begin({ module, memory, index, kernels: blockKernels })),
  );
  const started = attempts.filter((attempt) => attempt.status === 'fulfilled').map(({ value }) => value);
  const send = (thread: number, kernel: number, block: number): void => {
    const line = lineWords * thread;
    const at = line + queue + 2 * (Atomics.load(board, line + given) & (mostQueued - 1));
    Atomics.store(board, at, kernel);
    Atomics.store(board, at + 1, block);
    Atomics.add(board, line + given, 1);
    Atomics.notify(board, line + given);
  };
  const left = (thread: number): number =>
    (Atomics.load(board, lineWords * thread + given) - Atomics.load(board, lineWords * thread + done)) | 0;
  const progress = (): number => Atomics.load(board, progressed);
  const rest = (seen: number): void => {
    for (let spin = 0; spin < 20_000; spin++) if (progress() !== seen) return;
    while (progress() === seen) Atomics.wait(board, progressed, seen);
  };
  const end = async (): Promise<void> => {
    for (const thread of others) send(thread, -1, 0);
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
    give: (thread, kernel, block) => send(thread, blockKernels.indexOf(kernel), block),
    left,
    progress,
    rest,
    finish: () => {
      for (let seen = progress(); others.some((thread) => left(thread) > 0); seen = progress()) rest(seen);
      if (Atomics.exchange(board, failed, 0) !== 0) throw new Error('a thread failed in a kernel');
    },
    end,
  };
};

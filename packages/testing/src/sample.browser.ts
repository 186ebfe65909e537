// What the tests of the harness have a browser do.

/** The smallest module there is: a header and nothing else. */
const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const workerOf = (source: string): Worker =>
  new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));

/** A worker started from here adds to shared memory while this thread waits without giving up control. */
const shareWithWorker = async (): Promise<readonly (string | number)[]> => {
  const shared = new Int32Array(new SharedArrayBuffer(12));
  const [start, count, end] = [0, 1, 2];
  const worker = workerOf(`onmessage = ({ data }) => {
    postMessage('ready');
    Atomics.wait(data, ${start}, 0);
    for (let i = 0; i < 1000; i++) Atomics.add(data, ${count}, 1);
    Atomics.store(data, ${end}, 1);
    Atomics.notify(data, ${end});
  }`);
  worker.postMessage(shared, []);
  // A worker starts, and gets its first messages, only while the thread that made it turns its event loop; an answer to
  // a message says that it is past that.
  await new Promise((resolve, reject) => {
    worker.addEventListener('message', resolve);
    worker.addEventListener('error', () => reject(new Error('no worker')));
  });
  Atomics.store(shared, start, 1);
  Atomics.notify(shared, start);
  const ended =
    typeof window === 'undefined'
      ? Atomics.wait(shared, end, 0, 20_000)
      : await Promise.resolve(Atomics.waitAsync(shared, end, 0, 20_000).value);
  return [ended === 'timed-out' ? ended : 'in time', Atomics.load(shared, count)];
};

const surroundings = () => ({
  thread: typeof window === 'undefined' ? 'worker' : 'page',
  isolated: crossOriginIsolated,
  sharedMemory: typeof SharedArrayBuffer === 'function',
});

const tasks = {
  compute: ({ values = [] }: Request) => ({
    ...surroundings(),
    sum: values.reduce((sum, x) => sum + x, 0),
    delicate: [Number.NaN, -0, Infinity, 5e-324],
  }),
  share: async () => ({ ...surroundings(), seen: await shareWithWorker() }),
  fail: () => {
    throw new RangeError('failed on purpose', { cause: new TypeError('for a reason') });
  },
  failWithText: () => Promise.reject(String('no error, a text')),
  log: async () => {
    console.info('information', 1);
    console.warn('a warning');
    // Nobody awaits it.
    void Promise.reject(new Error('left alone'));
    const worker = workerOf(`console.log('from below'); setTimeout(() => { throw new Error('thrown below') })`);
    await new Promise((resolve) => worker.addEventListener('error', resolve));
  },
  fetchAsset: async () => {
    const response = await fetch('/deep/asset.json');
    return { type: response.headers.get('content-type'), value: await response.json() };
  },
  fetchNothing: async () => (await fetch('/nothing')).status,
  fetchElsewhere: async () => (await fetch('http://192.0.2.1/')).status,
  compile: async () => (await WebAssembly.compile(emptyModule)) instanceof WebAssembly.Module,
  spin: () => {
    for (;;);
  },
};

/** Which of the tasks is wanted, and what it works on. */
interface Request {
  readonly task: keyof typeof tasks;
  readonly values?: readonly number[];
}

export const run = async (request: Request): Promise<unknown> => tasks[request.task](request);

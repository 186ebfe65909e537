/**
 * The wasm engine is built with Emscripten, which in Node registers listeners for what a program does not catch, and
 * rethrows it with a screenful of its own source; and which, when an instance ends, takes *all* such listeners away,
 * the program's own too. Both are undone here.
 */
const events = ['uncaughtException', 'unhandledRejection'] as const;
type Listener = (...parameters: never[]) => unknown;

/** What this needs of Node's `process`. */
interface Listened {
  rawListeners(event: string): readonly Listener[];
  on(event: string, listener: Listener): unknown;
  removeListener(event: string, listener: Listener): unknown;
}

const isListened = (value: unknown): value is Listened =>
  typeof value === 'object' && value !== null && 'rawListeners' in value && 'removeListener' in value && 'on' in value;

/** Node's process; null in browsers. */
const listened = (): Listened | null => {
  const found: unknown = Reflect.get(globalThis, 'process');
  return isListened(found) ? found : null;
};

/** Emscripten's listeners do nothing but rethrow. */
const rethrows = (listener: Listener): boolean => {
  const text = String(listener);
  return text.length < 200 && /\bthrow\b/.test(text) && !text.includes('await');
};

/** Waits for `start` and removes the listeners that it registered. Those that others add meanwhile stay. */
export const withoutItsListeners = async <Result>(start: () => Promise<Result>): Promise<Result> => {
  const process = listened();
  const before = new Map(events.map((event) => [event, new Set(process?.rawListeners(event))]));
  try {
    return await start();
  } finally {
    for (const event of events) {
      for (const listener of process?.rawListeners(event) ?? [])
        if (before.get(event)?.has(listener) === false && rethrows(listener)) process?.removeListener(event, listener);
    }
  }
};

/** Runs `end` and puts back the listeners that it removed. */
export const keepingListeners = (end: () => void): void => {
  const process = listened();
  const before = events.map((event) => ({ event, listeners: process?.rawListeners(event) ?? [] }));
  try {
    end();
  } finally {
    for (const { event, listeners } of before) {
      const left = new Set(process?.rawListeners(event));
      for (const listener of listeners) if (!left.has(listener)) process?.on(event, listener);
    }
  }
};

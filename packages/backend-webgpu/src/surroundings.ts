/** Runs work in surroundings that a page has and Node has not. */
export type Surroundings = <Result>(work: () => Result) => Result;

/** A page as it is. */
export const asItIs: Surroundings = (work) => work();

/**
 * tfjs-backend-webgpu looks for `navigator.gpu` and names like `GPUBufferUsage` on the global object. For the time of
 * `work`, which may not wait, those of `names` that are missing are there; then they are gone again, so that no other
 * library takes the program for a page.
 */
export const withGlobals =
  (names: Readonly<Record<string, unknown>>, gpu: unknown): Surroundings =>
  (work) => {
    const undo: (() => void)[] = [];
    const add = (target: object, name: string, value: unknown): void => {
      Object.defineProperty(target, name, { value, configurable: true, writable: true });
      undo.push(() => void Reflect.deleteProperty(target, name));
    };
    for (const [name, value] of Object.entries(names)) if (!(name in globalThis)) add(globalThis, name, value);
    const navigator: unknown = Reflect.get(globalThis, 'navigator');
    if (typeof navigator !== 'object' || navigator === null) add(globalThis, 'navigator', { gpu });
    else if (!('gpu' in navigator)) add(navigator, 'gpu', gpu);
    try {
      return work();
    } finally {
      undo.toReversed().forEach((step) => step());
    }
  };

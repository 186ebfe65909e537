import { type Backend, failure } from '@drnn/tensor';
import { type BackendKinds, backendKinds, type BackendName } from './kinds.js';
import { openKind } from './open-backend.js';

/** Where a mixed fit goes on in float64: opened when it is first needed, closed by whoever made this. */
export interface Polisher {
  open(): Promise<Backend>;
  close(): Promise<void>;
}

/**
 * A float64 backend for what a mixed one began: of the same kind and with as many threads where that has float64, else
 * wasm, else cpu. Its result is the same on any of them to float64, so that a choice here replaces nothing that was
 * asked for by name.
 */
export const polisherFor = (
  mixed: Pick<Backend, 'name' | 'threads'>,
  onNotice: (sentence: string) => void = () => undefined,
  kinds: BackendKinds = backendKinds,
): Polisher => {
  const find = async (): Promise<Backend> => {
    const names = [mixed.name, 'wasm', 'cpu'].filter((name): name is BackendName => Object.hasOwn(kinds, name));
    for (const name of new Set(names)) {
      const kind = kinds[name];
      if (!kind.precisions.includes('float64')) continue;
      try {
        const threads = name === mixed.name ? { threads: mixed.threads } : {};
        return await openKind(kind, { precision: 'float64', ...threads });
      } catch (error) {
        onNotice(`No float64 on ${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw failure({ path: 'backend', seen: 'none that opens in float64', expected: 'wasm or cpu' });
  };
  let opened: Promise<Backend> | null = null;
  return {
    open: () => (opened ??= find()),
    close: async () => {
      const on = await opened?.catch(() => null);
      opened = null;
      await on?.close();
    },
  };
};

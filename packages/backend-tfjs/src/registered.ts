import { failure } from '@drnn/tensor';
import {
  findBackendFactory,
  type KernelBackend,
  engine as globalEngine,
  registerBackend,
  removeBackend,
} from '@tensorflow/tfjs-core';

/**
 * A new instance of an engine that is registered with TensorFlow.js (`wasm`, `webgl`, `cpu`), beside the one that
 * `tf.setBackend` may have made or will make. Errors: no engine of that name is registered; it does not start here.
 */
export const registeredInstance = async (kind: string): Promise<KernelBackend> => {
  const factory: ReturnType<typeof findBackendFactory> | null = findBackendFactory(kind);
  if (factory === null) {
    throw failure({
      path: `backend-tfjs ${kind}`,
      seen: `the engines ${Object.keys(globalEngine().registryFactory).join(', ') || 'none'}`,
      expected: `one of the name ${kind}`,
      hint: `import '@tensorflow/tfjs-backend-${kind}' first`,
    });
  }
  try {
    return await factory();
  } catch (error) {
    throw failure(
      {
        path: `backend-tfjs ${kind}`,
        seen: messageOf(error),
        expected: 'an engine that starts here',
      },
      error,
    );
  }
};

/** TensorFlow.js rejects with plain objects as well. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

/**
 * Loads a module that registers the engine `kind` with TensorFlow.js as it is imported. Where it was not registered
 * before, it is put last in the order by which TensorFlow.js chooses an engine for a program that names none, so that
 * such a program goes on as before.
 */
export const loadedLast = async <Module>(kind: string, load: () => Promise<Module>): Promise<Module> => {
  const before = kind in globalEngine().registryFactory;
  const module = await load();
  const registered = globalEngine().registryFactory[kind];
  if (!before && registered !== undefined && registered.priority > 0 && !(kind in globalEngine().registry)) {
    removeBackend(kind);
    registerBackend(kind, registered.factory, 0);
  }
  return module;
};

import { type Backend, DrnnError, failure, type Issue, type Precision, refuse } from '@drnn/tensor';
import { type BackendKind, type BackendKinds, backendKinds, type BackendName, backendNames } from './kinds.js';
import { selfCheck } from './self-check.js';

/** Which hardware, and how it is to work. */
export interface BackendChoice {
  /** A name, or `auto` for the fastest that passes its self-check. Default `auto`. */
  readonly name?: BackendName | 'auto';
  /** Default float64 on cpu and mixed elsewhere. */
  readonly precision?: Precision;
  /** Default all physical cores, where the backend has threads. */
  readonly threads?: number;
  /** Told when `auto` passes over a backend that is there but does not work, in a sentence. */
  readonly onNotice?: (sentence: string) => void;
}

/** A backend that was not taken, and why. */
export interface PassedOver {
  readonly name: BackendName;
  readonly reason: string;
}

/** An open backend that passed its self-check; whoever opened it closes it. */
export interface OpenedBackend {
  readonly on: Backend;
  readonly name: BackendName;
  /** Those that `auto` would have taken before, in its order. */
  readonly passedOver: readonly PassedOver[];
}

const isNode = (): boolean => globalThis.process?.versions?.node !== undefined;

/**
 * The order of `auto`, fastest first. `webgpu` and `tfjs-wasm` are taken only by name: between two passes parameters and
 * gradients travel to the device and back, so that a small fit is slower there, and on a software adapter every fit is;
 * nothing short of running the fit tells which it is. tfjs-wasm is slower than wasm throughout.
 */
export const autoOrder = (inNode = isNode()): readonly BackendName[] =>
  inNode ? ['blas', 'wasm', 'cpu'] : ['wasm', 'cpu'];

/** What is wrong with a choice whatever the machine has. */
export const choiceIssues = (
  { name = 'auto', precision, threads }: BackendChoice,
  kinds = backendKinds,
): readonly Issue[] => {
  const issues: Issue[] = [];
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    issues.push({ path: 'threads', seen: `${threads}`, expected: 'a whole number of at least 1' });
  }
  if (name === 'auto') return issues;
  const kind: BackendKind | undefined = kinds[name];
  if (kind === undefined) {
    return [{ path: 'backend', seen: `'${String(name)}'`, expected: `one of auto, ${backendNames.join(', ')}` }];
  }
  if (precision !== undefined && !kind.precisions.includes(precision)) {
    issues.push({
      path: 'precision',
      seen: `${precision} on ${name}`,
      expected: kind.precisions.join(' or '),
      hint: 'wasm, blas and cpu have float64; a mixed fit goes on in float64 on one of them by itself',
    });
  }
  if (threads !== undefined && threads > 1 && !kind.threaded) {
    issues.push({
      path: 'threads',
      seen: `${threads} on ${name}`,
      expected: name === 'webgpu' ? 'none: a graphics processor has its own' : '1: this backend has no threads',
      hint: 'wasm and blas have threads',
    });
  }
  return issues;
};

/** What `load` must give. */
interface BackendModule {
  backend(options: { readonly precision: Precision; readonly threads?: number }): Promise<Backend>;
}
const isBackendModule = (loaded: unknown): loaded is BackendModule =>
  typeof loaded === 'object' && loaded !== null && 'backend' in loaded && typeof loaded.backend === 'function';

/** What went wrong and what helps, shorter than the error itself; a variable of the environment is named. */
export const reasonOf = (error: unknown): string =>
  error instanceof DrnnError
    ? error.issues
        .map(({ path, seen, hint }) =>
          [path.startsWith('DRNN_') ? `${path}: ${seen}` : seen, ...(hint === undefined ? [] : [hint])].join('; '),
        )
        .join('; ')
    : error instanceof Error
      ? (error.message.split('\n')[0] ?? '')
      : String(error);

/** Whether an import failed because there is no such package, as Node and bundlers say it. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  ((`code` in error && error.code === 'ERR_MODULE_NOT_FOUND') ||
    /cannot find (package|module)|failed to resolve/i.test(error.message));

/** Errors of backends that are there but wrong. */
const distrusted = new WeakSet<Error>();

/**
 * Whether a backend is simply not there, which is as it should be and worth no word: only it itself says so, and not of
 * one that comes with drnn. Not so one that fails, or a library that the user chose by an environment variable.
 */
const isAbsence = ({ name, included }: BackendKind, error: unknown): boolean =>
  !included &&
  error instanceof DrnnError &&
  !distrusted.has(error) &&
  error.issues.every(({ path }) => path.startsWith(`backend-${name}`) || path.startsWith(`backend ${name}`));

const load = async (kind: BackendKind): Promise<BackendModule> => {
  let loaded: unknown;
  try {
    loaded = await kind.load();
  } catch (cause) {
    const missing = isMissing(cause);
    const error = failure(
      {
        path: `backend ${kind.name}`,
        seen: missing ? 'no package of it' : `a package that does not load (${reasonOf(cause)})`,
        expected: 'one that is installed',
        hint: kind.install,
      },
      cause,
    );
    if (!missing) distrusted.add(error);
    throw error;
  }
  if (isBackendModule(loaded)) return loaded;
  throw failure({
    path: `backend ${kind.name}`,
    seen: 'a package without backend()',
    expected: 'a version of it that goes with this drnn',
    hint: kind.install,
  });
};

/** Opens one kind and checks it. Errors: not installed, does not open, fails its self-check. */
export const openKind = async (
  kind: BackendKind,
  { precision = kind.precisions[0], threads }: Pick<BackendChoice, 'precision' | 'threads'>,
): Promise<Backend> => {
  const { backend } = await load(kind);
  const on = await backend({
    precision: precision ?? 'mixed',
    ...(threads === undefined || !kind.threaded ? {} : { threads }),
  });
  let wrong: string | null;
  try {
    wrong = await selfCheck(on);
  } catch (error) {
    wrong = reasonOf(error);
  }
  if (wrong === null) return on;
  await on.close();
  const error = failure({
    path: `backend ${kind.name}`,
    seen: `a self-check that fails: ${wrong}`,
    expected: 'a backend that computes right',
    hint: 'take another one (drnn doctor lists them), and please report this with what doctor says',
  });
  distrusted.add(error);
  throw error;
};

/**
 * Opens the backend that was chosen. One that was named is that one or an error, never another; `auto` takes the first
 * of `autoOrder` that can do what was asked and passes its self-check, and tells why not the ones before. Errors: a
 * choice that no machine has; the named backend is missing, does not open, or computes wrong; none is left for `auto`.
 */
export const openBackend = async (
  choice: BackendChoice = {},
  kinds: BackendKinds = backendKinds,
  order = autoOrder(),
): Promise<OpenedBackend> => {
  refuse(choiceIssues(choice, kinds));
  const { name = 'auto', onNotice } = choice;
  const opened = (on: Backend, taken: BackendName, before: readonly PassedOver[]): OpenedBackend => {
    if (kinds[taken].threaded && choice.threads === undefined && typeof SharedArrayBuffer === 'undefined')
      onNotice?.(`The backend ${taken} runs on one thread: there is no shared memory here.`);
    return { on, name: taken, passedOver: before };
  };
  if (name !== 'auto') return opened(await openKind(kinds[name], choice), name, []);
  const passedOver: PassedOver[] = [];
  for (const each of order) {
    const [unfit] = choiceIssues({ ...choice, name: each }, kinds);
    try {
      if (unfit !== undefined) throw failure(unfit);
      return opened(await openKind(kinds[each], choice), each, passedOver);
    } catch (error) {
      const reason = reasonOf(error);
      passedOver.push({ name: each, reason });
      if (unfit === undefined && !isAbsence(kinds[each], error))
        onNotice?.(`The backend ${each} is not used: ${reason}.`);
    }
  }
  throw failure({
    path: 'backend',
    seen: passedOver.map(({ name: each, reason }) => `${each}: ${reason}`).join('; '),
    expected: 'one that works here',
  });
};

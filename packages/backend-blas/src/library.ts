import { existsSync, readFileSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { DrnnError, type Issue } from '@drnn/tensor';
import { type Candidate, candidates, installHint, libraryVariable, type Surroundings } from './candidates.js';
import { identify } from './identity.js';
import { messageOf, type NativeLibrary, nativeLoader, type OpenLibrary } from './native.js';
import { whatIsWrong } from './proof.js';
import { bindLapack, bindRoutines, namingOf } from './routines.js';
import { type RowMajor, rowMajor } from './row-major.js';

/** The library that was loaded and proved right. */
export interface BlasLibrary {
  /** Its file, where the system says which; else the name it was found by. */
  readonly path: string;
  /** OpenBLAS, MKL, BLIS, FlexiBLAS or Accelerate; BLAS for one that does not say what it is. */
  readonly name: string;
  /** In its own words, with the kernels that it chose where it says so; null where it does not say. */
  readonly version: string | null;
  /** Where LAPACK is: most often the same file. Null where it is missing: the Wasm kernels then factor. */
  readonly lapack: string | null;
}

/** A library at work. */
export interface Library extends BlasLibrary {
  readonly does: RowMajor;
  /**
   * Has the library use so many threads. They are the process's, not a backend's, so every burst of work asks anew; it
   * costs nothing when it is so already. Returns how many it then says it uses, null where it does not say.
   */
  useThreads(count: number): number | null;
}

/** The file that the system mapped for a name such as libopenblas.so.0. */
const mappedFile = (name: string): string => {
  if (isAbsolute(name)) return name;
  const stem = name.split('.')[0] ?? name;
  try {
    const files = readFileSync('/proc/self/maps', 'utf8').match(/\/.*$/gm) ?? [];
    return files.find((file) => basename(file).startsWith(stem)) ?? name;
  } catch {
    return name;
  }
};

/** What came of trying one library. */
type Trial =
  | { readonly kind: 'proved'; readonly library: Library }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'missing' };

/** Whether the loader's words say that there is no such file; a file that is there lacks something that it needs. */
const saysMissing = (words: string, path: string): boolean =>
  isAbsolute(path) ? !existsSync(path) : /no such file|not found|cannot find|could not be found/i.test(words);

/**
 * Has a library's idle threads sleep soon: they would go on for some 20 ms to ask for work, on the cores that the Wasm
 * threads need for what comes between two products. Libraries read these variables once, as they are loaded; what the
 * user has set stays, and nothing is left behind.
 */
const patience: Readonly<Record<string, string>> = {
  OPENBLAS_THREAD_TIMEOUT: '14',
  KMP_BLOCKTIME: '0',
  GOMP_SPINCOUNT: '0',
};

const openPatiently = (open: OpenLibrary, path: string): NativeLibrary => {
  const { env } = process;
  const added = Object.keys(patience).filter((name) => env[name] === undefined);
  for (const name of added) env[name] = patience[name];
  try {
    return open(path);
  } finally {
    for (const name of added) delete env[name];
  }
};

const tryLibrary = (open: OpenLibrary, { path, lapack, named }: Candidate): Trial => {
  const refused = (why: string): Trial => ({ kind: 'refused', why });
  try {
    const native = openPatiently(open, path);
    const naming = namingOf(native);
    if (naming === null) return refused('no BLAS: it has no dgemm');
    const identity = identify(native, naming);
    if (identity === null && !named)
      return refused('a BLAS that does not say what it is, most likely the reference, slower than the Wasm kernels');
    const own = bindRoutines(native, naming);
    const elsewhere = own.lapack !== null || lapack === null ? null : lapackIn(open, lapack);
    const does = rowMajor({ ...own, lapack: own.lapack ?? elsewhere });
    const wrong = whatIsWrong(does);
    if (wrong.length > 0) return refused(`wrong results: ${wrong.join('; ')}`);

    let current: number | null = null;
    const file = mappedFile(path);
    const library: Library = {
      path: file,
      name: identity?.name ?? 'BLAS',
      version: identity?.version ?? null,
      lapack: own.lapack !== null ? file : elsewhere === null || lapack === null ? null : mappedFile(lapack),
      does,
      useThreads: (count) => {
        if (count !== current) identity?.setThreads?.(count);
        current = count;
        return identity?.threads?.() ?? null;
      },
    };
    return { kind: 'proved', library };
  } catch (error) {
    const words = messageOf(error);
    return saysMissing(words, path) ? { kind: 'missing' } : refused(words);
  }
};

/** LAPACK in a library of its own; null where there is none. */
const lapackIn = (open: OpenLibrary, path: string) => {
  try {
    const native = open(path);
    const naming = namingOf(native);
    return naming === null ? null : bindLapack(native, naming);
  } catch {
    return null;
  }
};

/** The first library that is there and right. Throws one error that says what came of each. */
export const searchLibrary = (open: OpenLibrary, surroundings: Surroundings): Library => {
  const issues: Issue[] = [];
  const missing: string[] = [];
  let isNamed = false;
  for (const candidate of candidates(surroundings)) {
    const trial = tryLibrary(open, candidate);
    if (trial.kind === 'proved') return trial.library;
    isNamed = candidate.named;
    if (trial.kind === 'missing') missing.push(candidate.path);
    else {
      issues.push({
        path: candidate.named ? `${libraryVariable} ${candidate.path}` : `backend-blas ${candidate.path}`,
        seen: trial.why,
        expected: 'a BLAS whose results are right',
        ...(candidate.named ? { hint: `name another library, or unset ${libraryVariable} to try the usual ones` } : {}),
      });
    }
  }
  const install = `${installHint(surroundings.platform)}; or choose the wasm backend`;
  if (!isNamed) {
    issues.push({
      path: 'backend-blas library',
      seen: missing.length === 0 ? 'none that can be used' : `none called ${missing.join(', ')}`,
      expected: 'OpenBLAS, MKL, BLIS or Accelerate on this machine',
      hint: install,
    });
  } else if (missing.length > 0) {
    issues.push({
      path: libraryVariable,
      seen: `${missing.join(', ')}, which is not there`,
      expected: 'a library',
      hint: install,
    });
  }
  throw new DrnnError(issues);
};

const proved = new Map<string, Library>();

/** The library of this process, proved once for every value of the environment variable. */
export const openProved = async (): Promise<Library> => {
  const { env: environment, platform } = process;
  const key = environment[libraryVariable] ?? '';
  const known = proved.get(key);
  if (known !== undefined) return known;
  const fresh = searchLibrary(await nativeLoader(), { platform, environment });
  proved.set(key, fresh);
  return fresh;
};

/**
 * Finds the machine's BLAS as `backend` does, loads it and proves it right, without making a backend: for a report on
 * what a machine has. Takes 0.1 to 0.2 s the first time in a process. Errors: no library, a wrong one, no koffi, each with
 * what was tried and how to get one.
 */
export const findLibrary = async (): Promise<BlasLibrary> => {
  const { path, name, version, lapack } = await openProved();
  return { path, name, version, lapack };
};

import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { failure } from '@drnn/tensor';

/** The environment variable that names the library. */
export const libraryVariable = 'DRNN_BLAS';

/** A library to try. */
export interface Candidate {
  /** Its path, or a name for the system's loader to find. */
  readonly path: string;
  /** Where LAPACK may be when it is not in there. */
  readonly lapack: string | null;
  /** The user asked for this very one. */
  readonly named: boolean;
}

/** What the search depends on. */
export interface Surroundings {
  readonly platform: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const linux: readonly string[] = [
  'libopenblas.so.0',
  'libopenblas.so',
  'libopenblasp.so.0',
  'libopenblas64_.so.0',
  'libopenblas64.so.0',
  'libmkl_rt.so.3',
  'libmkl_rt.so.2',
  'libmkl_rt.so',
  'libblis-mt.so.4',
  'libblis.so.4',
  'libblis.so.3',
  'libflexiblas.so.3',
  'libblas.so.3',
];

const mac: readonly string[] = [
  '/System/Library/Frameworks/Accelerate.framework/Accelerate',
  '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
  '/usr/local/opt/openblas/lib/libopenblas.dylib',
  'libopenblas.dylib',
  'libmkl_rt.2.dylib',
  'libblis.4.dylib',
];

const windows: readonly string[] = [
  'openblas.dll',
  'libopenblas.dll',
  'libopenblas64_.dll',
  'mkl_rt.3.dll',
  'mkl_rt.2.dll',
  'libblis.4.dll',
];

/** A name in the absolute folders of PATH: Windows itself would also look into the current folder. */
const onPath = (name: string, path: string): readonly string[] =>
  path
    .split(';')
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .filter((file) => existsSync(file));

/**
 * The libraries to try, best first: the one that the environment variable DRNN_BLAS names, by its absolute path, and no
 * other; or the usual names. It is code that will run, so no configuration and no model may name it.
 */
export const candidates = ({ platform, environment }: Surroundings): readonly Candidate[] => {
  const named = environment[libraryVariable];
  if (named !== undefined && named !== '') {
    if (isAbsolute(named)) return [{ path: named, lapack: null, named: true }];
    throw failure({
      path: libraryVariable,
      seen: named,
      expected: 'the absolute path of a BLAS library',
      hint: 'a relative one would load other code in another folder',
    });
  }
  switch (platform) {
    case 'darwin':
      return mac.map((path) => ({ path, lapack: null, named: false }));
    case 'win32':
      return windows
        .flatMap((name) => onPath(name, environment['PATH'] ?? environment['Path'] ?? ''))
        .map((path) => ({ path, lapack: null, named: false }));
    default:
      return linux.map((path) => ({ path, lapack: 'liblapack.so.3', named: false }));
  }
};

/** How to get a library, on this platform. */
export const installHint = (platform: string): string => {
  const otherwise = `or conda install openblas, and set ${libraryVariable} to the absolute path of the library`;
  switch (platform) {
    case 'darwin':
      return `Accelerate is part of macOS; brew install openblas, ${otherwise}`;
    case 'win32':
      return `unpack a release of OpenBLAS into a folder of PATH, ${otherwise}`;
    default:
      return `apt-get install libopenblas0, dnf install openblas, pacman -S openblas, ${otherwise}`;
  }
};

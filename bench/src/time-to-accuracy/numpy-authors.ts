import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TimedState } from './learner.js';

/** The recording in files that NumPy reads. */
export interface RecordingFiles {
  readonly rates: string;
  readonly truth: string;
}

/** One run of the authors' iteration in NumPy. */
export interface NumpyRun {
  /** Version and library, in words. */
  readonly says: string;
  /** The file of its BLAS, where the system says. */
  readonly library: string | null;
  /** Step 0, the fixed point, and every so many steps; the last is that of the last step. */
  readonly states: readonly (TimedState & { readonly step: number })[];
}

const script = fileURLToPath(new URL('../../peers/numpy_authors_thresholded.py', import.meta.url));
const execute = promisify(execFile);

const fieldsOf = (line: string): ReadonlyMap<string, unknown> => {
  const value: unknown = JSON.parse(line);
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
};

/** Runs the script in a process of its own, with so many threads. */
export const numpyRun = async (
  python: string,
  files: RecordingFiles,
  settings: { readonly alpha: number; readonly steps: number; readonly threads: number; readonly every: number },
): Promise<NumpyRun> => {
  const numbers = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const environment = { ...process.env };
  // Workarounds for older libraries, which hold newer ones back.
  delete environment['OPENBLAS_CORETYPE'];
  delete environment['OPENBLAS_L2_SIZE'];
  const { stdout } = await execute(python, [script, '--rates', files.rates, '--truth', files.truth, ...numbers], {
    env: environment,
  });
  const [introduction, ...lines] = stdout.trim().split('\n').map(fieldsOf);
  const library = introduction?.get('library');
  const states = lines.map((line) => {
    const number = (name: string): number => {
      const value = line.get(name);
      if (typeof value !== 'number') throw new Error(`NumPy: no ${name} in ${JSON.stringify([...line])}`);
      return value;
    };
    return {
      step: number('step'),
      seconds: number('seconds'),
      relativeError: number('relativeError'),
      correlation: number('correlation'),
      slope: number('slope'),
    };
  });
  return { says: `${introduction?.get('says') ?? ''}`, library: typeof library === 'string' ? library : null, states };
};

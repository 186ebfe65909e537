import { appendFileSync } from 'node:fs';
import { expect } from 'vitest';
import { capability, isCapabilityName, type Capability, type CapabilityName } from './capability.js';

/** A capability that a test file did without: one line of the log that the table at the end of `npm test` reads. */
export type Skip = {
  readonly file: string;
  readonly name: string;
  readonly reason: string;
  readonly install: string | null;
};

/** The names in `DRNN_REQUIRE` (`numpy,scipy`): the capabilities that may not be missing. Throws for an unknown name. */
export const demanded = (list: string | undefined): readonly CapabilityName[] =>
  (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => {
      if (isCapabilityName(name)) return name;
      throw new Error(`DRNN_REQUIRE names "${name}", which is no capability`);
    });

/** Throws where the list demands a capability that is missing: under `DRNN_REQUIRE` a skip is a failure. */
export const demand = (list: string | undefined, name: CapabilityName, seen: Capability): void => {
  if (!demanded(list).includes(name) || seen.available) return;
  throw new Error(`DRNN_REQUIRE demands "${name}": ${seen.reason}${seen.install === null ? '' : `; ${seen.install}`}`);
};

/**
 * Whether the tests that need a capability can run here: `describe.skipIf(!requires('numpy'))(...)`.
 * Where they cannot, the reason and the install command appear in the table at the end of `npm test`; where
 * `DRNN_REQUIRE` lists the capability, the test file fails instead.
 */
export const requires = (name: CapabilityName): boolean => {
  const seen = capability(name);
  demand(process.env['DRNN_REQUIRE'], name, seen);
  const log = process.env['DRNN_SKIP_LOG'];
  if (!seen.available && log !== undefined) {
    const skip: Skip = { file: expect.getState().testPath ?? '', name, reason: seen.reason, install: seen.install };
    appendFileSync(log, `${JSON.stringify(skip)}\n`);
  }
  return seen.available;
};

import { DrnnError, type Issue } from './error.js';
import {
  ApplicativePar,
  type Either,
  getApplicativeTaskValidation,
  getSemigroup,
  sequenceS,
  type TaskEither,
  tryCatch,
} from './functional.js';

/** A value, or everything that was wrong: an fp-ts `Either`, `{ _tag: 'Right', right }` or `{ _tag: 'Left', left }`. */
export type Checked<Value> = Either<readonly Issue[], Value>;

/** A computation that gives a value or everything that was wrong: an fp-ts `TaskEither`. */
export type CheckedTask<Value> = TaskEither<readonly Issue[], Value>;

/** Issues of a `DrnnError` as data. Any other error is a fault, not bad input, and is thrown on. */
const issuesOf = (error: unknown): readonly Issue[] => {
  if (error instanceof DrnnError) return error.issues;
  throw error;
};

/** Runs `work` later, with its issues as data in place of a thrown `DrnnError`. */
export const attempt = <Value>(work: () => Promise<Value>): CheckedTask<Value> => tryCatch(work, issuesOf);

/** The value, or one `DrnnError` with all issues. */
export const orThrow = <Value>(checked: Checked<Value>): Value => {
  if (checked._tag === 'Left') throw new DrnnError(checked.left);
  return checked.right;
};

/**
 * Runs all tasks of a record at once and gives the record of their values, or the issues of all that failed, in the
 * order of the fields.
 *
 * @example
 * const { rates, mask } = orThrow(await together({ rates: attempt(readRates), mask: attempt(readMask) })());
 */
export const together = sequenceS(getApplicativeTaskValidation(ApplicativePar, getSemigroup<Issue>()));

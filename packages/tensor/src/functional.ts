/**
 * The names of fp-ts that the project uses, and the only module that imports it: fp-ts is not ESM-mapped (hence the
 * paths into `lib`), and it is for the edges, never for kernels.
 */
export { sequenceS } from 'fp-ts/lib/Apply.js';
export { type Either } from 'fp-ts/lib/Either.js';
export { getSemigroup } from 'fp-ts/lib/ReadonlyArray.js';
export { ApplicativePar } from 'fp-ts/lib/Task.js';
export { getApplicativeTaskValidation, type TaskEither, tryCatch } from 'fp-ts/lib/TaskEither.js';

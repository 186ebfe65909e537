/** Something thrown, as a message can carry it. */
export interface Failure {
  readonly kind: 'failure';
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause: Failure | null;
}

/** How a run ended. It crosses from a worker to its page, and from the page to the test. */
export type Outcome<Result> = { readonly kind: 'result'; readonly result: Result } | Failure;

/** The failure that stands for anything thrown. */
export const failureOf = (error: unknown): Failure =>
  error instanceof Error
    ? {
        kind: 'failure',
        name: error.name,
        message: error.message,
        stack: error.stack ?? '',
        cause: error.cause === undefined ? null : failureOf(error.cause),
      }
    : { kind: 'failure', name: 'Error', message: `thrown: ${String(error)}`, stack: '', cause: null };

/** An error that says the same, with places of its stacks as `traced` gives them. */
export const errorOf = (failure: Failure, traced: (stack: string) => string): Error => {
  const cause = failure.cause === null ? undefined : errorOf(failure.cause, traced);
  const error = new Error(failure.message, cause === undefined ? {} : { cause });
  error.name = failure.name;
  error.stack = traced(failure.stack);
  return error;
};

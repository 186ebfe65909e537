/**
 * The one error of the project. Bad input is described by data (`Issue`), collected, and thrown once with everything
 * that was found, so that a user mends all of it in one go.
 */

/** One thing wrong with an input. */
export interface Issue {
  /** Where: the name of an option, file, array or field, as the user knows it. */
  readonly path: string;
  /** What was seen, in words with numbers and named shapes. */
  readonly seen: string;
  /** What was expected instead. */
  readonly expected: string;
  /** What to do about it, when that is known. */
  readonly hint?: string;
  /** What programs act on: the device that a backend ran on is gone, and what was asked of it can be asked of another. */
  readonly code?: 'device-lost';
}

/** An issue in one sentence: `rates: saw [80, 500], expected [time=500, unit=80]. Hint: transpose it.` */
export const describeIssue = (issue: Issue): string =>
  `${issue.path}: saw ${issue.seen}, expected ${issue.expected}.${issue.hint === undefined ? '' : ` Hint: ${issue.hint}`}`;

/** Thrown by every public function on bad input. `issues` lists all that was found, in the order of the input. */
export class DrnnError extends Error {
  override readonly name = 'DrnnError';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[], options?: { readonly cause?: unknown }) {
    super(issues.map(describeIssue).join('\n'), options);
    this.issues = issues;
  }
}

/** Throws one `DrnnError` with all of `issues`, or returns when there is none. */
export const refuse = (issues: readonly Issue[]): void => {
  if (issues.length > 0) throw new DrnnError(issues);
};

/** Whether a backend has lost its device: nothing more comes from it, and its host goes on. */
export const isDeviceLost = (error: unknown): error is DrnnError =>
  error instanceof DrnnError && error.issues.some(({ code }) => code === 'device-lost');

/** The error of a single issue: `throw failure({ path, seen, expected })`. */
export const failure = (issue: Issue, cause?: unknown): DrnnError =>
  new DrnnError([issue], cause === undefined ? undefined : { cause });

import type { Precision } from '@drnn/tensor';
import type { BackendName } from './backends.js';
import type { Operation } from './operations.js';
import type { Introduction } from './player.js';

/** Who can be started by `serve.js`. */
export type Role = BackendName | 'peak' | 'tfjs-composed';

export interface Start {
  readonly role: Role;
  readonly precision: Precision;
  readonly threads: number;
}

/** One line to a process that takes part. `file` holds the recording of the operation's size; `warm` milliseconds go before times count. */
export type Request =
  | { readonly ask: 'prepare'; readonly operation: Operation; readonly file: string | null; readonly warm: number }
  | { readonly ask: 'turn'; readonly milliseconds: number }
  | { readonly ask: 'release' };

/** What is known of an operation before its times count. */
export interface Prepared {
  /** Milliseconds of the last run while it warmed up. */
  readonly milliseconds: number;
  /** The Euclidean norm of the gradient that it gives, where it gives one. */
  readonly gradientNorm: number | null;
  /** How it is done, where there are several ways. */
  readonly note: string | null;
}

/** One line back. The first one introduces, or says why it cannot take part; lines of other kinds are no replies. */
export type Reply =
  | { readonly reply: 'introduction'; readonly introduction: Introduction }
  | { readonly reply: 'done' }
  | ({ readonly reply: 'prepared' } & Prepared)
  | { readonly reply: 'samples'; readonly samples: readonly number[] }
  | { readonly reply: 'failed'; readonly reason: string };

import type { Expression } from './expression.js';
import type { Host } from './host.js';
import type { Matrix } from './matrix.js';

/**
 * float64 throughout, or float32 rows and products with sums of at most 2048 rows in float32 and everything on the
 * host in float64.
 */
export type Precision = 'float64' | 'mixed';

/** Rows (`[time, column]`) that live on a backend. Opaque: only the backend that made them can read them. */
export interface Rows {
  readonly rows: number;
  readonly columns: number;
  /** Gives the memory back; a scope does it by itself. Releasing twice is harmless. */
  release(): void;
}

/** Rows that are not in memory: every call of `blocks` yields them from the first, at most `length` at a time. */
export interface RowSource {
  readonly rows: number;
  readonly columns: number;
  blocks(length: number): Iterable<Matrix> | AsyncIterable<Matrix>;
}

/**
 * One sweep over the rows of a design X [time, predictor]. Every expression may use the currents (X times the given
 * parameters), the data, and nothing else.
 */
export interface PassRequest {
  /** Parameters [predictor, unit] by the name of the current X Theta they make. */
  readonly currents: Readonly<Record<string, Matrix>>;
  /** Rows [time, unit] by name. */
  readonly data: Readonly<Record<string, Rows>>;
  /** Each gives X' e, [predictor, unit]. */
  readonly backProject?: readonly Expression[];
  /** Where the back-projections go, [predictor, unit] each, overwritten; no parameter of the pass. Made when absent. */
  readonly out?: readonly Matrix[];
  /** Whether back-projections are added to what `out` holds, in place of overwriting it. Default false. */
  readonly accumulate?: boolean;
  /** Each gives the sum of e over time, one number a unit. */
  readonly columnSums?: readonly Expression[];
  /** Each is kept as rows [time, unit]. */
  readonly keep?: readonly Expression[];
}

export interface PassResult {
  readonly backProject: readonly Matrix[];
  readonly columnSums: readonly Float64Array[];
  readonly kept: readonly Rows[];
}

/** What a backend promises; `assertBackend` holds it to that. Errors relative to the size of the exact result. */
export interface Accuracy {
  /** Of one pointwise function, relative (with `absolute` as floor). */
  readonly pointwise: number;
  readonly absolute: number;
  /** Of products and sums, relative to the sum of absolute values of the terms. */
  readonly product: number;
  /** Whether NaN and infinity in data travel to the result; where not, they must be refused before. */
  readonly propagatesNaN: boolean;
}

/**
 * Hardware as a value: no registry, no ambient state. Two backends can live in one program. Passes are asynchronous;
 * the algebra of `host` is not.
 */
export interface Backend {
  readonly name: string;
  readonly precision: Precision;
  readonly threads: number;
  readonly accuracy: Accuracy;
  readonly host: Host;
  /**
   * Takes rows in: copied for a matrix; a source is kept as it is, since it may be larger than memory, and read again by
   * whatever uses it, unless `copy` has it read once, piece by piece, to where the rows of a matrix would be.
   */
  rows(source: Matrix | RowSource, options?: { readonly copy?: boolean }): Promise<Rows>;
  /** Rows back on the host, [time, column]. */
  read(rows: Rows): Promise<Matrix>;
  /** Means of each `group` consecutive rows, the last of those left, back on the host: [ceil(time / group), column]. */
  readMeans(rows: Rows, group: number): Promise<Matrix>;
  /** Some columns of rows, in the order given, as rows of their own: what is left to do of many units. */
  select(rows: Rows, columns: Int32Array): Promise<Rows>;
  /** One sweep over the time rows; see `PassRequest`. Cost 2 rows P N flop a current and a back-projection. */
  pass(design: Rows, request: PassRequest): Promise<PassResult>;
  /** X' diag(w) X with float64 sums, both triangles; `weights` [time, 1]. Cost rows P^2 flop. */
  gram(design: Rows, weights?: Rows): Promise<Matrix>;
  /** X' diag(w_j) X for units j in [from, to) of `weights` [time, unit]. Cost rows P^2 flop a unit. */
  gramEach(design: Rows, weights: Rows, from: number, to: number): Promise<readonly Matrix[]>;
  /**
   * Runs `body` with a child that records the rows *it* makes; those that the result does not hold (in its fields or
   * items, at any depth) are released at the end, also after a throw.
   */
  scope<Result>(body: (inner: Backend) => Result | Promise<Result>): Promise<Result>;
  /** Live handles and their bytes: what leak tests compare. */
  memory(): { readonly handles: number; readonly bytes: number };
  /** Releases everything. Later calls are errors. */
  close(): Promise<void>;
}

import type { Accuracy, Backend, PassRequest, Precision, Rows, RowSource } from './backend.js';
import { failure, type Issue, refuse } from './error.js';
import type { Host } from './host.js';
import { columnsOf, type Matrix } from './matrix.js';
import { rowMeans } from './row-means.js';
import { collect } from './row-reader.js';
import { passShape, type PassShape } from './pass.js';
import { type Ledger, ledger } from './scope.js';

/** The height and width of rows, wherever they are. */
export interface RowShape {
  /** Time. */
  readonly rows: number;
  readonly columns: number;
}

/**
 * What one kind of hardware brings to be a backend; `backendOf` adds handles, scopes, their life, and every check of
 * shapes. `Stored` is what a handle stands for: a typed array, device buffers, a source. All calls come with operands
 * that are live, of this engine, and of shapes that fit.
 */
export interface Engine<Stored extends RowShape> {
  readonly name: string;
  readonly precision: Precision;
  readonly threads: number;
  readonly accuracy: Accuracy;
  readonly host: Host;
  /** Takes rows in: copied for a matrix, kept as they are for a source larger than memory. */
  store(source: Matrix | RowSource): Stored | Promise<Stored>;
  /** Copies a source in without a matrix between. Default: reads it into a matrix and stores that. */
  copy?(source: RowSource): Promise<Stored>;
  /** What `stored` occupies, for `memory()`. */
  bytes(stored: Stored): number;
  /** Gives up what `stored` occupies; called once for each. */
  free(stored: Stored): void;
  read(stored: Stored): Matrix | Promise<Matrix>;
  /** Means of consecutive rows. Default: of all that is read. */
  readMeans?(stored: Stored, group: number): Promise<Matrix>;
  /** Some columns, copied. Default: by way of the host. */
  select?(stored: Stored, columns: Int32Array): Stored | Promise<Stored>;
  pass(
    design: Stored,
    data: Readonly<Record<string, Stored>>,
    request: PassRequest,
    shape: PassShape,
  ): Promise<EnginePass<Stored>>;
  /** X' diag(w) X, weights [time, 1] or none. */
  gram(design: Stored, weights: Stored | null): Promise<Matrix>;
  /** X' diag(w_j) X for units j in [from, to). */
  gramEach(design: Stored, weights: Stored, from: number, to: number): Promise<readonly Matrix[]>;
  /** Ends what `backendOf` does not know of: threads, devices. All rows are freed before. */
  close(): void | Promise<void>;
}

/** The result of a pass before its rows have handles. */
export interface EnginePass<Stored> {
  readonly backProject: readonly Matrix[];
  readonly columnSums: readonly Float64Array[];
  readonly kept: readonly Stored[];
}

/** The handles of one backend. A handle is an empty object; what it stands for is known only here. */
interface Handles<Stored> {
  admit(stored: Stored): Rows;
  /** What a handle stands for; an error for one that is released or not of this backend. */
  open(path: string, rows: Rows): Stored;
  memory(): { readonly handles: number; readonly bytes: number };
  releaseAll(): void;
}

const handlesOf = <Stored extends RowShape>({
  name,
  bytes: bytesOf,
  free,
}: Pick<Engine<Stored>, 'name' | 'bytes' | 'free'>): Handles<Stored> => {
  const live = new Map<Rows, Stored>();
  const released = new WeakSet<Rows>();
  let bytes = 0;
  const release = (handle: Rows): void => {
    const stored = live.get(handle);
    if (stored === undefined) return;
    live.delete(handle);
    released.add(handle);
    bytes -= bytesOf(stored);
    free(stored);
  };
  return {
    admit: (stored) => {
      const handle: Rows = Object.freeze({
        rows: stored.rows,
        columns: stored.columns,
        release: () => release(handle),
      });
      live.set(handle, stored);
      bytes += bytesOf(stored);
      return handle;
    },
    open: (path, handle) => {
      const stored = live.get(handle);
      if (stored !== undefined) return stored;
      throw failure(
        released.has(handle)
          ? {
              path,
              seen: `rows [time=${handle.rows}, column=${handle.columns}] that were released`,
              expected: 'live rows',
              hint: 'a scope releases what its result does not hold',
            }
          : {
              path,
              seen: `rows that this ${name} backend did not make`,
              expected: 'rows of this backend',
              hint: 'see rows()',
            },
      );
    },
    memory: () => ({ handles: live.size, bytes }),
    releaseAll: () => [...live.keys()].forEach(release),
  };
};

/** Whether a backend, or a scope's child, still works, and how it ends. */
interface Life {
  /** Why it works no more, in words; null while it does. */
  ended: string | null;
}

/**
 * A backend from an engine: opaque handles, scopes with ledgers, the checks of every call, and a life that ends with
 * `close`. This is all that a new backend needs beside its engine; hold it to `assertBackend`.
 */
export const backendOf = <Stored extends RowShape>(engine: Engine<Stored>): Backend => {
  const handles = handlesOf(engine);
  const life: Life = { ended: null };
  const close = async (): Promise<void> => {
    if (life.ended !== null) return;
    life.ended = 'a closed backend';
    handles.releaseAll();
    await engine.close();
  };
  return view(engine, handles, close, life, () => null, null);
};

/** A backend on an engine and its handles; a scope's child has a ledger of its own and ends with its scope. */
const view = <Stored extends RowShape>(
  engine: Engine<Stored>,
  handles: Handles<Stored>,
  close: () => Promise<void>,
  life: Life,
  outer: () => string | null,
  made: Ledger | null,
): Backend => {
  const { name, precision, threads, accuracy, host } = engine;

  const reason = (): string | null => life.ended ?? outer();
  const alive = (operation: string): void => {
    const seen = reason();
    if (seen !== null) throw failure({ path: `backend-${name} ${operation}`, seen, expected: 'an open backend' });
  };
  const copied = async (source: RowSource): Promise<Stored> =>
    engine.copy === undefined ? engine.store(await collect(source)) : engine.copy(source);
  const selected = async (stored: Stored, columns: Int32Array): Promise<Stored> =>
    engine.select === undefined
      ? engine.store(columnsOf(await engine.read(stored), columns))
      : engine.select(stored, columns);
  const admit = (operation: string, stored: readonly Stored[]): readonly Rows[] => {
    // Looked at again, as the end may have come while something was awaited.
    if (reason() !== null) stored.forEach(engine.free);
    alive(operation);
    return stored.map((each) => {
      const rows = handles.admit(each);
      made?.record(rows);
      return rows;
    });
  };

  const self: Backend = {
    name,
    precision,
    threads,
    accuracy,
    host,

    rows: async (source, options = {}) => {
      alive('rows');
      const { rows, columns } = source;
      const issues: Issue[] = [];
      if (!(Number.isInteger(rows) && rows >= 0 && Number.isInteger(columns) && columns >= 0))
        issues.push({ path: 'rows', seen: `[time=${rows}, column=${columns}]`, expected: 'whole numbers >= 0' });
      if ('data' in source && source.data.length !== rows * columns) {
        issues.push({
          path: 'rows',
          seen: `${source.data.length} numbers`,
          expected: `${rows * columns} for [time=${rows}, column=${columns}]`,
        });
      }
      refuse(issues);
      const [handle] = admit('rows', [
        await (options.copy === true && 'blocks' in source ? copied(source) : engine.store(source)),
      ]);
      if (handle === undefined) throw new Error('a handle that was admitted is missing');
      return handle;
    },

    read: async (rows) => {
      alive('read');
      return engine.read(handles.open('read', rows));
    },

    readMeans: async (rows, group) => {
      alive('readMeans');
      const stored = handles.open('readMeans', rows);
      if (!(Number.isInteger(group) && group >= 1))
        refuse([{ path: 'readMeans group', seen: `${group}`, expected: 'a whole number of rows >= 1' }]);
      if (engine.readMeans !== undefined) return engine.readMeans(stored, group);
      const means = rowMeans(stored.rows, stored.columns, group);
      means.add((await engine.read(stored)).data, 0, stored.rows);
      return means.result();
    },

    select: async (rows, columns) => {
      alive('select');
      const stored = handles.open('select', rows);
      const outside = columns.find((column) => !(column >= 0 && column < stored.columns));
      if (outside !== undefined) {
        throw failure({
          path: 'select columns',
          seen: `column ${outside}`,
          expected: `whole numbers from 0 to ${stored.columns - 1}`,
        });
      }
      const [handle] = admit('select', [await selected(stored, columns)]);
      if (handle === undefined) throw new Error('a handle that was admitted is missing');
      return handle;
    },

    pass: async (design, request) => {
      alive('pass');
      const x = handles.open('pass design', design);
      const data: Record<string, Stored> = Object.create(null);
      for (const [key, rows] of Object.entries(request.data)) data[key] = handles.open(`pass data.${key}`, rows);
      const { backProject, columnSums, kept } = await engine.pass(x, data, request, passShape(design, request));
      return { backProject, columnSums, kept: admit('pass', kept) };
    },

    gram: async (design, weights) => {
      alive('gram');
      const x = handles.open('gram design', design);
      const w = weights === undefined ? null : handles.open('gram weights', weights);
      if (w !== null && (w.rows !== x.rows || w.columns !== 1)) {
        throw failure({
          path: 'gram weights',
          seen: `[time=${w.rows}, column=${w.columns}]`,
          expected: `[time=${x.rows}, column=1]`,
          ...(w.columns > 1 ? { hint: 'gramEach takes weights of their own for each unit' } : {}),
        });
      }
      return engine.gram(x, w);
    },

    gramEach: async (design, weights, from, to) => {
      alive('gramEach');
      const x = handles.open('gramEach design', design);
      const w = handles.open('gramEach weights', weights);
      const issues: Issue[] = [];
      if (w.rows !== x.rows) {
        issues.push({
          path: 'gramEach weights',
          seen: `[time=${w.rows}, unit=${w.columns}]`,
          expected: `[time=${x.rows}, unit]`,
        });
      }
      if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= w.columns)) {
        issues.push({
          path: 'gramEach units',
          seen: `from ${from} to ${to}`,
          expected: `whole numbers 0 <= from <= to <= ${w.columns}`,
        });
      }
      refuse(issues);
      return engine.gramEach(x, w, from, to);
    },

    scope: async (body) => {
      alive('scope');
      const own = ledger();
      const child: Life = { ended: null };
      const inner = view(engine, handles, close, child, reason, own);
      try {
        const result = await body(inner);
        // What a scope that outlives its parent holds has no heir left.
        if (reason() === null) own.settle(result, made);
        return result;
      } finally {
        child.ended ??= 'a scope that has ended';
        own.settle(undefined, null);
      }
    },

    memory: handles.memory,
    close: made === null ? close : () => closeScope(),
  };
  const closeScope = async (): Promise<void> => {
    if (life.ended !== null) return;
    life.ended = 'a closed scope';
    made?.settle(undefined, null);
  };
  return self;
};

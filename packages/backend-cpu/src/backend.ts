import {
  type Accuracy,
  type Backend,
  failure,
  type Host,
  type Issue,
  type Ledger,
  ledger,
  matrix,
  passShape,
  type Precision,
  refuse,
  type Rows,
} from '@drnn/tensor';
import { createBuffers } from './buffers.js';
import { createGemm } from './gemm.js';
import { hostWith } from './host.js';
import { createCompiler, fusedPass, gramEachOfRows, gramOfRows, type Workshop } from './pass.js';
import { createRowStore, type RowStore, type Stored, storedValues, sweep } from './rows.js';

/** How this backend is made. */
export interface CpuOptions {
  /**
   * `float64` (the default, as this is the reference), or `mixed`: rows are stored as float32, which halves their
   * memory; arithmetic stays float64, since JavaScript has no faster float32.
   */
  readonly precision?: Precision;
}

const accuracies: Readonly<Record<Precision, Accuracy>> = {
  // A product sums up to 256 terms one by one: at worst, with all alike, each rounds the same way.
  float64: { pointwise: 1e-15, absolute: 5e-324, product: 3e-14, propagatesNaN: true },
  // Rows, data and what is kept are rounded to float32 once each: half a unit of 1.2e-7.
  mixed: { pointwise: 1.2e-7, absolute: 1.5e-45, product: 2.4e-7, propagatesNaN: true },
};

/**
 * The reference backend: plain TypeScript on typed arrays, one thread, no dependencies. Passes run to their end
 * without giving up the thread unless rows are streamed from an asynchronous source. Close it with `close()`; a second
 * one is independent.
 */
export const backend = async (options: CpuOptions = {}): Promise<Backend> => {
  const issues: Issue[] = Object.keys(options)
    .filter((key) => key !== 'precision')
    .map((key) => ({ path: `backend-cpu ${key}`, seen: 'an unknown option', expected: 'precision' }));
  const precision = options.precision ?? 'float64';
  if (precision !== 'float64' && precision !== 'mixed')
    issues.push({ path: 'backend-cpu precision', seen: String(precision), expected: 'float64 or mixed' });
  refuse(issues);

  const gemm = createGemm();
  const pools = {
    double: createBuffers((length) => new Float64Array(length)),
    single: createBuffers((length) => new Float32Array(length)),
  };
  const workshop: Workshop = { gemm, precision, pools, compiler: createCompiler() };
  const store = createRowStore();
  const life: Life = {
    ended: null,
    end: () => {
      store.releaseAll();
      pools.double.clear();
      pools.single.clear();
    },
  };
  return view(workshop, store, hostWith(gemm), life, null, null);
};

/** Whether a backend, or a scope's child, still works, and how it ends. */
interface Life {
  /** Why it works no more, in words; null while it does. */
  ended: string | null;
  end(): void;
}

/** A backend on shared kernels and rows; a scope's child has a ledger of its own and ends with its scope. */
const view = (
  workshop: Workshop,
  store: RowStore,
  host: Host,
  life: Life,
  outer: Life | null,
  made: Ledger | null,
): Backend => {
  const { precision, pools } = workshop;

  const reason = (): string | null => life.ended ?? outer?.ended ?? null;
  const alive = (operation: string): void => {
    const seen = reason();
    if (seen !== null) throw failure({ path: `backend-cpu ${operation}`, seen, expected: 'an open backend' });
  };
  const admit = (operation: string, stored: Stored): Rows => {
    // Looked at again, as the end may have come while a source was awaited.
    alive(operation);
    const rows = store.admit(stored);
    made?.record(rows);
    return rows;
  };

  const self: Backend = {
    name: 'cpu',
    precision,
    threads: 1,
    accuracy: accuracies[precision],
    host,

    rows: async (source) => {
      alive('rows');
      const { rows, columns } = source;
      const issues: Issue[] = [];
      if (!(Number.isInteger(rows) && rows >= 0 && Number.isInteger(columns) && columns >= 0))
        issues.push({ path: 'rows', seen: `[time=${rows}, column=${columns}]`, expected: 'whole numbers >= 0' });
      if ('blocks' in source) {
        refuse(issues);
        return admit('rows', { kind: 'streamed', rows, columns, source });
      }
      if (source.data.length !== rows * columns) {
        issues.push({
          path: 'rows',
          seen: `${source.data.length} numbers`,
          expected: `${rows * columns} for [time=${rows}, column=${columns}]`,
        });
      }
      refuse(issues);
      const values = storedValues('rows', source.data, precision);
      return admit('rows', { kind: 'resident', rows, columns, values });
    },

    read: async (rows) => {
      alive('read');
      const stored = store.open('read', rows);
      const result = matrix(stored.rows, stored.columns);
      if (stored.kind === 'resident') {
        result.data.set(stored.values);
        return result;
      }
      await sweep([stored], 256, precision, pools, (start, length, from) => {
        result.data.set(from.values.subarray(0, length * stored.columns), start * stored.columns);
      });
      return result;
    },

    pass: async (design, request) => {
      alive('pass');
      const x = store.open('pass design', design);
      const data: Record<string, Stored> = Object.create(null);
      for (const [name, rows] of Object.entries(request.data)) data[name] = store.open(`pass data.${name}`, rows);
      const shape = passShape(design, request);
      const { backProject, columnSums, kept } = await fusedPass(workshop, x, data, request, shape);
      const { time: rows, units: columns } = shape;
      return {
        backProject,
        columnSums,
        kept: kept.map((values) => admit('pass', { kind: 'resident', rows, columns, values })),
      };
    },

    gram: async (design, weights) => {
      alive('gram');
      const x = store.open('gram design', design);
      const w = weights === undefined ? undefined : store.open('gram weights', weights);
      if (w !== undefined && (w.rows !== x.rows || w.columns !== 1)) {
        throw failure({
          path: 'gram weights',
          seen: `[time=${w.rows}, column=${w.columns}]`,
          expected: `[time=${x.rows}, column=1]`,
          ...(w.columns > 1 ? { hint: 'gramEach takes weights of their own for each unit' } : {}),
        });
      }
      return gramOfRows(workshop, x, w);
    },

    gramEach: async (design, weights, from, to) => {
      alive('gramEach');
      const x = store.open('gramEach design', design);
      const w = store.open('gramEach weights', weights);
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
      return gramEachOfRows(workshop, x, w, from, to);
    },

    scope: async (body) => {
      alive('scope');
      const own = ledger();
      const child: Life = { ended: null, end: () => own.settle(undefined, null) };
      const inner = view(
        workshop,
        store,
        host,
        child,
        {
          get ended() {
            return reason();
          },
          end: life.end,
        },
        own,
      );
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

    memory: () => store.memory(),

    close: async () => {
      if (life.ended !== null) return;
      life.ended = 'a closed backend';
      life.end();
    },
  };
  return self;
};

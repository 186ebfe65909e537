import { host as cpuHost } from '@drnn/backend-cpu';
import { type Backend, backendOf, failure, type Host, type Issue, matrix, type Precision, refuse } from '@drnn/tensor';
import type { TfjsEngine } from './engine.js';
import { gramsOnHost, visitOnHost } from './gram.js';
import { devicePass } from './pass.js';
import { checkWidth, type Stored, upload } from './rows.js';

/** How a backend on an engine of TensorFlow.js is made. */
export interface TfjsOptions {
  /** Only `mixed`, the default: these engines have no float64. */
  readonly precision?: Precision;
  /** The float64 algebra between two passes, and of the Gram matrices. Default the one of @drnn/backend-cpu. */
  readonly host?: Host;
}

/** Issues of options that every backend on TensorFlow.js has; `others` are the names that one has beside. */
export const optionIssues = (name: string, options: TfjsOptions, others: readonly string[] = []): readonly Issue[] => {
  const known = ['precision', 'host', ...others];
  const issues: Issue[] = Object.keys(options)
    .filter((key) => !known.includes(key))
    .map((key) => ({ path: `backend-${name} ${key}`, seen: 'an unknown option', expected: known.join(', ') }));
  const { precision } = options;
  if (precision !== undefined && precision !== 'mixed') {
    issues.push({
      path: `backend-${name} precision`,
      seen: String(precision),
      expected: 'mixed',
      ...(precision === 'float64'
        ? { hint: 'TensorFlow.js computes in float32 only; @drnn/backend-wasm and @drnn/backend-cpu have float64' }
        : {}),
    });
  }
  return issues;
};

/**
 * A backend on an engine of TensorFlow.js, always in mixed precision: rows, currents and expressions are float32 on the
 * device; sums over more than 2048 rows, Gram matrices and all algebra are float64 on the host. The engine belongs to
 * the backend and ends with its `close()`.
 *
 * @example
 * import '@tensorflow/tfjs-backend-webgl';
 * const on = backendOn(tfjsEngine('webgl', await registeredInstance('webgl')));
 */
export const backendOn = (engine: TfjsEngine, options: TfjsOptions = {}): Backend => {
  refuse(optionIssues(engine.name, options));
  const host = options.host ?? cpuHost;
  let live = 0;
  const bytes = (stored: Stored): number => (stored.kind === 'resident' ? 4 * stored.rows * stored.columns : 0);

  const reserve = (path: string, rows: number, columns: number): void => {
    const wanted = 4 * rows * columns;
    if (live + wanted <= engine.limits.total) return;
    throw failure({
      path,
      seen: `[time=${rows}, column=${columns}], ${wanted} bytes beside ${live} in use`,
      expected: `at most ${engine.limits.total} bytes of rows on backend-${engine.name}`,
      hint: 'release rows, or give a source with blocks() in place of a matrix, which is streamed',
    });
  };

  return backendOf<Stored>({
    name: engine.name,
    precision: 'mixed',
    threads: engine.threads,
    accuracy: engine.accuracy,
    host,
    store: (source) => {
      const { rows, columns } = source;
      checkWidth(engine, 'rows', rows, columns);
      if ('blocks' in source) return { kind: 'streamed', rows, columns, source };
      reserve('rows', rows, columns);
      const chunks = upload(engine, 'rows', source);
      live += 4 * rows * columns;
      return { kind: 'resident', rows, columns, chunks };
    },
    bytes,
    free: (stored) => {
      live -= bytes(stored);
      if (stored.kind === 'resident') stored.chunks.forEach(engine.dispose);
    },
    read: async (stored) => {
      const result = matrix(stored.rows, stored.columns);
      await visitOnHost(engine, [stored], ([chunk], start) => {
        if (chunk !== undefined) result.data.set(chunk.data, start * stored.columns);
      });
      return result;
    },
    pass: async (design, data, request, shape) => {
      reserve('pass keep', shape.time, shape.units * (request.keep?.length ?? 0));
      const result = await devicePass(engine, design, data, request, shape);
      for (const stored of result.kept) live += bytes(stored);
      return result;
    },
    gram: async (design, weights) => {
      const [gram] = await gramsOnHost(engine, host, design, weights, 0, 1);
      return gram ?? matrix(design.columns, design.columns);
    },
    gramEach: (design, weights, from, to) => gramsOnHost(engine, host, design, weights, from, to),
    close: engine.close,
  });
};

import fc from 'fast-check';
import type { Backend, PassRequest, Rows, RowSource } from '../backend.js';
import { DrnnError } from '../error.js';
import {
  constant,
  type Expression,
  log2cosh,
  mul,
  sub,
  tanh,
  transferDifference,
  type UnaryOperation,
  variable,
} from '../expression.js';
import { columnsOf, matrix, type Matrix, rowRange } from '../matrix.js';
import { passByPrimitives, passShape } from '../pass.js';
import { arbitraryExpression, arbitrarySeed, arbitrarySize, drawnMatrix } from './arbitrary.js';
import { assertHost, type LawOptions, lawParameters } from './host-laws.js';
import { hostPrimitives } from './host-primitives.js';
import {
  type BoundedMatrix,
  boundedColumnSums,
  boundedProduct,
  boundedValue,
  exactly,
  expectWithin,
} from './reference.js';

/** Makes a fresh backend; the law closes it. */
export type MakeBackend = () => Promise<Backend>;

export interface BackendLaw {
  readonly name: string;
  check(make: MakeBackend, options: LawOptions): Promise<void>;
}

const z = variable('z');
const d = variable('d');
const w = variable('w');

/** Beyond this float32 arithmetic may overflow, and nothing is promised. */
const largestOf = (on: Backend): number => (on.precision === 'mixed' ? 1e30 : 1e300);

const expectRefusal = async (what: string, act: () => Promise<unknown>): Promise<void> => {
  try {
    await act();
  } catch (error) {
    if (error instanceof DrnnError) return;
    throw new Error(`${what}: refused by ${String(error)}, not a DrnnError`, { cause: error });
  }
  throw new Error(`${what}: not refused`);
};

const expectMemory = (what: string, on: Backend, handles: number): void => {
  const seen = on.memory();
  if (seen.handles !== handles) throw new Error(`${what}: ${seen.handles} live handles, not ${handles}`);
  if (handles === 0 && seen.bytes !== 0) throw new Error(`${what}: ${seen.bytes} bytes live in no handle`);
};

/** Runs `body` on a backend that is closed after; nothing may be left. */
const withBackend = async (make: MakeBackend, body: (on: Backend) => Promise<void>): Promise<void> => {
  const on = await make();
  try {
    await body(on);
  } finally {
    await on.close();
  }
  expectMemory('after close', on, 0);
};

/** A source that yields pieces of uneven size, at once or each after a turn of the event loop. */
export const streamed = (values: Matrix, asynchronous: boolean): RowSource => {
  const pieces = function* (length: number): Generator<Matrix> {
    let start = 0;
    for (let k = 0; start < values.rows; k++) {
      const end = Math.min(values.rows, start + (k % 3 === 0 ? length : Math.max(1, (length * (k % 7)) >> 3)));
      yield rowRange(values, start, end);
      start = end;
    }
  };
  return {
    rows: values.rows,
    columns: values.columns,
    blocks: (length) =>
      asynchronous
        ? (async function* () {
            for (const piece of pieces(length)) {
              await Promise.resolve();
              yield piece;
            }
          })()
        : pieces(length),
  };
};

/** The matrices of a pass, before they are on a backend. */
interface Arranged {
  readonly design: Matrix;
  readonly currents: Readonly<Record<string, Matrix>>;
  readonly data: Readonly<Record<string, Matrix>>;
}

const arranged = (time: number, predictors: number, units: number, seed: number): Arranged => {
  const theta = drawnMatrix(predictors, units, seed + 1);
  const direction = drawnMatrix(predictors, units, seed + 2);
  return {
    design: drawnMatrix(time, predictors, seed),
    currents: { z: theta, v: direction },
    data: { d: drawnMatrix(time, units, seed + 3), w: drawnMatrix(time, units, seed + 4) },
  };
};

type Kind = 'resident' | 'streamed' | 'asynchronous';

const place = async (on: Backend, given: Arranged, kind: Kind = 'resident') => {
  const put = (values: Matrix): Promise<Rows> =>
    on.rows(kind === 'resident' ? values : streamed(values, kind === 'asynchronous'));
  const data: Record<string, Rows> = {};
  for (const [name, values] of Object.entries(given.data)) data[name] = await put(values);
  return { design: await put(given.design), data };
};

/** What a pass must give, with what error. */
const expectedPass = (
  on: Backend,
  given: Arranged,
  outputs: Pick<PassRequest, 'backProject' | 'columnSums' | 'keep'>,
) => {
  const { design, currents, data } = given;
  const { accuracy } = on;
  const units = Object.values(currents)[0]?.columns ?? Object.values(data)[0]?.columns ?? 0;
  const inputs = new Map<string, BoundedMatrix>();
  for (const [name, values] of Object.entries(data)) inputs.set(name, exactly(values));
  for (const [name, theta] of Object.entries(currents))
    inputs.set(
      name,
      boundedProduct(design, false, exactly(theta), false, accuracy.product, undefined, accuracy.absolute),
    );
  const value = (e: Expression): BoundedMatrix => {
    const result = exactly(matrix(design.rows, units));
    for (let i = 0; i < result.value.data.length; i++) {
      const at = Object.fromEntries(
        [...inputs].map(([name, of]) => [name, { value: of.value.data[i] ?? NaN, error: of.error.data[i] ?? NaN }]),
      );
      const bounded = boundedValue(e, at, accuracy, largestOf(on));
      result.value.data[i] = bounded.value;
      result.error.data[i] = bounded.error;
    }
    return result;
  };
  return {
    backProject: (outputs.backProject ?? []).map((e) =>
      boundedProduct(design, true, value(e), false, accuracy.product, undefined, accuracy.absolute),
    ),
    columnSums: (outputs.columnSums ?? []).map((e) => boundedColumnSums(value(e), accuracy.product, accuracy.absolute)),
    // What is kept is rounded once more, to the rows' own precision.
    keep: (outputs.keep ?? []).map((e) => {
      const { value: values, error } = value(e);
      for (let i = 0; i < error.data.length; i++)
        error.data[i] = (error.data[i] ?? 0) + accuracy.pointwise * Math.abs(values.data[i] ?? 0) + accuracy.absolute;
      return { value: values, error };
    }),
  };
};

/** Adds numbers that are known exactly; parts of the sum may be added to them one by one. */
const addKnown = ({ value, error }: BoundedMatrix, known: Matrix | undefined): void => {
  known?.data.forEach((number, i) => {
    value.data[i] = (value.data[i] ?? NaN) + number;
    error.data[i] = (error.data[i] ?? NaN) + 4 * Number.EPSILON * (Math.abs(value.data[i] ?? NaN) + Math.abs(number));
  });
};

const expectPass = async (on: Backend, given: Arranged, request: PassRequest, design: Rows): Promise<void> => {
  const expected = expectedPass(on, given, request);
  if (request.accumulate === true) expected.backProject.forEach((sum, k) => addKnown(sum, request.out?.[k]));
  const before = on.memory().handles;
  const result = await on.pass(design, request);
  expectMemory('after a pass', on, before + (request.keep?.length ?? 0));
  if (request.out?.some((goal, k) => result.backProject[k] !== goal) === true)
    throw new Error('back-projections did not go to `out`');
  expected.backProject.forEach((e, k) => expectWithin(`backProject ${k}`, result.backProject[k]?.data ?? [], e));
  expected.columnSums.forEach((e, k) => expectWithin(`columnSums ${k}`, result.columnSums[k] ?? [], e));
  for (const [k, e] of expected.keep.entries()) {
    const rows = result.kept[k];
    if (rows === undefined) throw new Error(`keep ${k}: no rows`);
    expectWithin(`keep ${k}`, (await on.read(rows)).data, e);
    rows.release();
  }
};

/** Means of consecutive rows, a rounding for each that is summed. */
const meansOf = ({ rows, columns, data }: Matrix, group: number): BoundedMatrix => {
  const value = matrix(Math.ceil(rows / group), columns);
  const error = matrix(value.rows, columns);
  for (let k = 0; k < value.data.length; k++) {
    const first = Math.floor(k / columns) * group;
    const count = Math.min(group, rows - first);
    for (let t = first; t < first + count; t++) {
      const part = data[t * columns + (k % columns)]! / count;
      value.data[k]! += part;
      error.data[k]! += 4e-16 * group * Math.abs(part);
    }
  }
  return { value, error };
};

const rowsLaw: BackendLaw = {
  name: 'rows, read and select',
  check: (make, options) =>
    withBackend(make, async (on) => {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(arbitrarySize(30), fc.integer({ min: 200, max: 900 })),
          arbitrarySize(9),
          arbitrarySeed,
          async (time, columns, seed) => {
            const before = on.memory().handles;
            const values = drawnMatrix(time, columns, seed);
            for (const [source, copy] of [
              [values, false],
              [streamed(values, false), false],
              [streamed(values, true), false],
              [streamed(values, true), true],
            ] as const) {
              const rows = await on.rows(source, { copy });
              if (rows.rows !== time || rows.columns !== columns) throw new Error('rows: a wrong shape');
              const back = await on.read(rows);
              if (back.rows !== time || back.columns !== columns) throw new Error('read: a wrong shape');
              expectWithin('read', back.data, exactly(values));
              // Some columns, one of them twice, from last to first.
              const chosen = Int32Array.from({ length: columns }, (_, c) => columns - 1 - (c % 3 === 0 ? 0 : c));
              const some = await on.select(rows, chosen);
              const selected = await on.read(some);
              if (some.columns !== columns || selected.rows !== time) throw new Error('select: a wrong shape');
              expectWithin('select', selected.data, exactly(columnsOf(values, chosen)));
              some.release();
              for (const group of [1, 3, 8]) {
                const means = await on.readMeans(rows, group);
                if (means.rows !== Math.ceil(time / group) || means.columns !== columns)
                  throw new Error('readMeans: a wrong shape');
                expectWithin('readMeans', means.data, meansOf(back, group));
              }
              await expectRefusal('means of no rows', () => on.readMeans(rows, 0));
              await expectRefusal('select of a column beyond', () => on.select(rows, Int32Array.of(columns)));
              rows.release();
              rows.release();
              await expectRefusal('read of released rows', () => on.read(rows));
            }
            expectMemory('after release', on, before);
          },
        ),
        lawParameters(options),
      );
      let readings = 0;
      const once = streamed(drawnMatrix(20, 2, 1), true);
      const counted: RowSource = {
        ...once,
        blocks: (length) => {
          readings++;
          return once.blocks(length);
        },
      };
      const copied = await on.rows(counted, { copy: true });
      await on.read(copied);
      await on.read(copied);
      if (readings !== 1) throw new Error(`a copied source was read ${readings} times`);
      copied.release();
      // A backend keeps its own copy of a matrix.
      const values = drawnMatrix(3, 2, 1);
      const rows = await on.rows(values);
      const expected = exactly(matrix(3, 2, values.data.slice()));
      values.data.fill(7);
      expectWithin('rows after the matrix changed', (await on.read(rows)).data, expected);
      const twice = await on.read(rows);
      twice.data.fill(9);
      expectWithin('rows after a reading changed', (await on.read(rows)).data, expected);
      await expectRefusal('a matrix of the wrong length', () =>
        on.rows({ rows: 3, columns: 3, data: new Float64Array(8) }),
      );
      for (const asynchronous of [false, true]) {
        const short = { ...streamed(values, asynchronous), rows: 4 };
        const long = { ...streamed(values, asynchronous), rows: 2 };
        const wide = { ...streamed(values, asynchronous), columns: 3 };
        for (const [what, source] of Object.entries({ short, long, wide })) {
          await expectRefusal(`a source too ${what}`, async () => on.read(await on.rows(source)));
          await expectRefusal(`a source too ${what}, copied`, () => on.rows(source, { copy: true }));
        }
      }
    }),
};

const unaryOperations: readonly UnaryOperation[] = [
  'negate',
  'abs',
  'square',
  'sqrt',
  'exp',
  'expm1',
  'log',
  'log1p',
  'tanh',
  'atanh',
  'logistic',
  'softplus',
  'log2cosh',
  'softplusIntegral',
];

/** Arguments where functions are delicate: near 0, at the ends of their domains, where they saturate. */
const delicate = [
  0, 1e-30, -1e-30, 1e-9, -1e-9, 1e-3, -1e-3, 0.5, -0.5, 0.999, -0.999, 1, -1, 3, -3, 9, -9, 20, -20, 40, -40, 80, -80,
].map(Math.fround);

const pointwiseLaw: BackendLaw = {
  name: 'pointwise',
  check: (make, options) =>
    withBackend(make, async (on) => {
      const pairs = delicate.flatMap((a) => delicate.map((b) => [a, b] as const));
      const one: Arranged = {
        design: matrix(pairs.length, 0),
        currents: {},
        data: {
          d: matrix(
            pairs.length,
            1,
            Float64Array.from(pairs, ([a]) => a),
          ),
          w: matrix(
            pairs.length,
            1,
            Float64Array.from(pairs, ([, b]) => b),
          ),
        },
      };
      const placed = await place(on, one);
      const all: readonly Expression[] = [
        ...unaryOperations.map((operation): Expression => ({ kind: 'unary', operation, argument: d })),
        ...(['add', 'subtract', 'multiply', 'divide', 'min', 'max', 'transferDifference'] as const).map(
          (operation): Expression => ({ kind: 'binary', operation, left: d, right: w }),
        ),
      ];
      // A device without NaN is asked only where the answer is finite.
      const finite = all.filter(
        (e) =>
          on.accuracy.propagatesNaN || expectedPass(on, one, { keep: [e] }).keep[0]?.value.data.every(Number.isFinite),
      );
      for (const e of finite)
        await expectPass(on, one, { currents: {}, data: placed.data, keep: [e], columnSums: [] }, placed.design);

      await fc.assert(
        fc.asyncProperty(
          fc.array(arbitraryExpression({ variables: ['d', 'w'] }), { minLength: 1, maxLength: 3 }),
          fc.integer({ min: 1, max: 700 }),
          arbitrarySeed,
          async (expressions, count, seed) => {
            const given: Arranged = {
              design: matrix(count, 0),
              currents: {},
              data: { d: drawnMatrix(count, 2, seed), w: drawnMatrix(count, 2, seed + 1) },
            };
            const { design, data } = await place(on, given);
            await expectPass(on, given, { currents: {}, data, keep: expressions }, design);
            design.release();
            Object.values(data).forEach((rows) => rows.release());
          },
        ),
        lawParameters(options),
      );
    }),
};

const passCases = fc.record({
  time: fc.oneof(arbitrarySize(40), fc.constantFrom(255, 256, 257, 600)),
  predictors: arbitrarySize(24),
  units: arbitrarySize(12),
  seed: arbitrarySeed,
  kind: fc.constantFrom<Kind>('resident', 'streamed', 'asynchronous'),
});
const outputs = fc.array(arbitraryExpression({ variables: ['z', 'v', 'd', 'w'], depth: 3 }), { maxLength: 2 });

const passLaw: BackendLaw = {
  name: 'pass',
  check: (make, options) =>
    withBackend(make, async (on) => {
      await fc.assert(
        fc.asyncProperty(passCases, outputs, outputs, outputs, async (shape, backProject, columnSums, keep) => {
          const before = on.memory().handles;
          const given = arranged(shape.time, shape.predictors, shape.units, shape.seed);
          const placed = await place(on, given, shape.kind);
          const request = { currents: given.currents, data: placed.data, backProject, columnSums, keep };
          await expectPass(on, given, request, placed.design);
          // What was there before is overwritten, NaN included.
          const out = backProject.map(() => matrix(shape.predictors, shape.units));
          for (const { data } of out) data.fill(Number.NaN);
          await expectPass(on, given, { ...request, keep: [], out }, placed.design);
          // Or added to.
          for (const { data } of out) data.fill(1);
          await expectPass(on, given, { ...request, keep: [], out, accumulate: true }, placed.design);
          [placed.design, ...Object.values(placed.data)].forEach((rows) => rows.release());
          expectMemory('after the pass is cleared away', on, before);
        }),
        lawParameters(options),
      );
      // Long enough that plain running sums would lose digits.
      const long = arranged(20000, 1, 1, 5);
      const placed = await place(on, long);
      const request = { currents: long.currents, data: placed.data, columnSums: [mul(d, d), sub(tanh(z), d)] };
      await expectPass(on, long, request, placed.design);
    }),
};

const defaultPassLaw: BackendLaw = {
  name: 'the pass equals the default pass',
  check: (make, options) =>
    withBackend(make, async (on) => {
      await fc.assert(
        fc.asyncProperty(passCases, outputs, outputs, outputs, async (shape, backProject, columnSums, keep) => {
          const given = arranged(shape.time, shape.predictors, shape.units, shape.seed);
          const placed = await place(on, given, shape.kind);
          const request = { currents: given.currents, data: placed.data, backProject, columnSums, keep };
          const expected = expectedPass(on, given, request);
          const fused = await on.pass(placed.design, request);
          const plain = await passByPrimitives(
            hostPrimitives(on),
            placed.design,
            placed.data,
            request,
            passShape(placed.design, request),
          );
          expected.backProject.forEach(({ error }, k) => {
            const value = plain.backProject[k] ?? matrix(0, 0);
            expectWithin(`backProject ${k}`, fused.backProject[k]?.data ?? [], { value, error }, 2);
          });
          expected.columnSums.forEach(({ error }, k) => {
            const value = matrix(1, shape.units, plain.columnSums[k]);
            expectWithin(`columnSums ${k}`, fused.columnSums[k] ?? [], { value, error }, 2);
          });
          for (const [k, { error }] of expected.keep.entries()) {
            const [one, other] = [fused.kept[k], plain.kept[k]];
            if (one === undefined || other === undefined) throw new Error(`keep ${k}: no rows`);
            expectWithin(`keep ${k}`, (await on.read(one)).data, { value: await on.read(other), error }, 2);
          }
          [placed.design, ...Object.values(placed.data), ...fused.kept, ...plain.kept].forEach((rows) =>
            rows.release(),
          );
        }),
        lawParameters(options),
      );
    }),
};

const gramLaw: BackendLaw = {
  name: 'gram and gramEach',
  check: (make, options) =>
    withBackend(make, async (on) => {
      await fc.assert(
        fc.asyncProperty(passCases, async ({ time, predictors, units, seed, kind }) => {
          const design = drawnMatrix(time, predictors, seed);
          const weights = drawnMatrix(time, units, seed + 1);
          weights.data.forEach((x, i) => (weights.data[i] = Math.abs(x)));
          const single = drawnMatrix(time, 1, seed + 2);
          single.data.forEach((x, i) => (single.data[i] = Math.abs(x)));
          const placed = await place(on, { design, currents: {}, data: { weights } }, kind);
          const expected = (weighting?: ArrayLike<number>) =>
            boundedProduct(design, true, exactly(design), false, on.accuracy.product, weighting);
          expectWithin('gram', (await on.gram(placed.design)).data, expected());
          const one = await on.rows(single);
          expectWithin('gram with weights', (await on.gram(placed.design, one)).data, expected(single.data));
          one.release();
          const rows = placed.data['weights'];
          if (rows === undefined) throw new Error('no weights placed');
          const [from, to] = [Math.min(1, units), units];
          const each = await on.gramEach(placed.design, rows, from, to);
          if (each.length !== to - from) throw new Error('gramEach: not one matrix a unit');
          each.forEach((g, k) => {
            const column = Float64Array.from({ length: time }, (_, t) => weights.data[t * units + from + k] ?? NaN);
            expectWithin('gramEach', g.data, expected(column));
            for (let i = 0; i < predictors; i++)
              for (let j = 0; j < i; j++)
                if (g.data[i * predictors + j] !== g.data[j * predictors + i])
                  throw new Error('gramEach: not symmetric');
          });
          rows.release();
          placed.design.release();
        }),
        lawParameters(options),
      );
      const design = await on.rows(matrix(5, 2));
      const weights = await on.rows(matrix(4, 3));
      await expectRefusal('gram with weights of another height', () => on.gram(design, weights));
      await expectRefusal('gramEach with weights of another height', () => on.gramEach(design, weights, 0, 1));
      await expectRefusal('gramEach beyond the last unit', () => on.gramEach(weights, weights, 1, 4));
    }),
};

const nonFiniteLaw: BackendLaw = {
  name: 'NaN travels or is refused',
  check: (make) =>
    withBackend(make, async (on) => {
      const given = arranged(300, 5, 4, 11);
      const target = given.data['d'] ?? matrix(0, 0);
      target.data[270 * 4 + 2] = Number.NaN;
      const run = async (): Promise<void> => {
        const placed = await place(on, given);
        const e = sub(tanh(z), d);
        const request = { currents: given.currents, data: placed.data, backProject: [e], columnSums: [e], keep: [e] };
        const result = await on.pass(placed.design, request);
        const kept = result.kept[0] === undefined ? matrix(0, 0) : await on.read(result.kept[0]);
        const spoiled = (values: ArrayLike<number>): string =>
          Array.from({ length: values.length }, (_, i) => i)
            .filter((i) => Number.isNaN(values[i]))
            .join(' ');
        const seen = [
          spoiled(result.columnSums[0] ?? []),
          spoiled(result.backProject[0]?.data ?? []),
          spoiled(kept.data),
        ];
        if (seen.join('; ') !== `2; 2 6 10 14 18; ${270 * 4 + 2}`)
          throw new Error(`NaN at unit 2 of 4 was seen at ${seen.join('; ')}`);
      };
      if (on.accuracy.propagatesNaN) await run();
      else await expectRefusal('NaN', run);
    }),
};

const refusalLaw: BackendLaw = {
  name: 'what does not fit is refused',
  check: async (make) => {
    await withBackend(make, async (on) => {
      const given = arranged(7, 3, 2, 1);
      const { design, data } = await place(on, given);
      const theta = matrix(3, 2);
      const asks = (request: Partial<PassRequest>) => () =>
        on.pass(design, { currents: { z: theta }, data, keep: [z], ...request });
      const before = on.memory();
      await expectRefusal('a transposed parameter', asks({ currents: { z: matrix(2, 3) } }));
      await expectRefusal('currents of unequal units', asks({ currents: { z: theta, v: matrix(3, 4) } }));
      await expectRefusal('data of another height', asks({ data: { d: await on.rows(matrix(8, 2)) } }));
      await expectRefusal('data of other units', asks({ data: { d: await on.rows(matrix(7, 3)) } }));
      await expectRefusal('an unknown variable', asks({ keep: [variable('q')] }));
      await expectRefusal('a name used twice', asks({ currents: { d: theta } }));
      const summed = { keep: [], backProject: [z] };
      await expectRefusal('results of another shape', asks({ ...summed, out: [matrix(2, 3)] }));
      await expectRefusal('too few results', asks({ ...summed, out: [] }));
      await expectRefusal('results in place of parameters', asks({ ...summed, out: [theta] }));
      await expectRefusal('sums to be added to nothing', asks({ ...summed, accumulate: true }));
      await expectRefusal('neither currents nor data', asks({ currents: {}, data: {}, keep: [constant(1)] }));
      if (on.memory().handles !== before.handles + 2) throw new Error('a refused pass left rows behind');

      const other = await make();
      const foreign = await other.rows(matrix(7, 2));
      await expectRefusal('rows of another backend', asks({ data: { d: foreign } }));
      await other.close();
      await expectRefusal('rows of a closed backend', () => other.read(foreign));
      await expectRefusal('a closed backend', () => other.rows(matrix(1, 1)));
      await expectRefusal('a scope of a closed backend', () => other.scope(() => 1));
      await other.close();
      design.release();
      await expectRefusal('a released design', asks({}));
    });
  },
};

const scopeLaw: BackendLaw = {
  name: 'a scope leaks nothing',
  check: (make, options) =>
    withBackend(make, async (on) => {
      const given = arranged(20, 3, 2, 4);
      const outside = await place(on, given);
      const start = on.memory().handles;
      const work = async (inner: Backend): Promise<Rows> => {
        await inner.rows(matrix(4, 4));
        const request = { currents: given.currents, data: outside.data, keep: [tanh(z), mul(d, w)] };
        const { kept } = await inner.pass(outside.design, request);
        const first = kept[0];
        if (first === undefined) throw new Error('nothing kept');
        return first;
      };

      await on.scope(async (inner) => void (await work(inner)));
      expectMemory('after a scope', on, start);

      const thrown = new Error('thrown on purpose');
      const caught = await on
        .scope(async (inner) => {
          await work(inner);
          throw thrown;
        })
        .catch((error: unknown) => error);
      if (caught !== thrown) throw new Error('a scope swallowed or changed an error');
      expectMemory('after a throw', on, start);

      const controller = new AbortController();
      const aborted = await on
        .scope(async (inner) => {
          await work(inner);
          controller.abort();
          controller.signal.throwIfAborted();
        })
        .catch(() => 'aborted');
      if (aborted !== 'aborted') throw new Error('an abort went unnoticed');
      expectMemory('after an abort', on, start);

      const held = await on.scope(async (inner) => ({ deep: [new Map([['rows', await work(inner)]])] }));
      expectMemory('with a held result', on, start + 1);
      const rows = held.deep[0]?.get('rows');
      if (rows === undefined) throw new Error('the result was lost');
      await on.read(rows);
      rows.release();

      const nested = await on.scope(async (outer) => {
        const kept = await outer.scope(async (inner) => ({ rows: await work(inner), rest: await work(inner) }));
        expectMemory('after the inner scope', on, start + 2);
        return kept.rows;
      });
      expectMemory('after nested scopes', on, start + 1);
      await on.read(nested);
      nested.release();

      let escaped: Backend = on;
      await on.scope((inner) => {
        escaped = inner;
      });
      await expectRefusal('the child of a scope that has ended', () => escaped.rows(matrix(1, 1)));
      expectMemory('after all scopes', on, start);

      // Two pieces of work that take turns, each in its scope, some of which throw.
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { minLength: 2, maxLength: 4 }), async (s, fails) => {
          const jobs = fails.map((fail, k) =>
            on.scope(async (inner) => {
              await s.schedule(Promise.resolve(`start ${k}`));
              const mine = await inner.rows(drawnMatrix(6, 2, k + 1));
              await s.schedule(Promise.resolve(`work ${k}`));
              if (fail) throw thrown;
              await work(inner);
              await s.schedule(Promise.resolve(`read ${k}`));
              expectWithin(
                'rows of an interleaved scope',
                (await inner.read(mine)).data,
                exactly(drawnMatrix(6, 2, k + 1)),
              );
              return mine;
            }),
          );
          const ends = Promise.allSettled(jobs);
          await s.waitFor(ends);
          for (const [k, end] of (await ends).entries()) {
            if ((end.status === 'rejected') !== fails[k]) throw new Error(`job ${k} ended as ${end.status}`);
            if (end.status === 'rejected' && end.reason !== thrown) throw end.reason;
            if (end.status === 'fulfilled') end.value.release();
          }
          expectMemory('after interleaved scopes', on, start);
        }),
        lawParameters(options),
      );
    }),
};

const interleavedLaw: BackendLaw = {
  name: 'interleaved passes do not disturb each other',
  check: (make, options) =>
    withBackend(make, async (on) => {
      await fc.assert(
        fc.asyncProperty(fc.array(arbitrarySeed, { minLength: 2, maxLength: 4 }), async (seeds) => {
          const e = transferDifference(z, d);
          const run = async (seed: number) => {
            const given = arranged(700, 6, 3, seed);
            const placed = await place(on, given, 'asynchronous');
            const request = {
              currents: given.currents,
              data: placed.data,
              backProject: [e],
              columnSums: [log2cosh(z)],
            };
            return on.pass(placed.design, request);
          };
          const together = await Promise.all(seeds.map(run));
          for (const [k, seed] of seeds.entries()) {
            const alone = await run(seed);
            const same =
              alone.backProject[0]?.data.every((x, i) => x === together[k]?.backProject[0]?.data[i]) === true &&
              alone.columnSums[0]?.every((x, i) => x === together[k]?.columnSums[0]?.[i]) === true;
            if (!same) throw new Error(`pass ${k} of ${seeds.length} at once differs from the same pass alone`);
          }
        }),
        { ...lawParameters(options), numRuns: 5 },
      );
    }),
};

const sourceEndLaw: BackendLaw = {
  name: 'a source left early is told',
  check: (make) =>
    withBackend(make, async (on) => {
      for (const asynchronous of [false, true]) {
        const values = drawnMatrix(600, 2, 1);
        const source = streamed(values, asynchronous);
        let open = 0;
        const counted: RowSource = {
          ...source,
          blocks: (length) =>
            (async function* () {
              open++;
              try {
                yield* source.blocks(length);
              } finally {
                open--;
              }
            })(),
        };
        const failing: RowSource = {
          ...source,
          blocks: async function* () {
            yield rowRange(values, 0, 10);
            throw new Error('the disk is gone');
          },
        };
        const design = await on.rows(counted);
        const data = { d: await on.rows(failing) };
        const message = await on.pass(design, { currents: {}, data, columnSums: [d] }).then(
          () => '',
          (error: unknown) => (error instanceof Error ? error.message : ''),
        );
        if (!message.includes('the disk is gone')) throw new Error(`the error of a source was lost: ${message}`);
        if (open !== 0) throw new Error('a source was left open');
        // And the backend still works.
        const good = await on.pass(design, { currents: { z: matrix(2, 1) }, data: {}, columnSums: [sub(z, 1)] });
        if (good.columnSums[0]?.[0] !== -600) throw new Error('a pass after a failed one is wrong');
      }
    }),
};

const hostLaw: BackendLaw = {
  name: 'its host obeys the host laws',
  check: (make, options) => withBackend(make, async (on) => assertHost(on.host, options)),
};

/** Everything a backend must obey, by name. */
export const backendLaws: readonly BackendLaw[] = [
  hostLaw,
  rowsLaw,
  pointwiseLaw,
  passLaw,
  defaultPassLaw,
  gramLaw,
  nonFiniteLaw,
  refusalLaw,
  scopeLaw,
  interleavedLaw,
  sourceEndLaw,
];

/**
 * Runs every law against backends that `make` makes, at the accuracy they promise; throws the first failure with the
 * law's name, the case and the seed.
 */
export const assertBackend = async (make: MakeBackend, options: LawOptions = {}): Promise<void> => {
  for (const law of backendLaws) {
    try {
      await law.check(make, options);
    } catch (error) {
      throw new Error(`law ${law.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
};

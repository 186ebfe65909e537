import { host } from '@drnn/backend-cpu';
import { copyMatrix, matrix, type Matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchedPcg, type PcgRequest } from './batched-pcg.js';
import { relativeDifference } from './small-samples.js';

const noise = (seed: number, rows: number, columns: number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from(
      { length: rows * columns },
      (_, i) => 2 * ((Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453) % 1),
    ),
  );

const columnOf = (a: Matrix, j: number): Matrix =>
  matrix(
    a.rows,
    1,
    Float64Array.from({ length: a.rows }, (_, p) => a.data[p * a.columns + j]!),
  );

/** One Hessian a unit, of spread `spread` over the coordinates: G'G + spread^-1. */
const hessians = (seed: number, order: number, units: number, spread = 1e2): readonly Matrix[] =>
  Array.from({ length: units }, (_, j) => {
    const result = host.gram(noise(seed + 31 * j, order + 2, order));
    for (let p = 0; p < order; p++) result.data[p * order + p]! += 1 / spread;
    return result;
  });

const timesEach =
  (systems: readonly Matrix[]) =>
  async (v: Matrix): Promise<Matrix> => {
    const result = matrix(v.rows, v.columns);
    systems.forEach((h, j) => {
      const product = host.matMul(h, columnOf(v, j));
      for (let p = 0; p < v.rows; p++) result.data[p * v.columns + j] = product.data[p]!;
    });
    return result;
  };

const solveEach = (systems: readonly Matrix[], right: Matrix): Matrix => {
  const result = matrix(right.rows, right.columns);
  systems.forEach((h, j) => {
    const factored = host.cholesky(h);
    if (!factored.ok) throw new Error('not positive definite');
    const x = host.choleskySolve(factored.factor, columnOf(right, j));
    for (let p = 0; p < right.rows; p++) result.data[p * right.columns + j] = x.data[p]!;
  });
  return result;
};

/** The preconditioner of all units: the diagonal of the first Hessian. */
const byDiagonal =
  (h: Matrix) =>
  (r: Matrix): Matrix => {
    const result = copyMatrix(r);
    for (let i = 0; i < r.data.length; i++) {
      const p = Math.floor(i / r.columns);
      result.data[i]! /= h.data[p * h.rows + p]!;
    }
    return result;
  };

const requestFor = (systems: readonly Matrix[], right: Matrix): PcgRequest => ({
  host,
  right,
  hessianTimes: timesEach(systems),
  precondition: byDiagonal(systems[0] ?? matrix(0, 0)),
});

const first = (systems: readonly Matrix[]): Matrix => systems[0] ?? matrix(0, 0);
const sizes = { order: fc.integer({ min: 1, max: 9 }), units: fc.integer({ min: 1, max: 5 }), seed: fc.nat(1e6) };

describe('batched conjugate gradients', () => {
  it('solve every unit as a Cholesky factor does', async () => {
    await fc.assert(
      fc.asyncProperty(sizes.order, sizes.units, sizes.seed, async (order, units, seed) => {
        const systems = hessians(seed, order, units);
        const right = noise(seed + 7, order, units);
        const before = copyMatrix(right);
        const found = await batchedPcg({ ...requestFor(systems, right), relative: 1e-24, maxProducts: 60 });
        const exact = solveEach(systems, right);
        expect(relativeDifference(found.direction, exact)).toBeLessThan(1e-8);
        const decrement = host.columnDot(right, exact);
        decrement.forEach((d, j) => expect(found.decrement[j]! / d).toBeCloseTo(1, 8));
        expect(right).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  it('stop at the decrement that was asked for, no unit for another, and say how much is lacking', async () => {
    // What is lacking over what was allowed: an estimate of an irregular method, above 1 in some units. Its median is a
    // statement about a population, so the population is fixed.
    const ratios: number[] = [];
    const cases = [0.3, 0.1, 0.01, 1e-4].flatMap((relative) =>
      Array.from({ length: 12 }, (_, k) => ({ relative, seed: 1000 * k + 17 })),
    );
    for (const { seed, relative } of cases) {
      const systems = hessians(seed, 30, 4, 1e3);
      const right = noise(seed + 7, 30, 4);
      const found = await batchedPcg({ ...requestFor(systems, right), relative });
      expect(found.ending).toEqual(['solved', 'solved', 'solved', 'solved']);
      const whole = host.columnDot(right, solveEach(systems, right));
      for (let j = 0; j < 4; j++) {
        expect(found.decrement[j]).toBeLessThanOrEqual(whole[j]! * (1 + 1e-9));
        ratios.push((whole[j]! - found.decrement[j]!) / (relative * whole[j]!));
      }
      for (let j = 0; j < 4; j++) {
        const alone = await batchedPcg({
          ...requestFor([systems[j] ?? matrix(0, 0)], columnOf(right, j)),
          precondition: byDiagonal(first(systems)),
          relative,
        });
        expect(relativeDifference(columnOf(found.direction, j), alone.direction)).toBeLessThan(1e-9);
        expect(alone.products).toBeLessThanOrEqual(found.products);
      }
    }
    ratios.sort((a, b) => a - b);
    expect(ratios[ratios.length >> 1]).toBeLessThanOrEqual(1);
    expect(ratios.at(-1)).toBeLessThanOrEqual(100);
  });

  it('leave out units that have ended, to the same solution, and tell whose columns are left', async () => {
    await fc.assert(
      fc.asyncProperty(sizes.seed, fc.integer({ min: 65, max: 130 }), async (seed, units) => {
        // Spreads from 1 to 1e4: some units take much longer than others.
        const systems = Array.from({ length: units }, (_, j) => first(hessians(seed + 31 * j, 20, 1, 10 ** (j % 5))));
        const right = noise(seed + 7, 20, units);
        const request = { ...requestFor(systems, right), relative: 1e-10, maxProducts: 200 };
        const widths: number[] = [];
        const narrow = await batchedPcg({
          ...request,
          narrowing: true,
          hessianTimes: (v, of) => {
            widths.push(of.length);
            expect(v.columns).toBe(of.length);
            return timesEach(Array.from(of, (j) => systems[j] ?? matrix(0, 0)))(v);
          },
        });
        const wide = await batchedPcg(request);
        expect(relativeDifference(narrow.direction, wide.direction)).toBeLessThan(1e-12);
        expect(narrow.products).toBe(wide.products);
        expect(narrow.work).toBeCloseTo(
          widths.reduce((sum, width) => sum + (width + 16) / (units + 16), 0),
          9,
        );
        expect(widths.at(-1)).toBeLessThan(units);
        for (const width of widths) if (width < units) expect(width % 32).toBe(0);
        expect(wide.work).toBe(wide.products);
        expect(widths).toEqual(widths.toSorted((a, b) => b - a));
      }),
      { numRuns: 20 },
    );
  });

  it('go deeper from where they are, as if the last tolerance had been asked at once', async () => {
    await fc.assert(
      fc.asyncProperty(sizes.seed, fc.boolean(), async (seed, narrowing) => {
        const systems = hessians(seed, 20, 70, 1e3);
        const right = noise(seed + 7, 20, 70);
        const request = {
          ...requestFor(systems, right),
          hessianTimes: (v: Matrix, of: Int32Array) => timesEach(Array.from(of, (j) => systems[j] ?? matrix(0, 0)))(v),
          relative: 0,
          narrowing,
          maxProducts: 200,
        };
        const levels = [1e-1, 1e-3, 1e-6];
        const asked: number[] = [];
        const inSteps = await batchedPcg({
          ...request,
          absolute: 1,
          deepen: ({ remaining }) => {
            // Three of 70 are not waited for.
            asked.push(remaining.toSorted().at(-4) ?? Number.NaN);
            return levels.shift() ?? null;
          },
        });
        const atOnce = await batchedPcg({ ...request, absolute: 1e-6 });
        expect(relativeDifference(inSteps.direction, atOnce.direction)).toBeLessThan(1e-9);
        expect(inSteps.ending).toEqual(atOnce.ending);
        expect(asked[0]).toBeLessThanOrEqual(1);
        expect(asked.at(-1)).toBeLessThanOrEqual(1e-6);
      }),
      { numRuns: 20 },
    );
  });

  it('work is limited in products with all units', async () => {
    const systems = hessians(3, 30, 3, 1e4);
    const found = await batchedPcg({ ...requestFor(systems, noise(5, 30, 3)), relative: 1e-30, maxWork: 4.5 });
    expect(found.work).toBe(4);
    expect(found.ending).toEqual(['products', 'products', 'products']);
  });

  it('a direction of many units is only made where work for its product is left, after few units too', async () => {
    const units = 130;
    const hard = hessians(3, 20, units, 1e4);
    // Most are nearly their preconditioner: they wait for the others, and go on with them.
    const easy = copyMatrix(first(hard));
    for (let i = 0; i < easy.data.length; i++) if (i % (easy.rows + 1) !== 0) easy.data[i]! *= 1e-3;
    const systems = hard.map((each, j) => (j % 8 === 0 ? each : easy));
    const limits = Array.from({ length: 40 }, (_, k) => 3 + k / 2);
    const [ends, unused]: readonly [number[], number[]] = [[], []];
    for (const maxWork of limits) {
      let spent = 0;
      const [widths, directions]: readonly [number[], number[]] = [[], []];
      const levels = [1e-12];
      const found = await batchedPcg({
        ...requestFor(systems, noise(5, 20, units)),
        hessianTimes: (v, of) => {
          widths.push(of.length);
          return timesEach(Array.from(of, (j) => systems[j] ?? matrix(0, 0)))(v);
        },
        precondition: (residual, of) => {
          directions.push(of.length);
          spent += (0.8 * (of.length + 16)) / (units + 16);
          return byDiagonal(first(systems))(residual);
        },
        preconditioningWork: () => spent,
        narrowing: true,
        relative: 0,
        absolute: 0.1,
        deepen: () => levels.shift() ?? null,
        maxWork,
      });
      expect(found.work).toBeLessThanOrEqual(maxWork);
      expect(directions.length - widths.length).toBeLessThanOrEqual(1);
      if (directions.length > widths.length) unused.push(directions.at(-1)!);
      if (widths.includes(32) && widths.at(-1) === units) ends.push(maxWork);
    }
    // That all are taken again is not known when few are given their next direction.
    for (const width of unused) expect(width).toBe(32);
    expect(ends.length).toBeGreaterThan(2);
  });

  it('an absolute tolerance, a limit, and a rule over the population end it', async () => {
    const systems = hessians(3, 30, 3, 1e4);
    const right = noise(5, 30, 3);
    const request = { ...requestFor(systems, right), relative: 0 };
    const absolute = await batchedPcg({ ...request, absolute: 0.05 });
    expect(absolute.ending).toEqual(['solved', 'solved', 'solved']);
    absolute.remaining.forEach((lacking) => expect(lacking).toBeLessThanOrEqual(0.05));
    const limited = await batchedPcg({ ...request, maxProducts: 4 });
    expect([limited.products, limited.ending]).toEqual([4, ['products', 'products', 'products']]);
    const seen: number[] = [];
    const ruled = await batchedPcg({
      ...request,
      stopWhen: ({ products, decrement }) => {
        seen.push(decrement[0]!);
        return products === 3;
      },
    });
    expect(ruled.products).toBe(3);
    expect(seen).toHaveLength(4);
    seen.slice(1).forEach((value, k) => expect(value).toBeGreaterThan(seen[k]!));
  });

  it('stay inside the free coordinates and solve there', async () => {
    const order = 6;
    const systems = hessians(9, order, order);
    const right = noise(4, order, order);
    const project = (a: Matrix): void => {
      for (let j = 0; j < order; j++) a.data[j * order + j] = 0;
    };
    const found = await batchedPcg({ ...requestFor(systems, right), project, relative: 1e-24 });
    systems.forEach((h, j) => {
      const free = Int32Array.from([0, 1, 2, 3, 4, 5].filter((p) => p !== j));
      const [factored] = host.choleskyBatch(h, [free]);
      if (factored?.ok !== true) throw new Error('not positive definite');
      const x = host.choleskySolve(factored.factor, host.gather(columnOf(right, j), free));
      free.forEach((p, k) => expect(found.direction.data[p * order + j]).toBeCloseTo(x.data[k]!, 7));
      expect(found.direction.data[j * order + j]).toBe(0);
    });
  });

  it('a unit that is solved already, or has nothing to solve, costs nothing and stays at 0', async () => {
    const systems = hessians(2, 5, 2);
    const right = noise(8, 5, 2);
    for (let p = 0; p < 5; p++) right.data[p * 2] = 0;
    const found = await batchedPcg(requestFor(systems, right));
    expect(found.ending).toEqual(['solved', 'solved']);
    expect([found.decrement[0], found.remaining[0]]).toEqual([0, 0]);
    expect(columnOf(found.direction, 0).data.every((x) => x === 0)).toBe(true);
    const none = await batchedPcg(requestFor(systems, matrix(5, 2)));
    expect(none.products).toBe(0);
  });

  describe('where arithmetic breaks down', () => {
    const systems = hessians(21, 12, 3, 1e3);
    const right = noise(22, 12, 3);
    const exact = solveEach(systems, right);
    const spoilt = (at: (call: number) => boolean, spoil: (column: Float64Array) => void) => {
      const times = timesEach(systems);
      let call = 0;
      return async (v: Matrix): Promise<Matrix> => {
        const result = await times(v);
        call++;
        if (at(call)) {
          const column = columnOf(result, 1).data;
          spoil(column);
          for (let p = 0; p < 12; p++) result.data[p * 3 + 1] = column[p]!;
        }
        return result;
      };
    };

    it('a product that is not finite is followed by a restart, and the others do not notice', async () => {
      const request = { ...requestFor(systems, right), relative: 1e-24, maxProducts: 80 };
      const undisturbed = await batchedPcg(request);
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        const found = await batchedPcg({
          ...request,
          hessianTimes: spoilt(
            (call) => call === 5,
            (column) => (column[3] = value),
          ),
        });
        expect(relativeDifference(found.direction, exact)).toBeLessThan(1e-7);
        expect(columnOf(found.direction, 0)).toEqual(columnOf(undisturbed.direction, 0));
        expect(columnOf(found.direction, 2)).toEqual(columnOf(undisturbed.direction, 2));
      }
    });

    it('products that are never finite leave a direction of descent, and end the unit', async () => {
      for (const from of [1, 2, 6]) {
        const found = await batchedPcg({
          ...requestFor(systems, right),
          relative: 1e-24,
          hessianTimes: spoilt(
            (call) => call >= from,
            (column) => column.fill(Number.NaN),
          ),
        });
        expect(found.ending[1]).toBe('breakdown');
        expect(found.direction.data.every(Number.isFinite)).toBe(true);
        host.columnDot(right, found.direction).forEach((slope) => expect(slope).toBeGreaterThan(0));
        expect(relativeDifference(columnOf(found.direction, 0), columnOf(exact, 0))).toBeLessThan(1e-8);
      }
    });

    it('noise in the products, as of float32, cannot make it worse than no step', async () => {
      await fc.assert(
        fc.asyncProperty(sizes.seed, async (seed) => {
          const rounded = async (v: Matrix): Promise<Matrix> => {
            const result = await timesEach(systems)(v);
            const wrong = noise(seed, 12, 3);
            result.data.forEach((x, i) => (result.data[i] = x + 1e-6 * wrong.data[i]! * Math.hypot(...v.data)));
            return result;
          };
          const found = await batchedPcg({ ...requestFor(systems, right), relative: 1e-24, hessianTimes: rounded });
          expect(found.direction.data.every(Number.isFinite)).toBe(true);
          const product = await timesEach(systems)(found.direction);
          const decrement = host.columnDot(right, found.direction).map((s) => 2 * s);
          host.columnDot(product, found.direction).forEach((c, j) => (decrement[j]! -= c));
          const whole = host.columnDot(right, exact);
          decrement.forEach((d, j) => expect(d / whole[j]!).toBeGreaterThan(0.999));
        }),
        { numRuns: 20 },
      );
    });

    it('without any curvature the preconditioned right side is the direction', async () => {
      const flat = await batchedPcg({
        ...requestFor(systems, right),
        hessianTimes: (v) => Promise.resolve(matrix(v.rows, v.columns)),
      });
      expect(flat.ending).toEqual(['flat', 'flat', 'flat']);
      expect(flat.direction).toEqual(byDiagonal(first(systems))(right));
    });

    it('negative curvature ends a unit at what it has', async () => {
      const indefinite = systems.map((h, j) => {
        const result = copyMatrix(h);
        if (j === 1) result.data[12 * 12 - 1] = -50;
        return result;
      });
      const found = await batchedPcg({ ...requestFor(indefinite, right), relative: 1e-24 });
      expect(found.ending[1]).toBe('flat');
      host.columnDot(right, found.direction).forEach((slope) => expect(slope).toBeGreaterThan(0));
    });

    it('a right side that is not finite, or a preconditioner that fails, gives 0 and no NaN', async () => {
      const broken = copyMatrix(right);
      broken.data[4] = Number.NaN;
      const found = await batchedPcg(requestFor(systems, broken));
      expect(found.ending).toEqual(['solved', 'breakdown', 'solved']);
      expect(columnOf(found.direction, 1).data.every((x) => x === 0)).toBe(true);
      const failing = await batchedPcg({
        ...requestFor(systems, right),
        precondition: (r) => matrix(r.rows, r.columns, new Float64Array(r.data.length).fill(Number.NaN)),
      });
      expect(failing.ending).toEqual(['breakdown', 'breakdown', 'breakdown']);
      expect(failing.direction.data.every((x) => x === 0)).toBe(true);
    });
  });
});

import { evaluate, evaluateInterval, type Expression, type Interval, pointInterval } from '@drnn/tensor';
import { type Box } from './difference-quotient.js';
import { nodesOf } from './switches.js';

/** A slope that falls: slope1 at z1 is greater than slope2 at z2 > z1, the other variables being `data` at both. */
interface SlopeWitness {
  readonly z1: number;
  readonly z2: number;
  readonly data: Readonly<Record<string, number>>;
  readonly slope1: number;
  readonly slope2: number;
}

type Point = Readonly<Record<string, number>>;

const boxAt = (point: Point): Box =>
  Object.fromEntries(Object.entries(point).map(([name, value]) => [name, pointInterval(value)]));

/** What may serve as a witness at a point: the exact value is known to lie in it. */
const enclosed = (e: Expression, point: Point): Interval | undefined => {
  const value = evaluateInterval(e, boxAt(point));
  return value.defined && Number.isFinite(value.low) && Number.isFinite(value.high) ? value : undefined;
};

/** Whether no comparison is tied at the point, so that the expression is smooth about it. */
const apartFromSwitches = (e: Expression, point: Point): boolean =>
  nodesOf(e).every((node) => {
    if (node.kind !== 'where') return true;
    const [left, right] = [enclosed(node.left, point), enclosed(node.right, point)];
    return left !== undefined && right !== undefined && (left.high < right.low || left.low > right.high);
  });

/**
 * The pair as a witness, or undefined: the slope at z1 exceeds that at z2 by more than what rounding can do, by interval
 * arithmetic at both points, and in float64. With the `loss` that the slope is the derivative of, only where the loss has a value and the slope
 * is its derivative on both sides.
 */
const confirmPair = (
  slope: Expression,
  z: string,
  data: Point,
  z1: number,
  z2: number,
  loss: Expression | undefined,
): SlopeWitness | undefined => {
  if (!(z1 < z2) || !Number.isFinite(z1) || !Number.isFinite(z2)) return undefined;
  const [first, second] = [
    { ...data, [z]: z1 },
    { ...data, [z]: z2 },
  ];
  const [before, after] = [enclosed(slope, first), enclosed(slope, second)];
  if (before === undefined || after === undefined || !(before.low > after.high)) return undefined;
  if (loss !== undefined) {
    if (!apartFromSwitches(slope, first) || !apartFromSwitches(slope, second)) return undefined;
    if (enclosed(loss, first) === undefined || enclosed(loss, second) === undefined) return undefined;
  }
  const [slope1, slope2] = [evaluate(slope, first), evaluate(slope, second)];
  return slope1 > slope2 ? { z1, z2, data, slope1, slope2 } : undefined;
};

/**
 * Looks for a falling slope: a grid of z that is fine about 0 and about the data at all scales, with the two neighbours
 * of every switch, at corners and random points of the domain of the data.
 */
export const searchWitness = (
  slope: Expression,
  z: string,
  domain: Box,
  options: { readonly vectors: number; readonly loss: Expression | undefined },
): SlopeWitness | undefined => {
  for (const data of dataPoints(domain, options.vectors)) {
    const grid = gridOf([slope], z, data);
    const witness =
      fallOnGrid(
        slope,
        z,
        data,
        grid.filter((value) => Math.abs(value) <= 30),
        options.loss,
      ) ?? fallOnGrid(slope, z, data, grid, options.loss);
    if (witness !== undefined) return witness;
  }
  return undefined;
};

/** A fall within a box that a proof could not close. */
export const searchBox = (
  slope: Expression,
  z: string,
  box: Box,
  loss: Expression | undefined,
): SlopeWitness | undefined => {
  const { [z]: range, ...domain } = box;
  if (range === undefined) return undefined;
  const [low, high] = [Math.max(range.low, -1e150), Math.min(range.high, 1e150)];
  const grid = Array.from({ length: 9 }, (_, i) => low + ((high - low) * i) / 8);
  for (const data of dataPoints(domain, 6)) {
    const witness = fallOnGrid(slope, z, data, grid, loss);
    if (witness !== undefined) return witness;
  }
  return undefined;
};

/** The largest falls of the slope over an ascending grid are tried first. */
const fallOnGrid = (
  slope: Expression,
  z: string,
  data: Point,
  grid: readonly number[],
  loss: Expression | undefined,
): SlopeWitness | undefined => {
  const point: Record<string, number> = { ...data };
  const falls: { readonly z1: number; readonly z2: number; readonly size: number }[] = [];
  let highest = -Infinity;
  let at = NaN;
  let previous = { z: NaN, slope: NaN };
  for (const value of grid) {
    point[z] = value;
    const here = evaluate(slope, point);
    if (!Number.isFinite(here)) continue;
    if (here < highest)
      falls.push({ z1: at, z2: value, size: (highest - here) / (1 + Math.abs(highest) + Math.abs(here)) });
    if (here < previous.slope && previous.z !== at) {
      const size = (previous.slope - here) / (1 + Math.abs(previous.slope) + Math.abs(here));
      falls.push({ z1: previous.z, z2: value, size: size / 2 });
    }
    if (here > highest) [highest, at] = [here, value];
    previous = { z: value, slope: here };
  }
  falls.sort((a, b) => b.size - a.size);
  for (const { z1, z2 } of falls.slice(0, 64)) {
    const witness = confirmPair(slope, z, data, z1, z2, loss);
    if (witness !== undefined) return witness;
  }
  return undefined;
};

/** Points of the domain: middles, then corners, then random ones; the same in every run. */
export const dataPoints = (domain: Box, most: number): readonly Point[] => {
  const names = Object.keys(domain);
  if (names.length === 0) return [{}];
  const random = generator(names.length + 1);
  const candidates = new Map(names.map((name) => [name, valuesIn(domain[name] ?? { low: 0, high: 0 })]));
  const points: Point[] = [];
  for (let k = 0; k < most; k++) {
    const entries = names.map((name, position): readonly [string, number] => {
      const values = candidates.get(name) ?? [0];
      const index = k < values.length ? (k + position) % values.length : Math.floor(random() * values.length);
      return [name, values[index] ?? 0];
    });
    points.push(Object.fromEntries(entries));
  }
  return points;
};

const valuesIn = ({ low, high }: Interval): readonly number[] => {
  const from = low === -Infinity ? Math.min(-100, high - 100) : low;
  const to = high === Infinity ? Math.max(100, low + 100) : high;
  const random = generator(7);
  const values = [1, -1, 0.5, 0, -0.5, 10, 1e-3, -1e-3, from + (to - from) / 2, to, from];
  for (let k = 0; k < 8; k++) values.push(from + (to - from) * random());
  return [...new Set(values.filter((value) => value >= low && value <= high))];
};

/** Numbers in [0, 1) from a 32-bit congruential generator: the search repeats itself. */
const generator = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

const offsets: readonly number[] = (() => {
  const sizes: number[] = [];
  for (let k = -24; k <= 12; k++) sizes.push(10 ** (k / 4));
  for (let k = -322; k < -6; k += 2) sizes.push(10 ** k);
  for (let k = 4; k <= 300; k += k < 20 ? 1 : 20) sizes.push(10 ** k);
  for (let k = 1; k <= 24; k++) sizes.push(k / 8);
  return [0, ...sizes, ...sizes.map((size) => -size)];
})();
const nearOffsets = offsets.filter((offset) => Math.abs(offset) >= 1e-8 && Math.abs(offset) <= 1e4);

/** z about 0 and about every datum, at all scales; ascending. */
const scales = (data: Point): readonly number[] => {
  const points = new Set(offsets);
  for (const value of Object.values(data)) for (const offset of nearOffsets) points.add(value + offset);
  return [...points].sort(ascending);
};
const ascending = (a: number, b: number): number => a - b;

const gridOf = (expressions: readonly Expression[], z: string, data: Point): readonly number[] =>
  [...new Set([...scales(data), ...switchPoints(expressions, z, data)])].sort(ascending);

/** Both neighbours of every switch and kink of the expressions in z, and points near to them. */
export const switchPoints = (expressions: readonly Expression[], z: string, data: Point): readonly number[] => {
  const points: number[] = [];
  const at: Record<string, number> = { ...data };
  const gaps = gapsOf(expressions);
  const coarse = gaps.length === 0 ? [] : scales(data);
  for (const gap of gaps) {
    const difference = (value: number): number => {
      at[z] = value;
      return evaluate(gap.left, at) - evaluate(gap.right, at);
    };
    let [before, sign] = [NaN, NaN];
    for (const value of coarse) {
      const here = Math.sign(difference(value));
      // A tie counts as a side of its own: its neighbours matter.
      if (sign !== here && !Number.isNaN(sign) && !Number.isNaN(here))
        points.push(...crossing(difference, before, value));
      if (!Number.isNaN(here)) [before, sign] = [value, here];
    }
  }
  return points;
};

/** Neighbouring numbers between which the sign changes, by bisection, and numbers a little further out. */
const crossing = (difference: (value: number) => number, from: number, to: number): readonly number[] => {
  let [low, high] = [from, to];
  const start = Math.sign(difference(low));
  for (let step = 0; step < 1100; step++) {
    const middle = low / 2 + high / 2;
    if (!(middle > low && middle < high)) break;
    if (Math.sign(difference(middle)) === start) low = middle;
    else high = middle;
  }
  const size = Math.max(Math.abs(low), Math.abs(high), 1e-300);
  return [low, high, low - 1e-9 * size, high + 1e-9 * size, low - 1e-3 * size, high + 1e-3 * size];
};

/** The pairs that are compared: by `where`, `min`, `max`, and `abs` (with 0). */
const gapsOf = (
  expressions: readonly Expression[],
): readonly { readonly left: Expression; readonly right: Expression }[] =>
  expressions.flatMap((e) =>
    nodesOf(e).flatMap((node) => {
      if (node.kind === 'where') return [{ left: node.left, right: node.right }];
      if (node.kind === 'binary' && (node.operation === 'min' || node.operation === 'max'))
        return [{ left: node.left, right: node.right }];
      if (node.kind === 'unary' && node.operation === 'abs')
        return [{ left: node.argument, right: { kind: 'constant', value: 0 } as const }];
      return [];
    }),
  );

import { copyIn, inBursts, putWords, type Stored, type Strip } from '@drnn/backend-wasm/kernels';
import type { Matrix } from '@drnn/tensor';
import type { Workshop } from './pass.js';

/** Rows of one product, and pairs: 2 MiB, still in a cache when the library packs them. */
const blockRows = 256;
const blockPairs = 1024;
/** Numbers of a burst's rows: 16 MiB. */
const burstNumbers = 2 ** 21;
/** Multiplications of a burst: some half a second, after which others may run. */
const burstProducts = 2e10;

/** Neighbouring predictors p, from `first` to before `end`, with their pairs (p, q <= p). */
interface Group {
  readonly first: number;
  readonly end: number;
  readonly pairs: number;
}

const groupsOf = (predictors: number): readonly Group[] => {
  const groups: Group[] = [];
  for (let first = 0; first < predictors;) {
    let [end, pairs] = [first, 0];
    while (end < predictors && (pairs === 0 || pairs + end + 1 <= blockPairs)) pairs += ++end;
    groups.push({ first, end, pairs });
    first = end;
  }
  return groups;
};

/** Columns [from, from + count) of rows, widened. */
const copyColumns = (
  { values, offset }: Strip,
  rows: number,
  columns: number,
  from: number,
  count: number,
  to: Float64Array,
): void => {
  for (let t = 0; t < rows; t++) {
    const at = offset + t * columns + from;
    to.set(values.subarray(at, at + count), t * count);
  }
};

/**
 * The lower triangles of X' diag(w_j) X, in place of `grams`, for as many columns j of the weights from `from` on: the products
 * of all pairs of predictors, [row, pair], are made once for all units, and W' times them has the packed triangle of
 * unit j in its row j. As many multiplications as triangles one by one (rows P^2 flop a unit), at the speed of one large
 * product, and rows P^2 / 2 for the pairs: the faster way for many units.
 */
export const gramsByPairs = async (
  { library, machine, threads, precision, prepare }: Workshop,
  design: Stored,
  weights: Stored,
  from: number,
  grams: readonly Matrix[],
): Promise<void> => {
  const { columns: predictors } = design;
  const units = grams.length;
  const groups = groupsOf(predictors);
  const packed = groups.map(({ pairs }) => prepare(new Float64Array(units * pairs)));
  const mostPairs = Math.max(...groups.map(({ pairs }) => pairs));
  const most = Math.min(burstNumbers / Math.max(predictors, units), burstProducts / (predictors * predictors * units));
  const atOnce = Math.min(design.rows, blockRows * Math.max(1, Math.floor(most / blockRows)));

  await inBursts([design, weights], atOnce, precision, (_, length, [rows, scales]) => {
    if (rows === undefined || scales === undefined) return;
    const layout = machine.layout();
    const places = {
      x: layout.doubles(length * predictors),
      w: layout.doubles(length * units),
      products: layout.doubles(blockRows * mostPairs),
      blocks: Array.from({ length: threads }, () => layout.words(6)),
    };
    const views = machine.reserve(layout);
    const numbersFrom = (address: number): Float64Array => views.doubles.subarray(address / 8);
    copyIn({ view: views.doubles, size: 8 }, rows, 0, predictors, length, places.x);
    copyColumns(scales, length, weights.columns, from, units, numbersFrom(places.w));

    /** The products of the pairs of a group, for `count` rows from `start`, shared out over the threads. */
    const multiplyPairs = ({ first, end, pairs }: Group, start: number, count: number): void => {
      const each = Math.ceil(count / threads);
      const blocks = places.blocks.map((block, k) => {
        const before = Math.min(count, k * each);
        const own = Math.min(each, count - before);
        const x = places.x + 8 * (start + before) * predictors;
        putWords(views, block, [own, predictors, first, end, x, places.products + 8 * before * pairs]);
        return own === 0 ? 0 : block;
      });
      machine.run('pairsBlock', blocks);
    };

    library.useThreads(threads);
    const products = numbersFrom(places.products);
    groups.forEach((group, g) => {
      for (let start = 0; start < length; start += blockRows) {
        const count = Math.min(blockRows, length - start);
        multiplyPairs(group, start, count);
        const w = numbersFrom(places.w + 8 * start * units);
        library.does.product(units, group.pairs, count, w, true, products, false, packed[g]!, 1, 1);
      }
    });
  });

  grams.forEach(({ data }, j) => {
    groups.forEach(({ first, end, pairs }, g) => {
      let at = j * pairs;
      for (let p = first; p < end; p++) {
        data.set(packed[g]!.subarray(at, at + p + 1), p * predictors);
        at += p + 1;
      }
    });
  });
};

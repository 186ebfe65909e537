import { constant, type Expression, type Matrix, mul, square, sub, variable } from '@drnn/tensor';
import { isPartlyObserved, passOver, type RoundTask } from './round-task.js';

/**
 * The fraction of the variance of the targets that phi(X Theta) explains, on the rows of a task and pooled over units,
 * for several Theta in one pass:
 *
 *     R2 = 1 - sum (d - phi(z))^2 / sum (d - mean d)^2,
 *
 * missing samples left out. The drive is what a network must get right: of r[t+1] most is r[t]. The mean is that of these
 * rows, or `about` [unit]. Cost 2 T P N flop each.
 */
export const driveR2 = async (
  task: RoundTask,
  thetas: readonly Matrix[],
  about?: Float64Array,
): Promise<readonly number[]> => {
  const partly = isPartlyObserved(task);
  const seen: Expression = partly ? variable('o') : constant(1);
  const d = variable('d');
  const names = thetas.map((_, k) => `z${k}`);
  const errors = names.map((name) => mul(seen, square(sub(d, task.transfer.transfer(variable(name))))));
  const moments = [mul(seen, mul(d, d)), mul(seen, d), ...(partly ? [seen] : [])];
  const { columnSums } = await passOver(task, ({ targets, observed }) => ({
    currents: Object.fromEntries(names.map((name, k) => [name, thetas[k] ?? thetas[0]!])),
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    columnSums: [...errors, ...moments],
  }));
  const [squares, sums, counts] = columnSums.slice(errors.length);
  if (squares === undefined || sums === undefined) throw new Error('a pass returned less than it was asked for');
  const total = squares.reduce((all, square_, j) => {
    const count = counts === undefined ? task.shape.transitions : counts[j]!;
    if (count === 0) return all;
    const mean = about === undefined ? sums[j]! / count : about[j]!;
    return all + square_ - 2 * mean * sums[j]! + mean ** 2 * count;
  }, 0);
  return thetas.map((_, k) => 1 - (columnSums[k] ?? new Float64Array()).reduce((a, b) => a + b, 0) / total);
};

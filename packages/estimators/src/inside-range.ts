import type { Transfer } from '@drnn/objectives';
import { type Expression, less, max, min, mul, variable, where } from '@drnn/tensor';
import { isPartlyObserved, passOver, type RoundTask } from './round-task.js';

/** Targets keep this distance, as a fraction of half the range, from its ends: see `ObjectiveOptions.targetClip`. */
const margin = 1e-6;

const ends = ({ range: { low, high } }: Transfer) => {
  const inset = margin * (Number.isFinite(low) && Number.isFinite(high) ? (high - low) / 2 : 1);
  return { lowest: low + inset, highest: high - inset };
};

/** d, moved inside the open range of phi, where phi^-1 is finite. */
export const insideRange = (transfer: Transfer, d: Expression): Expression => {
  const { lowest, highest } = ends(transfer);
  const above = Number.isFinite(lowest) ? max(d, lowest) : d;
  return Number.isFinite(highest) ? min(above, highest) : above;
};

/** 1 where `insideRange` moves d, else 0. */
export const outsideRange = (transfer: Transfer, d: Expression): Expression => {
  const { lowest, highest } = ends(transfer);
  const below = Number.isFinite(lowest) ? where(less(d, lowest), 1, 0) : 0;
  return where(Number.isFinite(highest) ? less(highest, d) : less(d, d), 1, below);
};

/** How many observed targets `insideRange` moves. Cost one sweep over the targets. */
export const countOutside = async (task: RoundTask): Promise<number> => {
  const outside = outsideRange(task.transfer, variable('d'));
  const { columnSums } = await passOver(task, ({ targets, observed }) => ({
    currents: {},
    data: { d: targets, ...(observed === null ? {} : { o: observed }) },
    columnSums: [isPartlyObserved(task) ? mul(variable('o'), outside) : outside],
  }));
  return (columnSums[0] ?? new Float64Array()).reduce((a, b) => a + b, 0);
};

import type { Transitions } from '@drnn/simulator';

/** Rows [from, to) of contiguous blocks that share no frame with each other. */
export interface TimeBlock {
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts the rows, in the order of time, into blocks of about the same length. The transition after a cut belongs to none
 * where it begins with the frame that the one before ends with: held out or not, it would know of the other side.
 */
export const timeBlocks = ({ frames, targets }: Transitions, count: number): readonly TimeBlock[] => {
  const cuts = Array.from({ length: count + 1 }, (_, k) => Math.round((k * targets.rows) / count));
  return Array.from({ length: count }, (_, k) => {
    const [cut, to] = [cuts[k]!, cuts[k + 1]!];
    const shares = cut > 0 && frames[cut] === 1 + frames[cut - 1]!;
    return { from: shares ? cut + 1 : cut, to };
  });
};

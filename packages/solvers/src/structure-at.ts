import type { Structure } from '@drnn/objectives';
import { matrix, type Matrix } from '@drnn/tensor';
import {
  blockNorms,
  isHeld,
  nearestSubgradient,
  readColumn,
  unitPenalty,
  unitPenaltyChange,
  unitStructures,
  writeColumn,
} from './unit-structure.js';

/** A structure at one Theta. */
export interface StructureAt {
  /** What it adds to each unit's objective, [unit], the nuclear norm left out. */
  readonly penalty: Float64Array;
  /** The nearest element of gradient + subdifferential to 0, [predictor, unit]. */
  readonly subgradient: Matrix;
  /** 1 where a coordinate may move: no bound, kink or zero block holds it, or it is held and wants away. */
  readonly active: Uint8Array;
}

/** Values and subgradients of all units. */
export const structureAt = (structure: Structure, theta: Matrix, gradient: Matrix): StructureAt => {
  const { rows, columns } = theta;
  const penalty = new Float64Array(columns);
  const subgradient = matrix(rows, columns);
  const active = new Uint8Array(rows * columns);
  const unitStructure = unitStructures(structure);
  const [x, g, nearest] = [new Float64Array(rows), new Float64Array(rows), new Float64Array(rows)];
  const norms = new Float64Array(structure.blocks.length);
  for (let j = 0; j < columns; j++) {
    const of = unitStructure(j);
    readColumn(theta, j, x);
    penalty[j] = unitPenalty(of, x, norms);
    blockNorms(of, x, norms);
    nearestSubgradient(of, x, readColumn(gradient, j, g), norms, nearest);
    writeColumn(nearest, subgradient, j);
    for (let p = 0; p < rows; p++) {
      active[p * columns + j] = of.low[p]! < of.high[p]! && (nearest[p] !== 0 || !isHeld(of, x, norms, p)) ? 1 : 0;
    }
  }
  return { penalty, subgradient, active };
};

/** The change of each unit's penalty between two points, the nuclear norm left out. */
export const penaltyChange = (structure: Structure, from: Matrix, to: Matrix): Float64Array => {
  const unitStructure = unitStructures(structure);
  const [x, y] = [new Float64Array(from.rows), new Float64Array(from.rows)];
  return Float64Array.from({ length: from.columns }, (_, j) =>
    unitPenaltyChange(unitStructure(j), readColumn(from, j, x), readColumn(to, j, y)),
  );
};

import { failure } from '@drnn/tensor';
import Papa from 'papaparse';
import type { MatValue } from './mat5.js';
import { describeShape, type NumericArray } from './numeric-array.js';

/** Labels from numbers `[unit]`, `[unit, 1]` or `[1, unit]`; anything but whole numbers is refused. */
export const labelsOfNumbers = ({ shape, data }: NumericArray, path: string): readonly string[] => {
  if (shape.filter((axis) => axis !== 1).length > 1 || shape.length > 2) {
    throw failure({ path, seen: `an array ${describeShape(shape)}`, expected: 'labels [unit]' });
  }
  const fraction = data.findIndex((value) => !Number.isInteger(value));
  if (fraction >= 0) {
    throw failure({ path, seen: `${data[fraction]} of unit ${fraction}`, expected: 'text or whole numbers' });
  }
  return Array.from(data, String);
};

/** Labels from a MATLAB variable: a cell array of text, a matrix of text with a row each, or whole numbers. */
export const labelsOfMat = (value: MatValue, path: string): readonly string[] => {
  if (value.kind === 'numeric') return labelsOfNumbers(value.array, path);
  if (value.kind === 'char') {
    const [rows = 0, columns = 0] = value.shape;
    // MATLAB keeps a matrix of text column after column, each row padded with blanks.
    return Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (__, column) => value.text[column * rows + row] ?? '')
        .join('')
        .trimEnd(),
    );
  }
  if (value.kind !== 'cell') throw failure({ path, seen: `a ${value.kind}`, expected: 'labels [unit]' });
  return value.cells.map((cell, unit) => {
    const [label, ...others] = cell.kind === 'cell' || cell.kind === 'struct' ? [] : labelsOfMat(cell, path);
    if (label !== undefined && others.length === 0) return label;
    throw failure({ path, seen: `${cell.kind} in cell ${unit}`, expected: 'one label in each cell' });
  });
};

/** Labels from text: one column or one row, without a header. */
export const labelsOfText = (bytes: Uint8Array, path: string): readonly string[] => {
  const { data } = Papa.parse<string[]>(new TextDecoder().decode(bytes), { delimiter: '', skipEmptyLines: true });
  const [first] = data;
  if (first !== undefined && data.length === 1) return first.map((cell) => cell.trim());
  return data.map((cells, unit) => {
    const [label] = cells;
    if (label !== undefined && cells.length === 1) return label.trim();
    throw failure({
      path: `${path}, line ${unit + 1}`,
      seen: `${cells.length} cells`,
      expected: 'one column of labels, or one row',
    });
  });
};

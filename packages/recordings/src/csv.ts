import { failure, refuse, type Issue } from '@drnn/tensor';
import Papa from 'papaparse';
import { allocate, budgetOf, type Budget } from './budget.js';
import { numericArray, type NumericArray } from './numeric-array.js';

/** What to expect of a text table; everything left out is found from the text. */
export interface CsvOptions {
  /** Default: the one of tab, semicolon, comma, bar and blank that occurs in the first line, in this order. */
  readonly delimiter?: string;
  /** Whether the first row holds the names of the columns. Default: it does when none of its cells is a number. */
  readonly header?: boolean;
}

/** A text table of numbers. */
export interface CsvTable {
  /** `[row, column]`, float64; an empty cell or `NaN` is NaN, a missing value. */
  readonly array: NumericArray;
  /** The header row, or null when there is none. */
  readonly names: readonly string[] | null;
}

const MOST_ISSUES = 20;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const DELIMITERS = ['\t', ';', ',', '|', ' '];

/** Bytes of the numbers of a text table at most: a cell takes at least one byte of text and eight as a number. */
const mostBytes = (fileBytes: number): number => 8 * (fileBytes + 1);

/** Bytes that reading a text table may allocate for numbers, the smaller arrays on the way included. */
export const csvLimit = (fileBytes: number): number => 3 * mostBytes(fileBytes);

const missing = (cell: string): boolean => cell === '' || /^[+-]?nan$/i.test(cell);

/** The number in a cell, NaN for a missing value, undefined when it is neither. */
const parseCell = (cell: string): number | undefined => {
  if (missing(cell)) return Number.NaN;
  if (NUMBER.test(cell)) return Number(cell);
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(cell);
  if (infinite === null) return undefined;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
};

const decodeText = (bytes: Uint8Array, path: string): string => {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const seen = (what: string): string => (bytes.length === 0 ? 'an empty file' : what);
  let text = '';
  try {
    text = new TextDecoder(utf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw failure({ path, seen: 'bytes that are no UTF-8 text', expected: 'a text table of numbers' }, cause);
  }
  if (text.includes('\0')) throw failure({ path, seen: 'a binary file', expected: 'a text table of numbers' });
  if (text.trim() === '') throw failure({ path, seen: seen('only blank lines'), expected: 'rows of numbers' });
  return text;
};

const delimiterOf = (text: string): string => {
  const line = /[^\r\n]*\S[^\r\n]*/.exec(text)?.[0].trim() ?? '';
  const plain = line.replace(/"[^"]*"/g, '');
  return DELIMITERS.find((delimiter) => plain.includes(delimiter)) ?? ',';
};

const isHeader = (cells: readonly string[]): boolean => {
  const named = cells.filter((cell) => !missing(cell.trim()));
  return named.length > 0 && named.every((cell) => parseCell(cell.trim()) === undefined);
};

/**
 * Reads a text table of numbers (csv, tsv; quoting as in RFC 4180). Every cell that is no number and every row of the
 * wrong length is reported with its line, column and text, the first 20 in full. Blank lines at the end are ignored. A
 * table written with its row index in a first, nameless column is refused: the index is no unit. `path` names the file.
 */
export const decodeCsv = (
  bytes: Uint8Array,
  options: CsvOptions = {},
  path = 'csv',
  budget: Budget = budgetOf(csvLimit(bytes.length)),
): CsvTable => {
  const text = decodeText(bytes, path);
  const delimiter = options.delimiter ?? delimiterOf(text);
  const issues: Issue[] = [];
  let found = 0;
  const report = (issue: () => Issue): void => {
    if (++found <= MOST_ISSUES) issues.push(issue());
  };
  let names: readonly string[] | null = null;
  let columns = -1;
  let columnsLine = 0;
  let values = new Float64Array(0);
  let rows = 0;
  let line = 0;
  let blank = 0;
  const takeRow = (cells: readonly string[]): void => {
    const at = line + 1;
    line += 1;
    for (const cell of cells) if (cell.includes('\n')) line += cell.split('\n').length - 1;
    if (cells.length === 1 && cells[0]?.trim() === '') {
      blank++;
      return;
    }
    if (columns < 0) {
      columns = cells.length;
      columnsLine = at;
      if (options.header ?? isHeader(cells)) {
        names = cells.map((cell) => cell.trim());
        return;
      }
    }
    if (blank > 0) {
      report(() => ({ path: `${path}, line ${at - 1}`, seen: 'a blank line', expected: `${columns} cells` }));
      blank = 0;
    }
    if (cells.length !== columns) {
      report(() => ({
        path: `${path}, line ${at}`,
        seen: `${cells.length} cells`,
        expected: `${columns}, as in line ${columnsLine}`,
      }));
      return;
    }
    if ((rows + 1) * columns > values.length) {
      const grown = Math.max((rows + 1) * columns, Math.min(2 * values.length, mostBytes(bytes.length) / 8));
      const larger = new Float64Array(allocate(budget, 8 * grown, path));
      larger.set(values);
      values = larger;
    }
    for (let column = 0; column < columns; column++) {
      const cell = cells[column]!.trim();
      const value = parseCell(cell);
      if (value === undefined) {
        report(() => ({
          path: `${path}, line ${at}, column ${column + 1}`,
          seen: JSON.stringify(cell.slice(0, 40)),
          expected: 'a number, or an empty cell or NaN for a missing value',
        }));
      } else {
        values[rows * columns + column] = value;
      }
    }
    rows++;
  };
  Papa.parse<string[]>(text, {
    delimiter,
    header: false,
    skipEmptyLines: false,
    step: (result) => {
      const [error] = result.errors;
      if (error !== undefined) {
        report(() => ({ path: `${path}, line ${line + 1}`, seen: error.message, expected: 'cells as in RFC 4180' }));
      }
      takeRow(result.data);
    },
  });
  if (found > MOST_ISSUES) {
    issues.push({
      path,
      seen: `${found} such cells and rows, of which the first ${MOST_ISSUES} are listed`,
      expected: 'numbers in rows of one length',
    });
  }
  refuse(issues);
  if (rows === 0) throw failure({ path, seen: 'a header without rows', expected: 'rows of numbers' });
  const table = new Float64Array(allocate(budget, 8 * rows * columns, path));
  table.set(values.subarray(0, rows * columns));
  const array = numericArray([rows, columns], table);
  refuseIndexColumn(array, names, path);
  return { array, names };
};

/** A first column without a name that counts the rows is a row index, as pandas writes it. */
const refuseIndexColumn = (array: NumericArray, names: readonly string[] | null, path: string): void => {
  const [rows = 0, columns = 0] = array.shape;
  if (names === null || names[0] !== '' || columns < 2) return;
  for (let row = 0; row < rows; row++) if (array.data[row * columns] !== row + (array.data[0] ?? 0)) return;
  throw failure({
    path,
    seen: 'a first column without a name that counts the rows',
    expected: 'only columns of data',
    hint: 'write the table without its row index (pandas: index=False)',
  });
};

/**
 * Writes a table `[row, column]` with as few digits as give the same float64 back; NaN as an empty cell, except in a
 * table of one column, where it is `NaN`. `names` become a header row.
 */
export const encodeCsv = (array: NumericArray, names?: readonly string[]): string => {
  const [rows = 0, columns = 0] = array.shape;
  if (array.shape.length !== 2 || (names !== undefined && names.length !== columns)) {
    throw failure({
      path: 'csv',
      seen: `an array [${array.shape.join(', ')}]${names === undefined ? '' : ` with ${names.length} names`}`,
      expected: 'an array [row, column] and a name for each column',
    });
  }
  const lines: string[] = names === undefined ? [] : [Papa.unparse([names.slice()])];
  for (let row = 0; row < rows; row++) {
    const cells: string[] = [];
    for (let column = 0; column < columns; column++) {
      const value = array.data[row * columns + column]!;
      cells.push(Number.isNaN(value) && columns > 1 ? '' : Object.is(value, -0) ? '-0' : String(value));
    }
    lines.push(cells.join(','));
  }
  return `${lines.join('\n')}\n`;
};

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

/** A Markdown table; columns named in `words` to the left, numbers to the right. */
export const markdownTable = (
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly string[],
): string => {
  const left = columns.map((name) => words.includes(name));
  const widths = columns.map((name, k) => Math.max(3, name.length, ...rows.map((row) => (row[k] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, k) => (left[k] === true ? (cells[k] ?? '').padEnd(width) : (cells[k] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, k) => (left[k] === true ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
};

/** What results depend on: nothing that names the machine or its owner. */
const machine = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const { version } = Object(manifest);
  return `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${process.arch}; drnn ${String(version)}, Node ${process.versions.node}`;
};

/** Prints a table with how it came about, and keeps it as `table.md` of a folder where one is named. */
export const publish = (
  folder: string | undefined,
  { title, about, tables }: { readonly title: string; readonly about: readonly string[]; readonly tables: string },
): void => {
  const command = ['node', 'bench/dist/' + (process.argv[1] ?? '').split('/').at(-1), ...process.argv.slice(2)].filter(
    (word, i, all) => word !== '--out' && all[i - 1] !== '--out',
  );
  const text = [`# ${title}`, ...about, `\`${command.join(' ')}\``, machine(), tables].join('\n\n');
  console.log(text);
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'table.md'), `${text}\n`);
};

/** The middle one, or the mean of the two in the middle. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
};

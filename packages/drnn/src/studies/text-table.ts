/** A table of text that is Markdown too: columns of equal width, numbers to the right. */
export const textTable = (
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly string[] = [],
): string => {
  const widths = columns.map((name, k) => Math.max(3, name.length, ...rows.map((row) => (row[k] ?? '').length)));
  const isWords = columns.map((name) => words.includes(name));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, k) => (isWords[k] ? (cells[k] ?? '').padEnd(width) : (cells[k] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, k) => (isWords[k] ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
};

import { type Html, html, type Part } from './escape.js';

/** A table of two columns, name and value, for key numbers. */
export const factsTable = (caption: string, facts: readonly (readonly [name: string, value: Part])[]): Html =>
  html`<table class="facts">
    <caption>
      ${caption}
    </caption>
    <tbody>
      ${facts.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

/** A table with a header row; the first cell of each row is its header. Columns named in `numeric` are right-aligned. */
export const dataTable = (
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly Part[])[],
  numeric: readonly string[] = [],
): Html => {
  const aligned = (index: number): string => (numeric.includes(columns[index] ?? '') ? 'number' : 'words');
  return html`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        ${columns.map((name, index) => html`<th scope="col" class="${aligned(index)}">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (cells) =>
          html`<tr>
            ${cells.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td class="${aligned(index)}">${cell}</td>`))}
          </tr>`,
      )}
    </tbody>
  </table>`;
};

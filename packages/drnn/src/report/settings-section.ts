import { type Html, html } from './escape.js';
import { formatSeconds } from './numbers.js';
import type { ReportData } from './report-data.js';
import { dataTable, factsTable } from './table.js';

/** Every option with its value and whether it was given. */
export const settingsSection = ({ options }: ReportData): Html =>
  dataTable(
    'Options of the fit',
    ['Option', 'Value', 'From'],
    options.map(({ name, value, given }) => [
      html`<code>${name}</code>`,
      html`<code>${value}</code>`,
      given ? html`<b>given</b>` : html`<span class="quiet">default</span>`,
    ]),
  );

/** The command, the file's checksum, versions and times. */
export const repetitionSection = (data: ReportData): Html =>
  html`<p>This command repeats the fit; with the same file, versions and seed it gives the same weights:</p>
    <pre><code>${data.command}</code></pre>
    ${factsTable('Data and versions', [
      ...(data.sources.length === 0
        ? [['Recording', 'given in memory, no file'] as const]
        : data.sources.flatMap(({ name, sha256 }) => [
            ['Recording', html`<span class="name">${name}</span>`] as const,
            ['SHA-256 of the file', html`<code>${sha256}</code>`] as const,
          ])),
      ...Object.entries(data.versions).map(([name, version]) => [name, version] as const),
      ...Object.entries(data.timing).map(([part, seconds]) => [`Time, ${part}`, formatSeconds(seconds)] as const),
    ])}`;

import { createHash } from 'node:crypto';
import { type Html, html, type Part } from './escape.js';
import { style } from './style.js';

/** Whole, so that its text is exactly what the policy's hash names. */
const sheet: Html = { html: `<style>${style}</style>` };

/** Nothing is fetched and nothing runs: one style sheet, known by its hash, and images inside the file. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style, 'utf8').digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** A page of one file, as text: no script, nothing fetched, and a content security policy that says so. */
export const documentOf = (title: string, body: Part): string =>
  `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light" />
        <meta name="generator" content="drnn" />
        <title>${title}</title>
        ${sheet}
      </head>
      <body>
        ${body}
      </body>
    </html>`.html
  }\n`;

/** A part of a page under its heading. */
export const section = (id: string, heading: string, content: Part): Html =>
  html`<section id="${id}" aria-labelledby="${id}-heading">
    <h2 id="${id}-heading">${heading}</h2>
    ${content}
  </section>`;

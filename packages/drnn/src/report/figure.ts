import { type Html, html } from './escape.js';

/** A picture with what it shows, before it has its number. */
export interface Figure {
  readonly title: string;
  readonly picture: Html;
  /** Sentences after the title: what is drawn, in which units, n, and how to read it. */
  readonly caption: Html;
}

/** Width of the page's column, in pixels of a drawing: 174 mm of A4 at 11-pixel labels. */
export const columnWidth = 720;

/** Gives figures their numbers in the order of the page. */
export const numberedFigures = (): ((figure: Figure) => Html) => {
  let count = 0;
  return (figure) => {
    count++;
    return html`<figure id="figure-${String(count)}">
      ${figure.picture}
      <figcaption><strong>Figure ${String(count)}. ${figure.title}.</strong> ${figure.caption}</figcaption>
    </figure>`;
  };
};

/** A legend entry: a stroke of the class `key-<mark>` in the style sheet, and its name. */
export const key = (mark: string, name: string): Html =>
  html`<span class="key"><i class="key-${mark}"></i>${name}</span>`;

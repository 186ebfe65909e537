import * as Plot from '@observablehq/plot';
import type { PlotOptions } from '@observablehq/plot';
import { failure } from '@drnn/tensor';
import { type Element, type Node, Window } from 'happy-dom';
import { escapeText, type Html } from './escape.js';

/** Draws a plot and gives its SVG as markup, with `label` for those who cannot see it. */
export type Draw = (label: string, options: PlotOptions) => Html;

const elements = new Set('svg g path line rect circle text tspan title image'.split(' '));
const dropped = new Set(['class', 'xmlns', 'aria-hidden', 'aria-label', 'aria-description', 'role']);
const attributes = new Set(
  `viewBox width height x y x1 y1 x2 y2 dx dy cx cy r rx ry d transform fill stroke font-family font-size font-weight
  font-style font-variant text-anchor stroke-width stroke-dasharray stroke-opacity fill-opacity opacity stroke-linejoin
  stroke-linecap stroke-miterlimit paint-order preserveAspectRatio image-rendering href`.split(/\s+/),
);
const embedded = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;

/** Coordinates to a hundredth of a pixel: finer is never seen and doubles the size of the file. */
const rounded = (value: string): string =>
  value.replace(/-?\d+\.\d{3,}/g, (digits) => String(Number(Number(digits).toFixed(2))));

const serialise = (node: Node): string => {
  if (node.nodeType === node.TEXT_NODE) return escapeText(node.textContent ?? '');
  if (!isElement(node)) return '';
  const name = node.localName;
  if (name === 'style') return '';
  if (!elements.has(name)) {
    throw failure({ path: 'figure', seen: `an element <${name}>`, expected: 'plain SVG shapes and text' });
  }
  const written = Array.from(node.attributes, ({ name: attribute, value: stored }) => {
    const value = stored ?? '';
    if (dropped.has(attribute)) return '';
    if (!attributes.has(attribute) || (attribute === 'href' && !embedded.test(value))) {
      throw failure({ path: 'figure', seen: `an attribute ${attribute}`, expected: 'geometry and paint only' });
    }
    return ` ${attribute}="${escapeText(attribute === 'href' ? value : rounded(value))}"`;
  });
  return `<${name}${written.join('')}>${Array.from(node.childNodes, serialise).join('')}</${name}>`;
};

const isElement = (node: Node): node is Element => node.nodeType === node.ELEMENT_NODE;

/**
 * A place to draw with Observable Plot, without a browser. What Plot made is written out here through a list of the
 * elements and attributes that a figure may have, every text escaped: the page's safety rests on this list and not on
 * a library's serialiser. Plot's own style sheet is left out (the page has one, named by its hash in the policy).
 */
export const drawingBoard = (): { readonly draw: Draw; readonly close: () => void } => {
  const window = new Window();
  const { document } = window;
  return {
    draw: (label, options) => {
      const plotted: unknown = Plot.plot({ ...options, document });
      if (!(plotted instanceof window.SVGElement) || plotted.localName !== 'svg') {
        throw failure({ path: 'figure', seen: 'a drawing that is not one <svg>', expected: 'one <svg>' });
      }
      return {
        html: serialise(plotted).replace('<svg', `<svg class="drawing" role="img" aria-label="${escapeText(label)}"`),
      };
    },
    close: () => window.close(),
  };
};

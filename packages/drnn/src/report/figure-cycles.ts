import type { FoundCycle } from '@drnn/attractors';
import * as Plot from '@observablehq/plot';
import { centred, linearTick } from './axis.js';
import { ink, vermillion } from './colours.js';
import { drawnCycles, overOneTurn, unitLines, widestOf } from './drawn-cycles.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatNumber } from './numbers.js';

/** Rates of the widest units over one turn. */
const course = (draw: Draw, cycle: FoundCycle, index: number): Html => {
  const { orbit, amplitude, period } = cycle;
  const isPeriodic = cycle.class === 'periodic';
  // Of a circle in several pieces the first is drawn.
  const rows = isPeriodic ? orbit.rows : orbit.rows / cycle.pieces;
  const turn = isPeriodic ? period : period / cycle.pieces;
  const lines = overOneTurn(orbit, rows, turn, widestOf(amplitude));
  return draw(`Rates of the widest units over one turn of cycle ${index}.`, {
    width: 440,
    height: 230,
    marginLeft: 52,
    marginRight: 8,
    marginTop: 8,
    marginBottom: 42,
    y: { nice: true },
    marks: [
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      ...unitLines(lines),
      ...(isPeriodic && rows <= 60 ? lines.map((dots) => Plot.dot(dots, { x: 'x', y: 'y', r: 2, fill: ink })) : []),
      Plot.axisX({ label: `steps, cycle ${index}`, ...centred, ticks: 6, tickFormat: linearTick }),
      Plot.axisY({ label: 'rate', ...centred, ticks: 5, tickFormat: linearTick }),
    ],
  });
};

/** Multipliers of one turn inside the unit circle. */
const multipliers = (draw: Draw, values: readonly (readonly [number, number])[], index: number): Html => {
  const circle = Array.from({ length: 181 }, (_, k) => ({
    x: Math.cos((2 * Math.PI * k) / 180),
    y: Math.sin((2 * Math.PI * k) / 180),
  }));
  const reach = values.reduce((most, [re, im]) => Math.max(most, Math.abs(re), Math.abs(im)), 1);
  // What leaves a cycle may do so by many powers of ten a turn.
  const tickFormat = (value: number): string =>
    reach < 1000 || value === 0 ? linearTick(value) : value.toExponential(0).replace('e+', 'e').replace('-', '−');
  return draw(`Multipliers of cycle ${index} in the complex plane, with the unit circle.`, {
    width: 242,
    height: 230,
    marginLeft: 52,
    marginRight: 8,
    marginTop: 8,
    marginBottom: 42,
    x: { domain: [-1.12 * reach, 1.12 * reach] },
    y: { domain: [-1.12 * reach, 1.12 * reach] },
    marks: [
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.line(circle, { x: 'x', y: 'y', stroke: vermillion, strokeDasharray: '5,3' }),
      Plot.dot(
        values.map(([x, y]) => ({ x, y })),
        { x: 'x', y: 'y', r: 3, fill: ink, fillOpacity: 0.8 },
      ),
      Plot.axisX({ label: 'real part', ...centred, ticks: 4, tickFormat }),
      Plot.axisY({ label: 'imaginary part', ...centred, ticks: 4, tickFormat }),
    ],
  });
};

/** Each cycle that is no image of another: its widest units over one turn, and what a turn multiplies neighbours by. */
export const cyclesFigure = (draw: Draw, cycles: readonly FoundCycle[]): Figure | null => {
  const { shown, own } = drawnCycles(cycles);
  if (shown.length === 0) return null;
  const images = cycles.length - own;
  return {
    title: 'Limit cycles: one turn, and the multipliers of it',
    picture: html`<p class="legend">${[key('clear', 'rates of the widest units'), key('exact-border', '|m| = 1')]}</p>
      ${shown.map(({ cycle, index }) => {
        const values = (cycle.multipliers ?? cycle.flow?.multipliers ?? []).map(({ value }) => value);
        return html`<div class="row">
          ${[course(draw, cycle, index), values.length === 0 ? null : multipliers(draw, values, index)]}
        </div>`;
      })}`,
    caption: html`${shown.map(
      ({ cycle, index }) =>
        html`Cycle ${String(index)}: units ${widestOf(cycle.amplitude).join(', ')}, the widest (dark) first; a turn of
        ${formatNumber(cycle.period, 6)} steps, in which the
        ${cycle.isStable ? 'slowest direction beside it shrinks' : 'fastest direction beside it grows'} to
        ${formatNumber(cycle.transverseMultiplier)}${cycle.mirror === index ? '; it is its own mirror image' : ''}. `,
    )}Multipliers
    are those of a periodic cycle itself, and of a closed curve those of the flow’s cycle near it, where one of them is
    1: along the cycle nothing is lost.
    ${images === 0 ? '' : `${counted(images, 'mirror image')}, with the other sign at every phase, not drawn. `}${own > shown.length ? `The first ${shown.length} of ${own}.` : ''}`,
  };
};

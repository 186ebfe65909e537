import type { FoundCycle } from '@drnn/attractors';
import * as Plot from '@observablehq/plot';
import { centred, linearTick, powerTick, powerTicks, wholeTicks } from './axis.js';
import { ink } from './colours.js';
import { drawnCycles, overOneTurn, unitLines, widestOf } from './drawn-cycles.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { type Figure, key } from './figure.js';

/** The power of ten below which a share is told from rounding in a cycle that is known to 1e-7. */
const LOWEST = -8;

const frame = { height: 210, marginRight: 8, marginTop: 8, marginBottom: 42 } as const;

/** Shares of the power in the harmonics that are above the lowest. */
const harmonicsPanel = (draw: Draw, { harmonics }: FoundCycle, index: number): Html | null => {
  const bars = Array.from(harmonics, (share, k) => ({ from: k + 0.65, to: k + 1.35, share })).filter(
    ({ share }) => share > 10 ** LOWEST,
  );
  if (harmonics.length < 2 || bars.length === 0) return null;
  return draw(`Shares of the power in the harmonics of cycle ${index}.`, {
    ...frame,
    width: 250,
    marginLeft: 52,
    x: { domain: [0.4, harmonics.length + 0.6] },
    y: { type: 'log', domain: [10 ** LOWEST, 2] },
    marks: [
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.rectY(bars, { x1: 'from', x2: 'to', y1: () => 10 ** LOWEST, y2: 'share', fill: ink }),
      Plot.axisX(wholeTicks(1, harmonics.length), { label: 'harmonic', ...centred, tickFormat: linearTick }),
      Plot.axisY(powerTicks(LOWEST, 0, 5), {
        label: `share of the power, cycle ${index}`,
        ...centred,
        tickFormat: powerTick,
      }),
    ],
  });
};

/** What a push of each of the widest units gains in the end, by when it comes. */
const responsePanel = (draw: Draw, { amplitude, flow }: FoundCycle, index: number): Html | null => {
  if (flow === null || flow.phaseResponse === null) return null;
  const { phaseResponse, period } = flow;
  return draw(`Phase response of the widest units over one turn of cycle ${index}.`, {
    ...frame,
    width: 440,
    marginLeft: 60,
    marks: [
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.ruleY([0], { stroke: '#000', strokeOpacity: 0.25 }),
      ...unitLines(overOneTurn(phaseResponse, phaseResponse.rows, period, widestOf(amplitude))),
      Plot.axisX({ label: `steps, cycle ${index}`, ...centred, ticks: 6, tickFormat: linearTick }),
      Plot.axisY({ label: 'steps gained per unit of push', ...centred, ticks: 5, tickFormat: linearTick }),
    ],
  });
};

/** The harmonics of each cycle that is no image of another, and the phase response of the flow's cycle near it. */
export const cyclePhaseFigure = (
  draw: Draw,
  cycles: readonly FoundCycle[],
  form: 'rate' | 'current',
): Figure | null => {
  const panels = drawnCycles(cycles).shown.map(({ cycle, index }) => ({
    harmonics: harmonicsPanel(draw, cycle, index),
    response: responsePanel(draw, cycle, index),
  }));
  const rows = panels.filter(({ harmonics, response }) => harmonics !== null || response !== null);
  if (rows.length === 0) return null;
  const hasResponse = rows.some(({ response }) => response !== null);
  const isMissing = panels.some(({ response }) => response === null);
  return {
    title: `Limit cycles: harmonics${hasResponse ? ', and what a push does to the phase' : ''}`,
    picture: html`${hasResponse ? html`<p class="legend">${key('clear', 'the same units as above')}</p>` : null}
    ${rows.map(({ harmonics, response }) => html`<div class="row">${[harmonics, response]}</div>`)}`,
    caption: html`The share of each harmonic in the power of all units about their means, logarithmic, down to 10⁻⁸: a
    circle at one speed has the first alone, a cycle that is its own mirror image the odd ones.
    ${hasResponse ? `Phase response of the flow’s cycle near it: a small push of the ${form} of one unit at that time, counted from where the widest unit is highest, puts the network ahead in the end (above 0) or behind, by the size of the push times this many steps.` : ''}${hasResponse && isMissing ? ' Where the flow has no cycle near, or its response did not converge, there is none.' : ''}`,
  };
};

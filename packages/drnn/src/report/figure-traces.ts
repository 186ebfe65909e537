import * as Plot from '@observablehq/plot';
import type { Draw } from './drawing.js';
import { html, shortened } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { blue, grey, ink, vermillion } from './colours.js';
import { counted, formatCount, formatSeconds } from './numbers.js';
import { centred, linearTick } from './axis.js';
import type { HeldOutTraces } from './report-data.js';

/** More would be too small to read, and would make the file large. */
const mostUnits = 8;
const mostFrames = 1200;

interface Point {
  readonly x: number;
  readonly y: number;
  /** Points of one stretch are joined. */
  readonly stretch: number;
}

/** Held-out frames of a few units against one-step and closed-loop predictions; null where there is none to draw. */
export const tracesFigure = (
  draw: Draw,
  traces: HeldOutTraces,
  samplingInterval: number | null,
  totalUnits: number,
): Figure | null => {
  const frames = traces.frames.subarray(0, mostFrames);
  const units = traces.units.slice(0, mostUnits);
  if (frames.length === 0 || units.length === 0) return null;
  const inSeconds = samplingInterval !== null && Number.isFinite(samplingInterval) && samplingInterval > 0;
  const place = (frame: number): number => (inSeconds ? frame * samplingInterval : frame);
  const restarts = new Set(traces.restarts);
  const restartPlaces = Array.from(
    frames.filter((frame) => restarts.has(frame)),
    place,
  );
  const axis = inSeconds ? 'time in the recording (s)' : 'frame of the recording';

  const panels = units.map((name, unit) => {
    const read = (series: HeldOutTraces['recorded'], breaks: boolean): readonly Point[] => {
      const points: Point[] = [];
      let stretch = 0;
      for (let t = 0; t < frames.length; t++) {
        const frame = frames[t]!;
        const gap = t > 0 && frame !== frames[t - 1]! + 1;
        if (gap || (breaks && restarts.has(frame))) {
          stretch++;
          // The closed loop leaves from the recorded state, so its line starts there.
          const start = t > 0 && !gap ? traces.recorded.data[(t - 1) * traces.recorded.columns + unit]! : Number.NaN;
          if (breaks && Number.isFinite(start)) points.push({ x: place(frame - 1), y: start, stretch });
        }
        points.push({ x: place(frame), y: series.data[t * series.columns + unit]!, stretch });
      }
      return points;
    };
    const line = (series: HeldOutTraces['recorded'], breaks: boolean, stroke: string, options: object) =>
      Plot.line(read(series, breaks), { x: 'x', y: 'y', z: 'stretch', stroke, strokeLinejoin: 'round', ...options });
    const last = unit === units.length - 1;
    const label = shortened(name, 28);
    return draw(
      `Held-out activity of ${label}: recorded, predicted one step ahead, and in closed loop, against ${axis}.`,
      {
        width: columnWidth,
        height: last ? 122 : 84,
        marginLeft: 52,
        marginRight: 8,
        marginTop: 20,
        marginBottom: last ? 40 : 2,
        x: { domain: [place(frames[0] ?? 0), place((frames.at(-1) ?? 0) + (frames.length === 1 ? 1 : 0))], axis: null },
        y: { nice: true },
        marks: [
          Plot.ruleX(restartPlaces, { stroke: grey, strokeOpacity: 0.45, strokeDasharray: '2,3' }),
          line(traces.recorded, false, ink, { strokeWidth: 2.4, strokeOpacity: 0.55 }),
          line(traces.oneStep, false, blue, { strokeWidth: 1.1 }),
          line(traces.closedLoop, true, vermillion, { strokeWidth: 1.4, strokeDasharray: '5,2' }),
          Plot.axisY({ ticks: 3, tickSize: 4, label: null, tickFormat: linearTick }),
          ...(last
            ? [
                Plot.axisX({
                  anchor: 'bottom',
                  label: axis,
                  ...centred,
                  ticks: 8,
                  tickFormat: linearTick,
                }),
              ]
            : []),
          Plot.text([label], { frameAnchor: 'top-left', dy: -14, fontWeight: 600, text: (d: string) => d }),
        ],
      },
    );
  });

  const cut = traces.frames.length > frames.length || traces.units.length > units.length;
  const frequency = inSeconds ? ` (${formatSeconds(frames.length * samplingInterval, true)})` : '';
  return {
    title: 'Held-out activity against predictions',
    picture: html`<p class="legend">
        ${[key('recorded', 'recorded'), key('one-step', 'one step ahead'), key('closed-loop', 'closed loop'), key('restart', 'restart')]}
      </p>
      ${panels}`,
    caption: html`None of these frames was used for the fit that predicts them. Each panel is a unit, in the recording’s
    own units; n = ${formatCount(units.length)} of
    ${counted(totalUnits, 'unit')}${units.length < totalUnits ? ', from the most to the least varied, evenly spaced' : ''},
    ${counted(frames.length, 'frame')}${frequency}${cut ? ', the first of those held out' : ''}. One step ahead: from
    the recorded state one frame before. Closed loop: the network runs on its own output (and the recorded inputs, if
    any), restarted from the recorded state at the ${counted(restartPlaces.length, 'dotted line')}.`,
  };
};

import { blue, grey, ink, vermillion } from '../report/colours.js';

/** How a method is drawn in every figure. */
export interface CurveStyle {
  readonly colour: string;
  readonly dash: string;
  readonly width: number;
}

const solid = 'none';
const [green, purple, orange, sky] = ['#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** Ours are bold, a second form of a method is dashed; colours of Okabe and Ito (2008). */
const styles: Readonly<Record<string, CurveStyle>> = {
  'fixed-point': { colour: grey, dash: solid, width: 1.5 },
  authors: { colour: vermillion, dash: solid, width: 1.8 },
  'authors-random': { colour: vermillion, dash: '5,3', width: 1.8 },
  'authors-admm': { colour: vermillion, dash: '2,2', width: 1.5 },
  'newton-ce': { colour: green, dash: solid, width: 1.5 },
  'newton-weighted': { colour: green, dash: '5,3', width: 1.5 },
  'adam-ce': { colour: purple, dash: solid, width: 1.5 },
  'adam-l2': { colour: purple, dash: '5,3', width: 1.5 },
  'force-currents': { colour: orange, dash: solid, width: 1.5 },
  'force-rates': { colour: orange, dash: '5,3', width: 1.5 },
  'gradient-descent': { colour: grey, dash: '5,3', width: 1.5 },
  convex: { colour: sky, dash: solid, width: 2.4 },
  'convex-random': { colour: sky, dash: '5,3', width: 2.4 },
  calibrated: { colour: blue, dash: solid, width: 2.8 },
  'calibrated-quick': { colour: blue, dash: '5,3', width: 2.8 },
  'calibrated-rounds': { colour: blue, dash: '2,2', width: 2.2 },
  informed: { colour: ink, dash: '1,3', width: 2 },
};

const unknown: CurveStyle = { colour: ink, dash: solid, width: 1.2 };

export const styleOf = (curve: string): CurveStyle => styles[curve] ?? unknown;

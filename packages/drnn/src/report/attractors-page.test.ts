import { type AttractorNetwork, saddleGraph } from '@drnn/attractors';
import { randomNetwork } from '@drnn/simulator';
import { matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { attractors, type AttractorsOptions } from '../attractors.js';
import { compare, type CompareOptions } from '../compare.js';
import { portraitView } from '../portrait-view.js';
import { renderAttractors } from './attractors-page.js';
import { renderComparison } from './compare-page.js';

const pageOf = (network: AttractorNetwork, title = 'model.npz', options: AttractorsOptions = {}): string => {
  const found = attractors(network, { seeds: 200, ...options });
  return renderAttractors({
    title,
    command: 'drnn attractors model.npz',
    found,
    graph: saddleGraph(network, found.points),
    view: portraitView(network, found),
    verdict: ['Looks complete.'],
    version: '0',
  });
};

const count = (page: string, pattern: RegExp): number => page.match(pattern)?.length ?? 0;

/** What no page may hold: numbers that are none, scripts, anything to fetch. */
const isSound = (page: string): void => {
  expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
};

const block = (units: number): AttractorNetwork => ({
  W: matrix(
    units,
    units,
    Float64Array.from({ length: units * units }, (_, k) =>
      Math.floor(k / units) < units / 2 === k % units < units / 2 ? 4 / units : 0,
    ),
  ),
  alpha: 0.1,
});

describe('renderAttractors', () => {
  it('shows every point, its modes, and the graph', () => {
    const page = pageOf(block(8));
    isSound(page);
    expect(count(page, /<svg/g)).toBe(7);
    expect(page).toContain('Saddle graph');
    expect(page).toContain('The search for points');

    expect(count(page, /<th scope="row">\d+<\/th>/g)).toBe(9);
    expect(count(page, /stable\u00a0node/g)).toBe(4);
  });

  it('shows each cycle over one turn with its multipliers, and draws no image of another', () => {
    const [c, s] = [1.3 * Math.cos(0.5), 1.3 * Math.sin(0.5)];
    const page = pageOf({
      W: matrixOf([
        [c, -s, 0.1],
        [s, c, 0],
        [0, 0, 2],
      ]),
      alpha: 0.1,
    });
    isSound(page);
    // One of the two that runs end on, and between them, where the third unit is 0, the saddle that is its own image.
    expect(count(page, /Rates of the widest units over one turn of cycle \d/g)).toBe(2);
    expect(count(page, /Multipliers of cycle \d in the complex plane/g)).toBe(2);
    expect(count(page, /Phase response of the widest units over one turn of cycle \d/g)).toBe(2);
    expect(page).toContain('1 mirror image');
    expect(page).toContain('limit cycle');
    const flip = pageOf({ W: matrixOf([[-2]]), alpha: 1 });
    isSound(flip);
    expect(flip).toContain('it is its own mirror image');
  });

  it('shows exponents where they were asked for, and what they say of the attractor', () => {
    const lyapunov = { steps: 2000, transient: 200 };
    const wild = { W: randomNetwork({ units: 40, gain: 6, seed: 5 }).W, alpha: 1 };
    const chaotic = pageOf(wild, 'chaos', { seeds: 1, cycleSeeds: 0, lyapunov });
    isSound(chaotic);
    expect(chaotic).toContain('Lyapunov exponents');
    expect(count(chaotic, /index \/ N, N = 40/g)).toBe(2);
    expect(chaotic).toMatch(/dimension\s+of\s+the\s+attractor\s+by\s+Kaplan/);
    expect(pageOf(wild, 'few', { seeds: 1, cycleSeeds: 0, lyapunov: { ...lyapunov, count: 2 } })).toMatch(
      /more\s+exponents\s+are\s+needed/,
    );
    const short = { ...lyapunov, steps: 1e9, timeLimit: 1e-6 };
    const cut = pageOf(wild, 'cut', { seeds: 1, cycleSeeds: 0, lyapunov: short });
    isSound(cut);
    expect(cut).toMatch(/too\s+short\s+for\s+errors/);
    const resting = pageOf(block(4), 'rest', { lyapunov });
    isSound(resting);
    expect(resting).toContain('the attractor is a point');
    // A unit that forgets all in one step: no exponent is a number.
    const forgetful = pageOf({ W: matrix(2, 2), alpha: 1 }, 'none', { lyapunov });
    isSound(forgetful);
    expect(pageOf(block(4))).not.toContain('Lyapunov exponents');
  });

  it('shows basins where they were asked for', () => {
    const page = pageOf(block(8), 'basins', { basinSeeds: 100 });
    isSound(page);
    expect(page).toMatch(/The\s+share\s+of\s+100\s+starts\s+from\s+random\s+states/);
    expect(pageOf(block(8))).not.toContain('Basins of attraction');
    // Every run ends on a cycle.
    const turn = pageOf({ W: matrixOf([[1.3, -0.75], [0.75, 1.3]]), alpha: 0.1 }, 'none', { basinSeeds: 5 }); // prettier-ignore
    isSound(turn);
    expect(turn).toContain('ended at none');
  });

  it('escapes the name of a file', () => {
    const page = pageOf(block(4), '<script>x</script>');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('<script>');
  });

  it.each([
    ['one unit', { W: matrixOf([[2]]), alpha: 0.1 }],
    ['no weights', { W: matrix(3, 3), alpha: 0.1 }],
    ['a degenerate point', { W: matrixOf([[1]]), alpha: 0.1 }],
    ['per-unit alpha in the current form', { ...block(4), alpha: Float64Array.of(0.1, 0.2, 0.3, 1), form: 'current' }],
    [
      'a focus',
      {
        W: matrixOf([
          [0.9, -2],
          [2, 0.9],
        ]),
        alpha: 0.1,
      },
    ],
  ] as const)('draws %s', (_name, network) => {
    isSound(pageOf(network));
  });
});

describe('renderComparison', () => {
  const pageFor = (reference: AttractorNetwork, fit: AttractorNetwork, options: CompareOptions = {}): string => {
    const compared = compare(reference, fit, { seeds: 200, judged: false, ...options });
    const view = portraitView(reference, compared.reference);
    return renderComparison({
      title: 'fit beside generator',
      command: 'drnn compare a.npz b.npz',
      compared,
      view,
      placeOfFit: view.place,
      unitOfReference: 1,
      measures: [],
      findings: [],
      version: '0',
    });
  };

  it('shows both networks, and edges that one of them has alone', () => {
    const page = pageFor(block(8), block(8));
    isSound(page);
    expect(count(page, /<svg/g)).toBe(5);
    expect(page).toContain('Basins of attraction of the reference and of the fit');
    expect(page).not.toContain('in the reference alone');
    const lost = pageFor(block(8), {
      W: matrix(
        8,
        8,
        block(8).W.data.map((value, k) => (k < 32 ? value : 0)),
      ),
      alpha: 0.1,
    });
    isSound(lost);
    expect(lost).toContain('in the reference alone');
    expect(lost).toContain('none');
  });

  it('shows basins from recorded states beside those from random ones', () => {
    const recording = matrix(
      60,
      8,
      Float64Array.from({ length: 480 }, (_, k) => 0.9 * Math.sin(k * k)),
    );
    const page = pageFor(block(8), block(8), { recording });
    isSound(page);
    expect(count(page, /aria-label="The share of runs from (random|recorded) states/g)).toBe(2);
  });

  it('has something to say where nothing is a pair', () => {
    const page = pageFor(
      { W: matrixOf([[2]]), alpha: 0.1 },
      { W: matrixOf([[0]]), b: Float64Array.of(0.5), alpha: 0.1 },
    );
    isSound(page);
    expect(page).toContain('No points are pairs.');
  });
});

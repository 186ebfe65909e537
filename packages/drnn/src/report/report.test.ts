import { createHash } from 'node:crypto';
import type { CalibrationCheck } from '@drnn/estimators';
import { matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { type Document, Window } from 'happy-dom';
import { describe, expect, it } from 'vitest';
import { renderReport, type ReportData } from './index.js';
import { decodePng } from './decode-png.test.data.js';
import { sampleReport } from './sample-report.test.data.js';

const parse = (page: string): Document => {
  const window = new Window();
  return new window.DOMParser().parseFromString(page, 'text/html');
};

const elements = new Set(
  `html head body meta title style header main section footer h1 h2 p div span strong b i ul ol li table caption thead tbody
  tr th td pre code blockquote figure figcaption svg g path line rect circle text tspan image`.split(/\s+/),
);

const attributes = new Set(
  `lang charset http-equiv content name id class role scope rowspan aria-label aria-labelledby viewBox width height x y x1 y1 x2
  y2 dx dy cx cy r d transform fill stroke text-anchor font-family font-size font-weight font-variant stroke-width
  stroke-dasharray stroke-opacity fill-opacity stroke-linejoin stroke-linecap stroke-miterlimit preserveAspectRatio
  image-rendering href`.split(/\s+/),
);

/** Nothing but the elements that we write, no handlers, no styles but one sheet, no address outside the file. */
const expectHarmless = (document: Document): void => {
  const found: string[] = [];
  for (const element of document.querySelectorAll('*')) {
    if (!elements.has(element.localName)) found.push(`<${element.localName}>`);
    for (const { name, value } of element.attributes) {
      if (!attributes.has(name)) found.push(name);
      if (name === 'href' && !/^data:image\/png;base64,[A-Za-z0-9+/=]+$/.test(value ?? ''))
        found.push(`${name}=${value}`);
    }
  }
  expect(found).toEqual([]);
  expect(document.querySelectorAll('style')).toHaveLength(1);
  expect(document.querySelectorAll('meta')).toHaveLength(6);
};

const calibratedSample: NonNullable<ReportData['calibrated']> = {
  winner: 'rounds',
  effort: 'full',
  pilot: { residual: 1e-3, steps: 8 },
  choice: {
    winner: 'rounds',
    strength: null,
    tempering: 1,
    scores: { rounds: 0.62, 'least-squares': 0.5, 'cross-entropy': null },
    margin: 0.12,
    blocks: 4,
  },
  rounds: [
    {
      levels: { input: 0.06, output: 0.012 },
      autocorrelationTime: 1,
      shrinkage: { W: 0.7, Win: 3 },
      remaining: { median: 0.03, worst: 1.5 },
      converged: true,
      method: 'conjugate-gradients',
      newtonSteps: 1,
      products: 9,
    },
    {
      levels: { input: 0.052, output: 0.011 },
      autocorrelationTime: 1.3,
      shrinkage: { W: 1.2, Win: 3.5 },
      remaining: { median: 1e-4, worst: 0.0081 },
      converged: true,
      method: 'exact',
      newtonSteps: 3,
      products: 0,
    },
  ],
};

const words = (page: string): string => parse(page).documentElement.textContent ?? '';

describe('renderReport', () => {
  it('states a policy that allows its own style sheet, embedded images and nothing else', () => {
    const document = parse(renderReport(sampleReport()));
    const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content') ?? '';
    const sheet = document.querySelector('style')?.textContent ?? '';
    const hash = createHash('sha256').update(sheet).digest('base64');
    expect(policy.split('; ').sort()).toEqual([
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'none'",
      'img-src data:',
      `style-src 'sha256-${hash}'`,
    ]);
    expect(sheet).not.toMatch(/url\(|@import/);
  });

  it('needs nothing from outside: no address is loaded, and none is written', () => {
    expect(renderReport(sampleReport({ inputs: 2 }))).not.toMatch(/https?:|\bsrc=|<script|<link|<iframe/i);
  });

  it('shows every hostile string as text and nothing else', () => {
    const attacks = [
      '<img src=x onerror=alert(1)>',
      '</title><script>alert(1)</script>',
      '</style><style>*{display:none}</style>',
      '"><svg onload=alert(1)>',
      "' onmouseover='alert(1)",
      '</svg></figure><b>',
      '<!--',
      ']]>',
      '&lt;b&gt; &amp;',
      '${1+1}',
      '$&$1',
      'javascript:alert(1)',
    ];
    const arbitrary = fc.string({ unit: fc.constantFrom(...'<>&"\'`=/ aé本-!$'.split('')), minLength: 1 });
    const hostile = fc.shuffledSubarray(attacks, { minLength: 4 }).map((some) => some.join(' '));
    fc.assert(
      fc.property(fc.oneof(hostile, arbitrary), (attack) => {
        const page = renderReport(sampleReport({ units: 2, inputs: 1, text: (plain) => `${plain} ${attack} end` }));
        const document = parse(page);
        expectHarmless(document);
        const shown = document.body.textContent ?? '';
        for (const plain of [
          'Network of recording.npz',
          'recording.npz',
          'ab12',
          '0.1.0',
          'cell 0',
          'convex',
          'ridge',
        ]) {
          expect(shown).toContain(`${plain} ${attack} end`);
        }
        for (const plain of [
          '1e-5',
          'few samples',
          'converged',
          'cpu',
          'quantile',
          'npx drnn fit recording.npz --alpha 0.1',
        ]) {
          expect(shown).toContain(`${plain} ${attack} end`);
        }
        expect(document.querySelector('title')?.textContent).toBe(`Network of recording.npz ${attack} end`);
      }),
      { numRuns: 12, examples: [[attacks.join(' ')]] },
    );
  });

  it.each([1, 2, 25])('draws %i units with and without inputs', (units) => {
    for (const inputs of [0, 3]) {
      const page = renderReport(sampleReport({ units, inputs }));
      expectHarmless(parse(page));
      expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    }
  });

  it('embeds the weights as one image, a pixel a weight', () => {
    const page = renderReport(sampleReport({ units: 300 }));
    const document = parse(page);
    expectHarmless(document);
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    const images = Array.from(document.querySelectorAll('image'), (image) =>
      decodePng(new Uint8Array(Buffer.from(image.getAttribute('href')?.split(',')[1] ?? '', 'base64'))),
    );
    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [300, 300],
      [1, 255],
    ]);
  });

  it('numbers its figures in order, each with a caption and a label for those who cannot see it', () => {
    const document = parse(renderReport(sampleReport({ inputs: 1 })));
    const captions = Array.from(
      document.querySelectorAll('figure > figcaption'),
      (caption) => caption.textContent ?? '',
    );
    expect(captions).toHaveLength(6);
    captions.forEach((caption, index) => {
      expect(caption).toMatch(new RegExp(`^Figure ${index + 1}\\. .*n =\\s`, 's'));
    });
    for (const drawing of document.querySelectorAll('svg')) {
      expect(drawing.getAttribute('role')).toBe('img');
      expect(drawing.getAttribute('aria-label')?.length).toBeGreaterThan(20);
    }
    expect(document.documentElement.getAttribute('lang')).toBe('en');
    for (const header of document.querySelectorAll('th'))
      expect(header.getAttribute('scope')).toMatch(/^(row|col|rowgroup)$/);
  });

  it('shows the distribution of weights alone where no eigenvalues were computed', () => {
    const data = sampleReport({ units: 12 });
    const page = words(renderReport({ ...data, spectrum: { re: new Float64Array(), im: new Float64Array() } }));
    expect(page).toContain('Figure 5. Distribution of the recurrent weights. The 132 weights');
    expect(page).toContain('The eigenvalues were not computed');
    expect(page).not.toContain('spectral radius');
  });

  it('says in words that nothing was held out', () => {
    const page = words(renderReport(sampleReport({ heldOut: false })));
    expect(page).toContain('there are no scores');
    expect(page).toContain('No data were held out.');
    expect(page).not.toContain('Held-out scores and their baselines');
  });

  it('says in words which score is below its baseline', () => {
    const data = sampleReport();
    const scores = data.scores ?? expect.unreachable();
    const page = words(renderReport({ ...data, scores: { ...scores, drive: { pooled: -1e9, median: -0.2 } } }));
    expect(page).toContain('no better than training mean for the drive (pooled and median R²)');
    expect(words(renderReport(data))).toContain('Every score is above its baselines.');
  });

  it('writes numbers that could not be computed as words', () => {
    const data = sampleReport({ units: 4, inputs: 2 });
    const nothing = { pooled: Number.NaN, median: Number.NaN };
    const scores = data.scores ?? expect.unreachable();
    const traces = data.traces ?? expect.unreachable();
    const broken: ReportData = {
      ...data,
      samplingInterval: Number.NaN,
      alpha: { lowest: Number.NaN, highest: Number.NaN },
      status: 'non-finite',
      residual: Number.NaN,
      thetaErrorBound: Infinity,
      objective: Number.NaN,
      seconds: Number.NaN,
      W: { ...data.W, data: data.W.data.map(() => Number.NaN) },
      Win: { ...data.Win, data: data.Win.data.map(() => Infinity) },
      b: data.b.map(() => Number.NaN),
      spectrum: { re: data.spectrum.re.map(() => Number.NaN), im: data.spectrum.im.map(() => Number.NaN) },
      trace: [{ step: 0, objective: Number.NaN, residual: Number.NaN, seconds: Number.NaN }],
      scores: {
        ...scores,
        oneStep: nothing,
        drive: nothing,
        closedLoop: [{ horizon: 10, pooled: -Infinity, median: Number.NaN }],
        byUnit: {
          oneStep: scores.byUnit.oneStep.map(() => Number.NaN),
          drive: scores.byUnit.drive.map(() => Number.NaN),
        },
      },
      traces: { ...traces, closedLoop: { ...traces.closedLoop, data: traces.closedLoop.data.map(() => Number.NaN) } },
      scale: { ...data.scale, outsideBefore: Number.NaN, outsideAfter: Number.NaN },
      identifiability: {
        condition: Infinity,
        effectiveDirections: Number.NaN,
        predictors: 7,
        weak: [{ name: 'x', fraction: Number.NaN }],
      },
    };
    const page = renderReport(broken);
    expectHarmless(parse(page));
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(words(page)).toContain('not available');
  });

  it('tells how a calibrated fit came to its network, and does not call it an optimum', () => {
    const page = words(
      renderReport({ ...sampleReport({ inputs: 2 }), residual: 0.0081, calibrated: calibratedSample }),
    );
    const flat = page.replace(/\s+/g, ' ');
    expect(flat).toContain('How the network was estimated');
    expect(flat).toContain('from a convex pilot of 8 steps');
    expect(flat).toContain('Noise inside the nonlinearity (sd, of the current) 0.0520');
    expect(flat).toContain('Noise outside the nonlinearity (sd, of the target) 0.0110');
    expect(flat).toContain('autocorrelation time) 1.30');
    expect(flat).toContain('Ridge on Win (1 / variance of its weights) 3.50');
    expect(flat).toContain('0.090 standard errors');
    expect(flat).toContain('Noise-calibrated rounds0.620');
    expect(flat).toContain('Ridge, cross-entropy without weightsnot run');
    expect(flat).toContain('The rounds won by 0.120');
    expect(flat).toContain('no single convex problem');
    expect(flat).toContain('converged: every unit is within a tenth of a standard error');
    expect(flat).toContain('Wedderburn, R. W. M. (1974)');
    expect(flat).toContain('In each of 2 rounds');
    expect(flat).not.toContain('the best network of this kind');
    expect(flat).not.toContain('The objective was proven convex.');
    expect(flat).not.toContain('objective − lowest');
    expectHarmless(parse(renderReport({ ...sampleReport(), calibrated: calibratedSample })));
  });

  it('says of a quick fit what its median and its worst unit have left', () => {
    const rounds = calibratedSample.rounds.slice(1).map((round) => ({
      ...round,
      remaining: { median: 0.16, worst: 4 },
    }));
    const calibrated = { ...calibratedSample, effort: 'quick', rounds } as const;
    const flat = words(renderReport({ ...sampleReport(), residual: 4, calibrated })).replace(/\s+/g, ' ');
    expect(flat).toContain('converged: the median unit is within half a standard error');
    expect(flat).toContain('2.0 standard errors; median unit 0.40');
    expect(flat).toContain('the median unit lay 0.40 and the worst unit 2.0 standard errors from its optimum');
    expect(flat).not.toContain('a tenth of a standard error, asked of the last round');
    expect(flat).not.toContain('were divided by the autocorrelation time');
  });

  it('says that a ridge won, and by how much', () => {
    const choice = {
      winner: 'least-squares',
      strength: 0.003,
      tempering: 1,
      scores: { rounds: 0.31, 'least-squares': 0.42, 'cross-entropy': 0.4 },
      margin: 0.02,
      blocks: 4,
    } as const;
    const calibrated = { ...calibratedSample, winner: 'least-squares', choice, pilot: null, rounds: [] } as const;
    const page = renderReport({ ...sampleReport(), residual: 0, trace: [], calibrated });
    const flat = words(page).replace(/\s+/g, ' ');
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(flat).toContain('A plain ridge, least squares on inverted targets: it explained the blocks');
    expect(flat).toContain('strength 0.003 per transition) won by 0.0200');
    expect(flat).toContain('converged: the ridge that won was solved');
    expect(flat).not.toContain('Wedderburn');
  });

  it.each(['auto', 'auto-1se'] as const)('shows how a ridge was chosen: %s', (rule) => {
    const points = Array.from({ length: 9 }, (_, k) => ({
      strength: 10 ** (2 - k),
      score: k === 0 ? -40 : 0.9 - 0.05 * Math.abs(k - 5),
      standardError: 0.02,
      scores: [0.8, 0.9],
      behind: { mean: 0.05 * Math.abs(k - 5), standardError: 0.06 },
      norm: k,
      converged: true,
      steps: 10,
    }));
    const chosen = rule === 'auto' ? 1e-3 : 1e-2;
    const ridgePath = { points, best: 1e-3, chosen, rule, max: 100, blocks: 2 };
    const page = renderReport({ ...sampleReport(), ridgePath });
    const document = parse(page);
    expectHarmless(document);
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    const flat = words(page).replace(/\s+/g, ' ');
    expect(flat).toContain('How the ridge was chosen');
    expect(flat).toContain('Held-out score against the strength of the ridge');
    expect(flat).toContain(rule === 'auto' ? 'Taken was 0.00100, the best (R² 0.900)' : 'Taken was 0.0100 (R² 0.850)');
    expect(flat).toContain(`a ridge penalty of ${chosen.toPrecision(3)} per transition`);
    expect(flat).toContain('Scores more than 1 below the best are left out.');
    const marked = Array.from(document.querySelectorAll('svg'), (svg) =>
      svg.querySelectorAll('[fill-opacity] path, path[fill-opacity]'),
    );
    expect(Math.max(...marked.map(({ length }) => length))).toBe(1);
    expect(words(renderReport(sampleReport()))).not.toContain('How the ridge was chosen');
  });

  it('draws the search for alpha, shared or by unit, and says whether the data determine it', () => {
    const path = [0.02, 0.05, 0.1, 0.2, 0.5, 1].map((alpha) => ({ alpha, score: 0.9 + Math.log10(alpha / 0.1) ** 2 }));
    const profile = { mode: 'shared', values: new Float64Array(5).fill(0.1), path, flat: [], atEnd: [] } as const;
    const withProfile = (change: Partial<NonNullable<ReportData['alphaProfile']>>): string =>
      renderReport({ ...sampleReport(), alphaProfile: { ...profile, ...change } });
    const clear = withProfile({});
    expectHarmless(parse(clear));
    expect(words(clear)).toMatch(
      /How\s+alpha\s+was\s+found.*n\s+=\s+6\s+alphas\s+tried\s+on\s+5\s+units\..*Chosen:\s+0\.100,\s+error\s+0\.900/s,
    );
    expect(words(clear)).toMatch(/On both sides the error is\s+larger/);
    expect(words(withProfile({ flat: [0, 1, 2, 3, 4] }))).toMatch(/The profile is flat.*hardly determine it/s);
    const byUnit = withProfile({
      mode: 'unit',
      values: Float64Array.of(0.02, 0.1, 0.1, 0.3, 1),
      flat: [1],
      atEnd: [0, 4],
    });
    expectHarmless(parse(byUnit));
    expect(words(byUnit)).toMatch(/hardly determine the alpha of 1 of\s+5 units/);
    expect(words(byUnit)).toMatch(/That of 2 units lies at an end of the range/);
    expect(parse(byUnit).querySelectorAll('#alpha svg')).toHaveLength(2);
    // Sharp profiles are drawn on a logarithmic axis, errors far above persistence beyond the frame.
    const sharp = path.map(({ alpha }) => ({ alpha, score: 1e-4 + Math.log10(alpha / 0.1) ** 2 * 9 }));
    const broken = [...sharp, { alpha: 0.3, score: Number.NaN }];
    const page = withProfile({ path: broken });
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(words(page)).toMatch(/above the frame/);
    expect(words(withProfile({ path: [{ alpha: 0.1, score: Number.NaN }] }))).toContain('No alpha could be scored.');
  });

  it('draws weights with their intervals, and what was seen of held-out residuals, with the verdict in words', () => {
    const data = sampleReport({ units: 4, inputs: 2 });
    const errorsOf = ({ rows, columns }: ReportData['W'], size: number) =>
      matrix(rows, columns, new Float64Array(rows * columns).fill(size));
    const histogram = new Float64Array(64);
    for (let k = 0; k < 64; k++) histogram[k] = Math.round(1000 * Math.exp(-(((k - 31.5) / 4) ** 2) / 2));
    histogram[63] = 3;
    const residuals: CalibrationCheck = {
      trustworthy: true,
      reasons: [],
      samples: histogram.reduce((a, b) => a + b, 0),
      leftOut: 0,
      spread: 1.02,
      deviation: 1.01,
      excessKurtosis: 0.05,
      beyond: { two: 0.046, four: 1e-4 },
      autocorrelation: Float64Array.from({ length: 20 }, (_, k) => 0.02 * Math.sin(k)),
      autocorrelationTime: 1,
      unlikeUnits: 0,
      histogram,
    };
    const intervals: NonNullable<ReportData['intervals']> = {
      method: 'exact',
      standardErrors: { W: errorsOf(data.W, 0.2), Win: errorsOf(data.Win, 0.2) },
      medianStandardError: 0.2,
      undetermined: [],
      check: null,
      calibration: { trustworthy: true, reasons: [], residuals },
    };
    const trusted = renderReport({ ...data, intervals });
    expectHarmless(parse(trusted));
    expect(trusted).not.toMatch(/NaN|undefined|Infinity|\[object/);
    // Three units and two panels of residuals.
    expect(parse(trusted).querySelectorAll('#intervals svg')).toHaveLength(5);
    expect(words(trusted)).toContain('Held-out residuals are what the intervals take for granted');
    const clear = [...data.W.data, ...data.Win.data].filter((weight) => Math.abs(weight) > 1.96 * 0.2).length;
    expect(words(trusted)).toMatch(new RegExp(`The intervals of\\s+${clear} of 24 weights`));
    expect(words(trusted)).toContain('what lies beyond ±7.75: 3 residuals');
    const hostile = '<script>alert(1)</script> correlated in time';
    const doubted = renderReport({
      ...data,
      intervals: {
        ...intervals,
        method: 'shared',
        check: { units: [0, 1], median: 1.1, power: 0.5, spread: [0.9, 1.2] },
        undetermined: [2],
        calibration: { trustworthy: false, reasons: [hostile], residuals: null },
      },
    });
    expectHarmless(parse(doubted));
    expect(words(doubted)).toMatch(/Do not read these as 95% intervals:\s+<script>/);
    expect(words(doubted)).toMatch(/its error is\s+infinite/);
    expect(words(doubted)).toMatch(/corrected by the exact ones of\s+2 units/);
    const nothing = { W: errorsOf(data.W, Infinity), Win: errorsOf(data.Win, Infinity) };
    const page = renderReport({
      ...data,
      intervals: { ...intervals, standardErrors: nothing, medianStandardError: Infinity },
    });
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(words(page)).toContain('No weight has a finite standard error');
    expect(words(renderReport(data))).not.toContain('How far the weights may be off');
  });

  it('shows no estimation where the fit was one convex problem', () => {
    const page = words(renderReport(sampleReport()));
    expect(page).not.toContain('How the network was estimated');
    expect(page).toContain('The objective was proven convex.');
  });

  it('is the same for equal data', () => {
    const options = { units: 12, inputs: 2 };
    expect(renderReport(sampleReport(options))).toBe(renderReport(sampleReport(options)));
  });

  it('takes under 3 seconds at 100 units, and stays under 2 MB at 1,000', () => {
    // Processor time, since the machine may be busy.
    const began = process.cpuUsage();
    renderReport(sampleReport({ units: 100 }));
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(3);
    expect(renderReport(sampleReport({ units: 1000 })).length).toBeLessThan(2_000_000);
  });
});

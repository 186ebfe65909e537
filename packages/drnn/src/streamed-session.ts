import { npyRows, type Source, streamRecording } from '@drnn/recordings';
import { DrnnError, failure, type RowSource } from '@drnn/tensor';
import type { FitContext } from './fit-context.js';
import type { Settings } from './fit-options.js';
import type { FitSource } from './session.js';

/** A recording of one trial in a file, of which a fit holds no more than what its backend keeps. */
export interface StreamedSession {
  /** [time, unit], finite. */
  readonly rates: RowSource;
  readonly samplingInterval: null;
  readonly unitNames: readonly string[];
  readonly sources: readonly Source[];
  readonly notes: readonly string[];
}

/** Bytes of activity as float64 from which on `stream` auto reads a file piece by piece: a fit holds several copies. */
const worthStreaming = 2 ** 28;

/**
 * The recording as one that is read piece by piece; null where it is read whole, with a sentence on why where it is large
 * or was to be read so. Errors: `stream` is `always`, and something must have the recording whole.
 */
export const streamedSession = async (
  source: FitSource,
  context: FitContext,
  settings: Settings,
): Promise<StreamedSession | null> => {
  const { stream } = settings;
  if (stream === 'never') return null;
  const path = typeof source === 'string' ? source : Array.isArray(source) && source.length === 1 ? source[0] : null;
  const refused = (why: string): null => {
    if (stream === 'always') {
      throw failure({
        path: 'stream',
        seen: `always, with ${why}`,
        expected: 'a recording that can be read piece by piece',
        hint: 'leave stream out, or say never: the recording is then read whole',
      });
    }
    return null;
  };
  if (typeof path !== 'string') return refused('several files, or a recording in memory');
  let rows: RowSource;
  try {
    rows = await npyRows(path);
  } catch (error) {
    // What is wrong with a file that is read whole, its reader says.
    if (!(error instanceof DrnnError)) throw error;
    if (stream === 'always') throw error;
    return null;
  }
  if (stream === 'auto' && 8 * rows.rows * rows.columns < worthStreaming) return null;
  const whole = (why: string): null => {
    refused(why);
    context.onNotice?.(`The recording is large, and is read whole: ${why}.`);
    return null;
  };
  const reasons = reasonsForWhole(context, settings);
  if (reasons.length > 0) return whole(`${reasons.join(', ')} ${reasons.length === 1 ? 'needs' : 'need'} it so`);
  try {
    const recording = await streamRecording(path);
    const unitNames = Array.from({ length: rows.columns }, (_, j) => `unit ${j}`);
    return { ...recording, samplingInterval: null, unitNames, sources: [recording.source] };
  } catch (error) {
    if (!(error instanceof DrnnError)) throw error;
    return whole(error.issues.map(({ seen }) => seen).join(', '));
  }
};

/** Options that look at the recording as a whole, by name. */
const reasonsForWhole = (context: FitContext, settings: Settings): readonly string[] => {
  const { alpha, ridgeRule, form, layout } = { ...settings, layout: context.layout ?? 'time-unit' };
  const given = ['trials', 'inputs', 'observed', 'badFrames', 'sampleWeights', 'intervals', 'inputLags'] as const;
  return [
    ...(context.key === undefined ? [] : ['key']),
    ...(layout === 'time-unit' ? [] : [`layout ${layout}`]),
    ...(typeof alpha === 'string' ? [`alpha ${alpha}`] : []),
    ...(ridgeRule === null ? [] : [`ridge ${ridgeRule}`]),
    ...(form === 'rate' ? [] : [`form ${form}`]),
    ...given.filter((name) => settings[name] !== undefined),
    ...(context.objective?.weights.kind === 'explicit' ? ['weights of each sample'] : []),
  ];
};

import { type Backend, describeIssue, type DrnnError, isDeviceLost } from '@drnn/tensor';
import { deviceOf } from './device-of.js';
import { backendKinds, type BackendName } from './kinds.js';
import { autoOrder, openBackend } from './open-backend.js';
import { type Polisher, polisherFor } from './polisher.js';

/** A device that was lost in the middle of a fit. */
export interface DeviceLoss {
  readonly backend: string;
  /** What it ran on, where there is something to name. */
  readonly device: string | null;
  /** What the backend said. */
  readonly reason: string;
  /** The stage it was in. */
  readonly stage: string;
  /** The step whose state was kept; null where there was none yet. */
  readonly step: number | null;
  /** Where the fit went on; null where it did not. */
  readonly wentOn: string | null;
}

/** A backend at work, and all that belongs to it. */
interface Post {
  readonly on: Backend;
  readonly device: string | null;
  readonly polisher: Polisher;
  /** Closes what was opened for it. */
  close(): Promise<void>;
}

/** What a fit runs on: a backend, and another one in its place where it loses its device and that was asked for. */
export interface Hardware {
  now(): Pick<Post, 'on' | 'device' | 'polisher'>;
  /** The device that was lost; null where none was. */
  loss(): DeviceLoss | null;
  /**
   * Work in a scope of the backend; where that loses its device, the same work once more on the one in its place. Errors:
   * those of the work; a lost device with nothing in its place.
   */
  use<Result>(stage: string, work: (on: Backend) => Promise<Result>): Promise<Result>;
  /** Puts another backend in the place of one that lost its device; false where none was asked for. */
  replace(error: DrnnError, stage: string, step: number | null): Promise<boolean>;
  close(): Promise<void>;
}

export interface HardwareOptions {
  /** The backend, open; closed by `close` where it was opened for this. */
  readonly on: Backend;
  readonly closes: boolean;
  /** Where to go on without a device; once, as what it names has none to lose. */
  readonly fallback: BackendName | 'auto' | undefined;
  readonly onNotice?: (sentence: string) => void;
}

/** An open backend as the hardware of a fit. */
export const hardwareOn = ({ on: first, closes, fallback, onNotice }: HardwareOptions): Hardware => {
  const post = (on: Backend, ours: boolean): Post => ({
    on,
    device: deviceOf(on),
    polisher: polisherFor(on, onNotice),
    close: async () => (ours ? on.close() : undefined),
  });
  const posts = [post(first, closes)];
  const now = (): Post => posts.at(-1) ?? post(first, closes);
  let loss: DeviceLoss | null = null;

  const replace: Hardware['replace'] = async (error, stage, step) => {
    const { on, device } = now();
    const lost = { backend: on.name, device, reason: error.issues.map(describeIssue).join(' '), stage, step };
    if (fallback === undefined || posts.length > 1) {
      loss ??= { ...lost, wentOn: null };
      return false;
    }
    const opened = await openBackend(
      { name: fallback, ...(onNotice === undefined ? {} : { onNotice }) },
      backendKinds,
      autoOrder().filter((name) => name !== on.name),
    );
    posts.push(post(opened.on, true));
    loss = { ...lost, wentOn: opened.name };
    onNotice?.(lossSentence(loss));
    return true;
  };

  return {
    now,
    loss: () => loss,
    replace,
    use: async (stage, work) => {
      try {
        return await now().on.scope(work);
      } catch (error) {
        if (!isDeviceLost(error) || !(await replace(error, stage, null))) throw error;
        return now().on.scope(work);
      }
    },
    close: async () => {
      for (const each of posts.toReversed()) await each.polisher.close().finally(() => each.close());
    },
  };
};

/** What became of a device and of the fit, in a sentence. */
export const lossSentence = ({ backend, device, stage, step, wentOn }: DeviceLoss): string => {
  const where =
    step === null ? `in the ${stage}, before its first step was done` : `after step ${step} of the ${stage}`;
  const then =
    wentOn !== null
      ? `it goes on on ${wentOn}${step === null ? '' : ' from there'}`
      : 'the last state was kept, and a fit from it goes on (from, --from) on another backend; with fallback (--fallback) that happens by itself';
  return `The backend ${backend}${device === null ? '' : ` (${device})`} lost its device ${where}: ${then}.`;
};

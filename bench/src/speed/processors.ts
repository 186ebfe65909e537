import { cpus, loadavg, release, totalmem } from 'node:os';
import { pause } from './timing.js';

const times = (): { readonly busy: number; readonly all: number } => {
  let [busy, all] = [0, 0];
  for (const { times: each } of cpus()) {
    const working = each.user + each.nice + each.sys + each.irq;
    busy += working;
    all += working + each.idle;
  }
  return { busy, all };
};

/** The part of all processors that is at work, looked at for a while. */
export const busyPart = async (milliseconds: number): Promise<number> => {
  const before = times();
  await pause(milliseconds);
  const after = times();
  return after.all > before.all ? (after.busy - before.busy) / (after.all - before.all) : 0;
};

export const load = (): string =>
  loadavg()
    .map((each) => each.toFixed(2))
    .join(' ');

export const machineLines = (): readonly string[] => [
  `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} processors, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${release()}`,
  `Node ${process.versions.node}, V8 ${process.versions.v8}`,
];

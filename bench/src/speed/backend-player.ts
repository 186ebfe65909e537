import type { Backend, Precision } from '@drnn/tensor';
import { type BackendName, openBackend } from './backends.js';
import { preparer } from './passes.js';
import type { Introduction, Player } from './player.js';

const hasLibrary = (
  on: Backend,
): on is Backend & { readonly library: { readonly path: string; readonly name: string; readonly version: string } } =>
  'library' in on && typeof on.library === 'object' && on.library !== null && 'path' in on.library;

const introduce = (on: Backend): Introduction => {
  if (hasLibrary(on)) {
    const { path, name, version } = on.library;
    return { says: `${name} ${version ?? ''}, ${path}`, library: path };
  }
  return { says: 'device' in on ? String(on.device) : 'ready', library: null };
};

/** One of our backends. */
export const backendPlayer = async (name: BackendName, precision: Precision, threads: number): Promise<Player> => {
  const on = await openBackend(name, precision, threads);
  const { prepare, release } = preparer(on);
  return { introduction: introduce(on), prepare, release };
};

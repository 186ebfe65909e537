import type { Backend } from '@drnn/tensor';
import { type BackendKind, type BackendKinds, backendKinds, type BackendName, backendNames } from './kinds.js';
import { deviceOf, libraryPathOf } from './device-of.js';
import { autoOrder, openKind, reasonOf } from './open-backend.js';

/** What a look at one backend found. */
export interface BackendFinding {
  readonly name: BackendName;
  /** Whether it opened and passed its self-check. */
  readonly found: boolean;
  /** In words: what it is, or why it is not there and how to get it. */
  readonly says: string;
}

/** What a look at all of them found. */
export interface BackendFindings {
  readonly backends: readonly BackendFinding[];
  /** The one that `auto` takes; null where none works. */
  readonly auto: BackendName | null;
}

/** Opens every backend with its defaults, checks it, and closes it again; one after the other. */
export const examineBackends = async (
  kinds: BackendKinds = backendKinds,
  order = autoOrder(),
): Promise<BackendFindings> => {
  const backends: BackendFinding[] = [];
  for (const name of backendNames) backends.push(await examine(kinds[name]));
  const works = (name: BackendName): boolean => backends.some((each) => each.name === name && each.found);
  return { backends, auto: order.find(works) ?? null };
};

const examine = async (kind: BackendKind): Promise<BackendFinding> => {
  const { name } = kind;
  let on: Backend;
  try {
    on = await openKind(kind, {});
  } catch (error) {
    return { name, found: false, says: reasonOf(error) };
  }
  const says = [
    ...[deviceOf(on), libraryPathOf(on)].filter((words) => words !== null),
    kind.precisions.length > 1 ? kind.precisions.join(' and ') : `${kind.precisions.join()} only`,
    `${on.threads} ${on.threads === 1 ? 'thread' : 'threads'}`,
    'self-check passed',
  ].join(', ');
  await on.close();
  return { name, found: true, says };
};

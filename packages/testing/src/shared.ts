import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `shared` beside the checkout: fixtures and recordings that are no part of the repository. */
const folder = fileURLToPath(new URL('../../../../shared', import.meta.url));

/** The path of a file below the folder `shared`. It exists only where `capability('shared')` is available. */
export const sharedPath = (...parts: readonly string[]): string => join(folder, ...parts);

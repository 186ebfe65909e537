import type { Backend } from '@drnn/tensor';

const text = (value: object, name: string): string | null => {
  const field: unknown = Reflect.get(value, name);
  return typeof field === 'string' && field !== '' ? field : null;
};

/**
 * What a backend runs on beyond its name, in words without folders: `software adapter: SwiftShader driver 5.0.0`,
 * `OpenBLAS 0.3.21 (SkylakeX)`. Null where there is nothing to say. A scope's child does not know it.
 */
export const deviceOf = (on: Backend): string | null => {
  if ('library' in on && typeof on.library === 'object' && on.library !== null) {
    return [text(on.library, 'name'), text(on.library, 'version')].filter((word) => word !== null).join(' ');
  }
  return text(on, 'device');
};

/** Where the library of a backend was found; null where it has none. */
export const libraryPathOf = (on: Backend): string | null =>
  'library' in on && typeof on.library === 'object' && on.library !== null ? text(on.library, 'path') : null;

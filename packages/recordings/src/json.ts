import { failure } from '@drnn/tensor';

/** A JSON value. Objects made by `parseJson` have no prototype, so no key of a file can reach one. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const DEEPEST = 64;
const LARGEST = 16 * 1024 * 1024;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The deepest nesting of brackets outside strings; found before parsing, which recurses. */
const depthOf = (text: string): number => {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 92) i++;
      else if (code === 34) quoted = false;
    } else if (code === 34) quoted = true;
    else if (code === 91 || code === 123) deepest = Math.max(deepest, ++depth);
    else if (code === 93 || code === 125) depth--;
  }
  return deepest;
};

/** A copy without prototypes of what `JSON.parse` or a caller made, with every forbidden key and number reported. */
const copyPlain = (value: unknown, path: string, depth: number): JsonValue => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw failure({ path, seen: `${value}`, expected: 'a finite number or null: JSON has no other' });
  }
  if (depth > DEEPEST) throw failure({ path, seen: `nesting deeper than ${DEEPEST}`, expected: 'flatter JSON' });
  if (Array.isArray(value)) return value.map((item, i) => copyPlain(item, `${path}[${i}]`, depth + 1));
  if (typeof value !== 'object') throw failure({ path, seen: `a ${typeof value}`, expected: 'a JSON value' });
  const result: Record<string, JsonValue> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    if (forbidden.has(key)) throw failure({ path, seen: `the key ${JSON.stringify(key)}`, expected: 'names of data' });
    if (item !== undefined) result[key] = copyPlain(item, `${path}.${key.slice(0, 80)}`, depth + 1);
  }
  return result;
};

/** Parses JSON from a file: at most 16 MiB and 64 levels, objects without prototypes, no key that names one. */
export const parseJson = (bytes: Uint8Array, path = 'json'): JsonValue => {
  if (bytes.length > LARGEST) throw failure({ path, seen: `${bytes.length} bytes`, expected: `at most ${LARGEST}` });
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const depth = depthOf(text);
    if (depth > DEEPEST) throw new SyntaxError(`nesting of ${depth} levels`);
    value = JSON.parse(text);
  } catch (cause) {
    const seen = cause instanceof Error ? cause.message.slice(0, 200) : 'an error';
    throw failure({ path, seen: `text that is no JSON (${seen})`, expected: 'JSON in UTF-8' }, cause);
  }
  return copyPlain(value, path, 0);
};

/** JSON of a value, indented, in UTF-8. Throws for NaN and infinity, which JSON.stringify would turn into null. */
export const encodeJson = (value: JsonValue, path = 'json'): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${JSON.stringify(copyPlain(value, path, 0), null, 2)}\n`);

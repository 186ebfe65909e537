/**
 * Constants of vector code, kept in memory. Engines make a vector constant anew at every use, in three instructions or
 * more; a load is one. So `c(0.5)` of the elementary functions becomes a load from a table at a fixed address, which
 * whoever makes the memory writes once. In f32 and f64 sources `c` takes numbers, `bits` whole numbers.
 */

/** Where the table lies: behind the switchboard of the threads. */
export const constantsAt = 4096;

const named = (source) =>
  new Map([...source.matchAll(/^const ([A-Z_]+): [fu]\d\d = ([^;]+);/gm)].map(([, name, value]) => [name, value]));

const numberOf = (text, names) => {
  const known = names.get(text.replace(/^-/, ''));
  if (known !== undefined) return (text.startsWith('-') ? -1 : 1) * numberOf(known, names);
  const [above, below] = text.split(' / ');
  const value = below === undefined ? Number(text) : Number(above) / Number(below);
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`no constant: ${text}`);
  return value;
};

const vectorOf = (kind, text, width, names) => {
  const view = new DataView(new ArrayBuffer(16));
  for (let at = 0; at < 16; at += width / 8) {
    if (kind === 'bits' && width === 64) view.setBigUint64(at, BigInt(names.get(text) ?? text), true);
    else if (kind === 'bits') view.setUint32(at, Number(names.get(text) ?? text), true);
    else if (width === 64) view.setFloat64(at, numberOf(text, names), true);
    else view.setFloat32(at, numberOf(text, names), true);
  }
  return Array.from({ length: 4 }, (_, k) => view.getUint32(4 * k, true));
};

/** The sources with their constants as loads, and the words of the table. */
export const poolConstants = (sources) => {
  const places = new Map();
  const words = [];
  const pooled = Object.fromEntries(
    Object.entries(sources).map(([name, source]) => {
      const width = Number(/^elementary(32|64)\.ts$/.exec(name)?.[1] ?? 0);
      if (width === 0) return [name, source];
      const names = named(source);
      const text = source.replaceAll(/\b(c|bits)\(((?:-?[\dA-Z][\w.+-]*)(?: \/ [\d.]+)?)\)/g, (_, kind, value) => {
        const vector = vectorOf(kind, value, width, names);
        const key = vector.join();
        if (!places.has(key)) {
          places.set(key, constantsAt + 4 * words.length);
          words.push(...vector);
        }
        return `v128.load(${places.get(key)})`;
      });
      return [name, text];
    }),
  );
  return { sources: pooled, words };
};

import { modules } from './kernels.generated.js';

/** A module of one function, `f32x4.relaxed_madd` of its three arguments: valid where the engine has relaxed SIMD. */
const relaxedProbe = Uint8Array.from(
  [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    [0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b],
    [0x03, 0x02, 0x01, 0x00],
    [0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x85, 0x02, 0x0b],
  ].flat(),
);

/** Whether the engine has fused multiply-add in vectors: Node 22 and later, current browsers. */
export const hasFusedMultiplyAdd = (): boolean => WebAssembly.validate(relaxedProbe);

const decoded = (base64: string): Uint8Array<ArrayBuffer> => {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The kernels, compiled once a program for each arithmetic and kind of memory. */
export const kernelModule = (fused: boolean, shared: boolean): Promise<WebAssembly.Module> => {
  const key = `${fused} ${shared}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const { base64, memoryFlag } = fused ? modules.fused : modules.plain;
  const bytes = decoded(base64);
  bytes[memoryFlag] = shared ? 3 : 1;
  const made = WebAssembly.compile(bytes);
  compiled.set(key, made);
  return made;
};

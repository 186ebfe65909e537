/** a b + c in every lane: one instruction where the engine has relaxed SIMD, which may round once or twice. */
// @ts-ignore: decorator
@inline
export function madd<T>(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(a, b, c);
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** Numbers in a vector. */
// @ts-ignore: decorator
@inline
export function lanes<T>(): i32 {
  return (16 / sizeof<T>()) as i32;
}

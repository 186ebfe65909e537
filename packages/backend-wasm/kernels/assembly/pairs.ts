/**
 * x_p x_q for predictors p from `first` to before `end` and all q <= p, row by row. Words: 0 rows, 1 predictors, 2 first,
 * 3 end, 4 x (f64), 5 where they go (f64). Nothing is written past the last one: other threads write there.
 */
export function multiplyPairs(block: usize): void {
  const rows = load<i32>(block, 0);
  const stride = (load<i32>(block, 4) as usize) * 8;
  const first = (load<i32>(block, 8) as usize) * 8;
  const end = (load<i32>(block, 12) as usize) * 8;
  let x = load<u32>(block, 16) as usize;
  let to = load<u32>(block, 20) as usize;
  for (let t = 0; t < rows; ++t) {
    for (let p = x + first; p < x + end; p += 8) {
      const value = load<f64>(p);
      const both = f64x2.splat(value);
      let q = x;
      for (; q < p; q += 16, to += 16) v128.store(to, f64x2.mul(both, v128.load(q)));
      if (q == p) {
        store<f64>(to, value * value);
        to += 8;
      }
    }
    x += stride;
  }
}

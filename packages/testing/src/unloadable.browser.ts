// A module that fails before it can run.
export const run = (): number => half;

const half: number = ((): number => {
  throw new Error('failed while loading');
})();

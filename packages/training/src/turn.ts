/** Lets the event loop turn, so that an abort, a timer or a progress bar is served in the middle of an epoch. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

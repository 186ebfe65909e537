/** Lets the event loop turn, so that an abort, a timer or a progress bar is served between two steps. */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });

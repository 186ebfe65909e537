import type { Backend } from '../backend.js';
import { failure } from '../error.js';

/**
 * A backend that loses its device after so many passes, products of a Gram matrix or uploads, as a graphics processor
 * does: for tests of whatever must go on elsewhere. From then on everything but its host, its scopes and `close` fails.
 */
export const losingDevice = (on: Backend, after: number): Backend => {
  const counter = { left: after };
  return withLosses(on, () => {
    if (counter.left-- > 0) return;
    throw failure({
      path: `backend-${on.name}`,
      seen: 'a lost device (made for a test): it was taken away',
      expected: 'a device that lasts',
      code: 'device-lost',
    });
  });
};

const withLosses = (on: Backend, work: () => void): Backend => ({
  ...on,
  scope: (body) => on.scope((inner) => body(withLosses(inner, work))),
  rows: async (...given) => {
    work();
    return on.rows(...given);
  },
  read: async (...given) => {
    work();
    return on.read(...given);
  },
  select: async (...given) => {
    work();
    return on.select(...given);
  },
  pass: async (...given) => {
    work();
    return on.pass(...given);
  },
  gram: async (...given) => {
    work();
    return on.gram(...given);
  },
  gramEach: async (...given) => {
    work();
    return on.gramEach(...given);
  },
});

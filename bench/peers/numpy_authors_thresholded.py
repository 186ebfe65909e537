"""The iteration of CORNN's published code in NumPy, float64, timed: --help lists the options.

From Theta = A^-1 X' atanh(d), A = X'X + T ridge I, each step is

    Theta <- Theta - A^-1 (T ridge Theta - X' E),   E = (d - tanh X Theta) / (1 - d^2), 0 where larger than the threshold,

each unit's errors multiplied by T / (T - number of excluded); one all of whose errors are excluded follows the ridge alone.
The published code also forms A^-1 X' and (A^-1 X') X before it iterates; both are left out here, since A^-1 times the
bracket is the same step for fewer operations. Arithmetic is in place, over blocks of rows that stay in a cache.

Prints JSON lines: who it is; then {"step", "seconds", "relativeError", "correlation", "slope"} (the last three with
--truth, over all of W, relative to the standard deviation of W). `seconds` run from the recording in memory: targets,
weights, Gram matrix, inverse, start, steps; not the reading of files, nor the comparison with the truth.
"""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rates", required=True, help="npy, [time, unit]")
parser.add_argument("--alpha", required=True, help="dt / tau: a number, or an npy of one number or [unit]")
parser.add_argument("--trials", help="npy, [time] integers: no transition crosses a change")
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--threshold", type=float, default=0.2)
parser.add_argument("--ridge", type=float, default=1e-5, help="a transition")
parser.add_argument("--threads", type=int, default=1, help="of the BLAS; the rest of NumPy has one")
parser.add_argument("--block", type=int, default=1024, help="rows of a block; 0 for whole arrays")
parser.add_argument("--every", type=int, default=10, help="steps from one line to the next; the last one has a line")
parser.add_argument("--truth", help="npy, W [unit, unit], row = target")
parser.add_argument("--theta", help="where the last Theta [unit, unit] goes, as npy")
options = parser.parse_args()
for library in ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB_MAXIMUM"):
    os.environ[f"{library}_NUM_THREADS"] = str(options.threads)  # Read once, as NumPy loads its BLAS.

import numpy as np  # noqa: E402
from loaded_blas import introduction  # noqa: E402

MARGIN = 1e-6


def number_or_file(text):
    try:
        return float(text)
    except ValueError:
        return np.load(text).astype(float)


def answer(line):
    print(json.dumps(line), flush=True)


rates = np.ascontiguousarray(np.load(options.rates), float)
alpha = number_or_file(options.alpha)
truth = None if options.truth is None else np.load(options.truth)
answer(introduction(rates.dtype))
np.linalg.inv(np.eye(64) + np.ones((64, 64)) @ np.ones((64, 64)))  # Its threads are there before the clock starts.


class Clock:
    """Seconds of work; stands still in between."""

    def __init__(self):
        self.seconds, self.began = 0.0, time.perf_counter()

    def stop(self):
        self.seconds += time.perf_counter() - self.began
        return self.seconds

    def go_on(self):
        self.began = time.perf_counter()


def report(step, theta):
    line = {"step": step, "seconds": clock.stop()}
    if truth is not None:
        w, error = truth.T, theta - truth.T
        line["relativeError"] = float(np.sqrt((error**2).mean()) / w.std())
        line["correlation"] = float(np.corrcoef(w.ravel(), theta.ravel())[0, 1])
        line["slope"] = float((w * theta).sum() / (w * w).sum())
    answer(line)
    clock.go_on()


clock = Clock()
if options.trials is None:
    x, following = rates[:-1], rates[1:]
else:
    trials = np.load(options.trials)
    inside = np.flatnonzero(trials[1:] == trials[:-1])
    x, following = rates[inside], rates[inside + 1]
transitions, units = x.shape
d = np.multiply(x, alpha - 1)
d += following
d /= alpha
np.clip(d, MARGIN - 1, 1 - MARGIN, out=d)
w = np.multiply(d, d)
np.subtract(1, w, out=w)
np.divide(1, w, out=w)

ridge = options.ridge * transitions
rows = options.block or transitions
blocks = [slice(start, min(start + rows, transitions)) for start in range(0, transitions, rows)]
z, size = np.empty((rows, units)), np.empty((rows, units))
included = np.empty((rows, units), bool)

gram = x.T @ x
gram.flat[:: units + 1] += ridge
inverse = np.linalg.inv(gram)
theta = np.zeros((units, units))
for block in blocks:
    y = z[: block.stop - block.start]
    np.arctanh(d[block], out=y)
    theta += x[block].T @ y
theta = inverse @ theta

report(0, theta)
ascent, part = np.empty((units, units)), np.empty((units, units))
for step in range(1, options.steps + 1):
    ascent[:] = 0
    counts = np.zeros(units)
    for block in blocks:
        count = block.stop - block.start
        e, s, kept = z[:count], size[:count], included[:count]
        np.matmul(x[block], theta, out=e)
        np.tanh(e, out=e)
        np.subtract(d[block], e, out=e)
        e *= w[block]
        np.abs(e, out=s)
        np.less_equal(s, options.threshold, out=kept)
        e *= kept
        counts += np.add.reduce(kept.view(np.uint8), 0, np.uint16 if count < 2**16 else np.int64)
        np.matmul(x[block].T, e, out=part)
        ascent += part
    ascent *= np.divide(transitions, counts, out=np.zeros(units), where=counts > 0)
    ascent -= ridge * theta
    theta += inverse @ ascent
    if step == options.steps or step % options.every == 0:
        report(step, theta)
if options.theta is not None:
    np.save(options.theta, theta)

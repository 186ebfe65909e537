"""NumPy at the work of the bench: python numpy_passes.py float32|float64. Answers JSON lines on its standard input.

The passes are timed in two forms, whole arrays and blocks of rows, both in place; the faster one takes part.
"""

import json
import sys
import time

import numpy as np
from loaded_blas import introduction

real = np.dtype(sys.argv[1])
TRIALS, ALPHA, MARGIN, CLIP, BLOCK = 50, 0.1, 1e-6, 0.2, 1024


def random(rows, columns):
    return np.random.default_rng(1).uniform(-1, 1, (rows, columns)).astype(real)


class Recording:
    """X, targets d and weights w in this precision, as the bench derives them; Theta in float64, as it is on a host."""

    def __init__(self, file, steps, units):
        values = np.fromfile(file)
        rates = values[: (steps + TRIALS) * units].reshape(TRIALS, steps // TRIALS + 1, units)
        d = (rates[:, 1:] - (1 - ALPHA) * rates[:, :-1]) / ALPHA
        d = np.clip(d, MARGIN - 1, 1 - MARGIN).reshape(steps, units)
        self.x = np.ascontiguousarray(rates[:, :-1].reshape(steps, units), real)
        self.d = d.astype(real)
        self.w = (1 / (1 - d * d)).astype(real)
        self.theta = values[(steps + TRIALS) * units :].reshape(units, units)


latest = (None, None)


def recording(file, operation):
    global latest
    if latest[0] != file:
        latest = (file, Recording(file, operation["steps"], operation["units"]))
    return latest[1]


def slope(z, d, w):
    """clip(w (tanh z - d)), in place. In float32 this cancels where our stable form does not: it is the cheaper one."""
    np.tanh(z, out=z)
    z -= d
    z *= w
    np.clip(z, -CLIP, CLIP, out=z)


def losses(z, d, scratch):
    """log 2cosh z - d z = |z| + log1p(exp(-2|z|)) - d z, into the scratch; `z` stays."""
    np.abs(z, out=scratch)
    scratch *= -2
    np.exp(scratch, out=scratch)
    np.log1p(scratch, out=scratch)
    scratch += np.abs(z)
    scratch -= d * z


def pass_in_blocks(of, rows, value):
    steps, units = of.x.shape
    z, scratch = np.empty((rows, units), real), np.empty((rows, units), real)
    part = np.empty((units, units), real)
    gradient = np.empty((units, units))

    def act():
        theta = of.theta.astype(real)
        gradient.fill(0)
        sums = np.zeros(units)
        for start in range(0, steps, rows):
            block = slice(start, min(start + rows, steps))
            x, d = of.x[block], of.d[block]
            zb = z[: len(x)]
            np.matmul(x, theta, out=zb)
            if value:
                losses(zb, d, scratch[: len(x)])
                sums += scratch[: len(x)].sum(0, dtype=np.float64)
            slope(zb, d, of.w[block])
            np.matmul(x.T, zb, out=part)
            np.add(gradient, part, out=gradient)
        return gradient, sums

    return act


def seconds(act):
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def faster(acts):
    """The form that takes part, and its name; each runs twice, the first time to warm up."""
    times = {name: (seconds(act), seconds(act))[1] for name, act in acts.items()}
    name = min(times, key=times.get)
    return acts[name], name


def prepare(operation, file):
    kind, units, steps = operation["kind"], operation["units"], operation.get("steps", 0)
    if kind in ("product", "largest"):
        transposed = kind == "largest" or operation["transposed"]
        x = random(steps, units)
        other = random(steps, units) if transposed else random(units, units)
        left = x.T if transposed else x
        out = np.empty((left.shape[0], units), real)
        return lambda: np.matmul(left, other, out=out), None
    if kind == "cholesky":
        a = random(units, units)
        a = a + a.T + 4 * units * np.eye(units)
        return lambda: np.linalg.cholesky(a), None
    of = recording(file, operation)
    if kind == "gram":
        return lambda: of.x.T @ of.x, None
    if kind == "pass":
        value = operation["value"]
        return faster(
            {
                "whole arrays": pass_in_blocks(of, steps, value),
                f"blocks of {BLOCK} rows": pass_in_blocks(of, BLOCK, value),
            }
        )
    if kind == "pointwise":
        name, z, scratch = operation["name"], of.x.copy(), np.empty_like(of.x)

        def act():
            if name == "z":
                return z.sum(0)
            if name == "tanh":
                np.tanh(z, out=scratch)
            elif name == "slope":
                scratch[:] = z
                slope(scratch, of.d, of.w)
            else:
                losses(z, of.d, scratch)
            return scratch.sum(0)

        return act, "w (tanh z - d)" if name == "slope" else None
    raise ValueError(f"NumPy has no {kind} here")


act, latest_run, LONGEST = None, 0.0, 600.0


def respond(request):
    global act, latest_run
    if request["ask"] == "prepare":
        act, note = prepare(request["operation"], request["file"])
        began = time.perf_counter()
        result = act()
        milliseconds = 1000 * (time.perf_counter() - began)
        norm = float(np.sqrt((result[0] ** 2).sum())) if request["operation"]["kind"] == "pass" else None
        latest_run = milliseconds
        return {"reply": "prepared", "milliseconds": milliseconds, "gradientNorm": norm, "note": note}
    if request["ask"] == "turn":
        if latest_run < LONGEST:
            act()  # Others had the caches since the last turn.
        samples, total = [], 0.0
        while not samples or total < request["milliseconds"]:
            samples.append(1000 * seconds(act))
            total += samples[-1]
        return {"reply": "samples", "samples": samples}
    act = None
    return {"reply": "done"}


def answer(reply):
    print(json.dumps(reply), flush=True)


answer({"reply": "introduction", "introduction": introduction(real)})
for line in sys.stdin:
    try:
        answer(respond(json.loads(line)))
    except Exception as error:
        answer({"reply": "failed", "reason": f"{type(error).__name__}: {error}"})

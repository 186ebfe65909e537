"""Writes lapack-fixtures.json: what LAPACK, through SciPy, says of matrices with difficult eigenvalues.

    python3 lapack-fixtures.py > lapack-fixtures.json

The named matrices are made by gallery.ts too; random ones are written out. `conditions` are |l| |r| / |l^H r|.
"""

import json

import numpy as np
import scipy.linalg as sl


def jordan(n, value, corner):
    a = value * np.eye(n) + np.eye(n, k=1)
    a[-1, 0] = corner
    return a


def frank(n):
    i, j = np.indices((n, n))
    return np.where(j < i - 1, 0, n - np.maximum(i, j)).astype(float)


def clement(n):
    return np.diag(np.arange(1.0, n), 1) + np.diag(np.arange(n - 1.0, 0, -1), -1)


def grcar(n):
    return np.triu(np.tril(np.ones((n, n)), 3)) - np.eye(n, k=-1)


def companion(roots):
    return sl.companion(np.poly(roots))


def scaled():
    d = np.array([1e8, 1.0, 1e-8])
    return d[:, None] * np.array([[1.0, 1, 1], [1, 2, 1], [1, 1, 3]]) / d


rng = np.random.default_rng(1)


def marginal():
    """A map at the border: a multiplier within 1e-14 of 1, the others inside, in a basis that is not orthogonal."""
    v = np.eye(12) + 0.3 * rng.standard_normal((12, 12))
    return v @ np.diag(np.r_[1 - 1e-14, np.linspace(-0.9, 0.95, 11)]) @ np.linalg.inv(v)


cases = {
    "jordan": (jordan(10, 0.5, 1e-10), False),
    "frank": (frank(12), False),
    "clement": (clement(30), False),
    "grcar": (grcar(50), False),
    "companion": (companion(np.arange(1.0, 11)), False),
    "scaled": (scaled(), False),
    "random": (rng.standard_normal((16, 16)), True),
    "marginal": (marginal(), True),
    "nearly triangular": (np.triu(rng.standard_normal((14, 14))) + 1e-9 * rng.standard_normal((14, 14)), True),
}

result = {}
for name, (a, written) in cases.items():
    values, left, right = sl.eig(a, left=True, right=True)
    overlap = np.abs(np.sum(left.conj() * right, axis=0))
    result[name] = {
        "order": len(a),
        "sum": float(a.sum()),
        "real": values.real.tolist(),
        "imaginary": values.imag.tolist(),
        "conditions": (1 / overlap).tolist(),
        "singular": sl.svdvals(a).tolist(),
    }
    if written:
        result[name]["entries"] = a.ravel().tolist()
    if name in ("random", "marginal"):
        result[name]["exponential"] = sl.expm(a / 4).ravel().tolist()
wide = rng.standard_normal((5, 9))
result["wide"] = {"order": 5, "entries": wide.ravel().tolist(), "singular": sl.svdvals(wide).tolist()}
stable = result["random"]["entries"]
a = np.array(stable).reshape(16, 16)
q = np.diag(np.arange(1.0, 17)) + 0.1
result["random"]["continuousLyapunov"] = sl.solve_continuous_lyapunov(a - 6 * np.eye(16), -q).ravel().tolist()
result["random"]["discreteLyapunov"] = sl.solve_discrete_lyapunov(a / 8, q).ravel().tolist()
print(json.dumps(result))

"""Times LAPACK through SciPy on request: a line `operation n` on standard input, seconds of the processor on standard output."""

import sys
import time

import numpy as np
import scipy.linalg as sl


def residual(a):
    values, right = sl.eig(a)
    return np.abs(a @ right - right * values).max() / np.linalg.norm(a)


operations = {
    "product": lambda a: a @ a,
    "lu": lambda a: sl.lu_factor(a),
    "solve": lambda a: sl.solve(a, a.T),
    "qr": lambda a: sl.qr(a),
    "eigenvalues": lambda a: sl.eigvals(a),
    "eigen": lambda a: sl.eig(a, left=True, right=True),
    "schur": lambda a: sl.schur(a),
    "svd": lambda a: sl.svd(a),
    "singular values": lambda a: sl.svdvals(a),
    "exponential": lambda a: sl.expm(a / np.sqrt(len(a))),
    "lyapunov": lambda a: sl.solve_continuous_lyapunov(a - 3 * np.sqrt(len(a)) * np.eye(len(a)), -np.eye(len(a))),
    "residual": residual,
}

for line in sys.stdin:
    name, n = line.rsplit(" ", 1)
    a = np.random.default_rng(1).standard_normal((int(n), int(n)))
    if name == "residual":
        print(residual(a), flush=True)
        continue
    start = time.process_time()
    operations[name](a)
    print(time.process_time() - start, flush=True)

"""The BLAS that this NumPy works with: its file, and what it says of itself."""

import ctypes
import re
import sys

import numpy as np


def mapped_library():
    """The BLAS that this process has loaded, where the system says."""
    try:
        with open("/proc/self/maps") as maps:
            files = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except OSError:
        return None
    found = [name for name in sorted(files) if re.search(r"(openblas|mkl_rt|blis)[^/]*$", name)]
    return found[0] if found else None


def introduction(precision):
    library = mapped_library()
    says = "an unknown BLAS"
    if library is not None:
        says = library
        native = ctypes.CDLL(library)
        for prefix in ("", "scipy_"):
            for suffix in ("", "64_"):
                try:
                    config = getattr(native, f"{prefix}openblas_get_config{suffix}")
                    core = getattr(native, f"{prefix}openblas_get_corename{suffix}")
                except AttributeError:
                    continue
                config.restype = core.restype = ctypes.c_char_p
                version = re.search(r"OpenBLAS ([\d.]+)", config().decode())
                says = f"OpenBLAS {version[1] if version else ''} ({core().decode()}), {library}"
    return {"says": f"{precision} throughout, NumPy {np.__version__}, Python {sys.version.split()[0]}, {says}", "library": library}

"""For which vectors the kernels are written, how they are compiled, and where the compiled code is kept."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding

settings: Any = numba.config  # its names are made at run time
MODES = {"wide": 16, "narrow": 8, "plain": 0}  # floats in a vector; 0: as the compiler likes
ENGINES = Path(__file__).parents[2]


def choose_mode() -> str:
    """PLAYGROUND_KERNEL if it is set, else the widest vectors of this CPU. Without FMA an `llvm.fma` is a library call: loops then."""
    asked = os.environ.get("PLAYGROUND_KERNEL", "")
    if asked:
        if asked not in MODES:
            raise ValueError(f"PLAYGROUND_KERNEL={asked} is not one of {', '.join(MODES)}")
        return asked
    if settings.CPU_NAME not in (None, "", "host"):
        return "plain"  # compiled for another CPU than this one
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return "wide"
    return "narrow" if features.get("avx2") and features.get("fma") else "plain"


def cache_folder(mode: str) -> str:
    """Where compiled code is kept, "" for nowhere: under NUMBA_CACHE_DIR, the virtual environment or the user's cache. numba looks
    only at the file of the outermost function, so the folder is named by the contents of all of them."""
    sources = sorted([ENGINES / "nn" / "mlp.py", *ENGINES.glob("nn/kernels/*.py"), *ENGINES.glob("*/kernel*.py")])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    homes = [Path(sys.prefix) / "cache", Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "generative-playground"]
    if sys.prefix == sys.base_prefix:  # no virtual environment: leave the system's Python alone
        del homes[0]
    for home in [Path(settings.CACHE_DIR)] if settings.CACHE_DIR else homes:
        folder = home / "kernels" / f"{mode}-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return ""


def in_cache(function: Any, name: str) -> bool:
    """Whether a compiled kernel is kept for this copy of the sources: numba compiles again for another place of the same file."""
    return bool(CACHE) and any(Path(function.stats.cache_path).glob(f"{name}-*.nbc"))


MODE = choose_mode()
LANES = MODES[MODE]
COLUMNS = 2 * LANES or 32  # examples in a tile: two vectors
CACHE = cache_folder(MODE)
if CACHE:
    settings.CACHE_DIR = CACHE
# No reference counting (_nrt): nothing is allocated inside, and the counting cost as much as the arithmetic. Sums may be reordered
# and multiply-adds fused; not-a-number and infinity keep their meaning, for a lost run must be noticed.
OPTIONS: dict[str, Any] = dict(fastmath={"contract", "reassoc", "nsz", "arcp"}, error_model="numpy", nogil=True, _nrt=False)

inner = numba.njit(**OPTIONS)  # a part of a kernel
kernel = numba.njit(**OPTIONS, cache=bool(CACHE))  # called from Python; its compiled code holds all its parts


@numba.njit(**OPTIONS, inline="always")
def tile_at(X, offset, rows):  # type: ignore[no-untyped-def]
    """`rows` rows of an arena as (rows, COLUMNS). Loops over such a window vectorise: its indices are known not to be negative."""
    return X[offset : offset + rows * COLUMNS].reshape(rows, COLUMNS)

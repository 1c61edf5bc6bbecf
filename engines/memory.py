"""What the allocator does with memory that tensors leave behind."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h
KEPT = 1_000_000_000  # bytes


def keep_freed() -> None:
    """Keep freed memory for the next tensor. By default glibc hands pieces of 128 kB and more back to the system, and a small network then
    spends a fifth of its step on getting empty pages again. Other allocators stay as they are. As MALLOC_TRIM_THRESHOLD_ does, which must
    be there before a process begins."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for threshold in (TRIM_THRESHOLD, MMAP_THRESHOLD):
            mallopt(threshold, KEPT)

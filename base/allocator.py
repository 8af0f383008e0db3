"""glibc told to keep what a process frees, since a reading frees and takes the same memory again in every segment.

By itself glibc hands blocks of a few megabytes back to the kernel and asks for them again, page by page: a fifth of the
CPU time of a small model that reads. `python bench/perf/allocator.py` measures it.
"""

from __future__ import annotations

import ctypes
import os
import sys

#: What is set in the environment, for processes that are started from here; the number by which `mallopt` knows it, for
#: this one; and to what: bytes that may lie free before any are handed back, and the smallest block that is not kept
#: (the most that glibc accepts).
_SETTINGS = {"MALLOC_TRIM_THRESHOLD_": (-1, 1 << 30), "MALLOC_MMAP_THRESHOLD_": (-3, 32 << 20)}


def keep_freed_memory() -> None:
    """Set both unless the environment does; elsewhere than with glibc nothing happens."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for name, (parameter, size) in _SETTINGS.items():
        if name not in os.environ:
            os.environ[name] = str(size)
            mallopt(parameter, size)

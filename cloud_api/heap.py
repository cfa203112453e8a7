"""How the C library keeps memory that was freed: answers take megabytes for moments, again and again."""

import ctypes
import os
from collections.abc import Mapping

# glibc, malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8

# So much of what was freed stays with the process, in each of so many heaps; larger pieces come and go as before.
KEPT_BYTES = 16 * 2**20
LARGE_BYTES = 8 * 2**20
MOST_HEAPS = 4


def keep_freed_memory(environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether it is kept now: not where the C library knows nothing of it, or somebody has chosen otherwise.

    Without it every piece of a long answer is given back to the system and asked for anew, page by page: a third of
    what such an answer costs.
    """
    if any(name.startswith("MALLOC_") for name in environ) or "GLIBC_TUNABLES" in environ:
        return False
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    chosen = ((_TRIM_THRESHOLD, KEPT_BYTES), (_MMAP_THRESHOLD, LARGE_BYTES), (_ARENA_MAX, MOST_HEAPS))
    return all(bool(set_option(option, value)) for option, value in chosen)

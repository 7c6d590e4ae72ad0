"""How many cores numpy's products may use: one, and all of them for a large model.

At the size of a sentence a second core gains nothing: with two, a lesson of MiniLM takes a tenth longer and two thirds
more processor time than with one; of GPT-2 with 24 layers of 1,024, a fifth less. Who sets one of the variables below
decides instead.
"""

from __future__ import annotations

import os

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What libraries of linear algebra read when numpy is imported."""

_left_to_us = False


def begin_with_one() -> None:
    """Let products run on one core; to be called before numpy is imported."""
    global _left_to_us
    _left_to_us = not any(os.environ.get(name) for name in VARIABLES)
    if _left_to_us:
        os.environ.update(dict.fromkeys(VARIABLES, "1"))


def use_all() -> None:
    """Let products run on all cores that this process may use; not where the reader decided."""
    if _left_to_us:
        from threadpoolctl import threadpool_limits

        threadpool_limits(cores(), "blas")


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

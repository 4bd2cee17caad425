"""One piece of work on ranges of points, in several threads. Ctrl-C ends all of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from itertools import pairwise


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(work: Callable[[int, int], None], count: int, stride: int, threads: int) -> None:
    """Call ``work(start, stop)`` for all points below ``count``, at most ``stride`` at once.

    The calling thread takes the first share, so that it notices Ctrl-C between two strides. The first error of any
    thread is raised when all have ended.
    """
    stopped = threading.Event()
    errors: list[BaseException] = []

    def share(start: int, stop: int) -> None:
        try:
            for first in range(start, stop, stride):
                if stopped.is_set():
                    return
                work(first, min(first + stride, stop))
        except BaseException as error:
            stopped.set()
            errors.append(error)

    ranges = list(pairwise([count * i // threads for i in range(threads + 1)]))
    others = [threading.Thread(target=share, args=ends) for ends in ranges[1:]]
    try:
        for thread in others:
            thread.start()
        share(*ranges[0])
        for thread in others:
            thread.join()
    except BaseException:  # Ctrl-C while it waits
        stopped.set()
        for thread in others:
            if thread.ident is not None:
                thread.join()
        raise
    if errors:
        raise errors[0]

"""What has to be done before the process ends, also where a signal ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

ENDING = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE") if hasattr(signal, name)}
"""Signals that end a process, where nothing is done about them."""


@contextlib.contextmanager
def done_at_the_end(action: Callable[[], object]) -> Iterator[None]:
    """Do something when the block ends, however it ends: also before a signal ends the process, as it does by itself.

    Args:
        action: what to do. It may be called twice, and at any time from the beginning of the block on.
    """
    before: dict[int, Any] = {}

    def act_and_die(number: int, _: object) -> None:
        action()
        signal.signal(number, before[number])
        os.kill(os.getpid(), number)

    if threading.current_thread() is threading.main_thread():  # no other may ask for signals
        for number in ENDING:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                before[number] = handler
                signal.signal(number, act_and_die)
    try:
        yield
    finally:
        action()
        for number, handler in before.items():
            signal.signal(number, handler)

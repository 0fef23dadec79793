"""A lock for threads, in a process that may fork while one of them has it."""

import os
import threading

__all__ = ["new_lock"]


def new_lock() -> "threading.RLock":  # quoted: it is a function before Python 3.13
    """Return a lock that nobody has in a child, whoever has had it in the parent.

    For modules: it is never forgotten. A signal handler may take what the
    code that it interrupts has.
    """
    lock = threading.RLock()
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )
    return lock

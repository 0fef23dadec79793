"""Fixtures for the tests of plugins; pytest finds them where zcadapt is installed.

A module of its own, outside of the package: every run of pytest imports it, and
those that do not use it shall not import zcadapt.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from zcadapt.testing import Server

__all__ = ["zcadapt_server", "zcadapt_transcript"]


@pytest.fixture
def zcadapt_server() -> Iterator[Callable[..., Server]]:
    """Return what starts a server: ``zcadapt_server({'10-mine': service}).client()``.

    Its arguments are those of `zcadapt.testing.Server`. It may be called
    several times; all of them end with the test.
    """
    from zcadapt.testing import Server  # noqa: PLC0415 - see above

    with ExitStack() as stack:

        def serve(services: Mapping[str, Any] | None = None, **options: Any) -> Server:  # noqa: ANN401
            return stack.enter_context(Server(services, **options))

        yield serve


@pytest.fixture
def zcadapt_transcript() -> Callable[..., bytes]:
    """Return `zcadapt.testing.transcript`: what real clients send."""
    from zcadapt.testing import transcript  # noqa: PLC0415 - see above

    return transcript

"""What holds for all tests: machine code is kept in a folder of the run's own, not in the user's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def kept_code() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="symdiff-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "SYMDIFF_CACHE_DIR", folder)
        yield

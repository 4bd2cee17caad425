"""What a thread does with the operations it runs: record them for backward, or not, or trace them.

The state is per thread, so that graphs built in several threads at once do not mix.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

QUIET: Final = 0  # nothing is recorded
RECORDING: Final = 1
WATCHED: Final = 2  # and beyond: every operation takes the general way (tracing, anomaly detection)


class _Mode(threading.local):
    state = RECORDING
    grad = True
    tracer: Any = None  # of `eager.compile`
    anomaly: Any = None  # of `autograd.detect_anomaly`

    def renew(self) -> None:
        """Derive ``state``, which alone is read on the hot path."""
        watched = self.tracer is not None or self.anomaly is not None
        self.state = WATCHED if watched else RECORDING if self.grad else QUIET


MODE: Final = _Mode()


def is_grad_enabled() -> bool:
    """Whether operations are recorded in this thread."""
    return MODE.grad


class _GradMode:
    """A context manager, and a decorator, that switches recording; ``set_grad_enabled`` also acts at once."""

    def __init__(self, mode: bool) -> None:
        self._mode = mode
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(MODE.grad)
        _switch(self._mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _switch(self._before.pop())

    def __call__(self, function: F) -> F:
        mode = self._mode

        @wraps(function)
        def call(*args: Any, **named: Any) -> Any:
            with _GradMode(mode):
                return function(*args, **named)

        return call  # type: ignore[return-value]  # it has the signature of what it wraps


def _switch(grad: bool) -> None:
    mode = MODE
    mode.grad = grad
    if mode.tracer is None and mode.anomaly is None:
        mode.state = RECORDING if grad else QUIET


class no_grad(_GradMode):  # the name that its users know
    """``with no_grad():`` or ``@no_grad()``: operations are not recorded, results require no gradient."""

    def __new__(cls, function: Any = None) -> Any:
        """``@no_grad`` without parentheses decorates too."""
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(no_grad):
    """``with enable_grad():`` or ``@enable_grad()``: operations are recorded, also inside ``no_grad``."""

    def __init__(self) -> None:
        _GradMode.__init__(self, True)


class inference_mode(no_grad):
    """The same as ``no_grad``: there is no cheaper kind of tensor here to make."""


class set_grad_enabled(_GradMode):
    """``set_grad_enabled(False)`` switches at once; as a context manager it switches back at the end."""

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self._outer = MODE.grad
        _switch(self._mode)

    def __enter__(self) -> None:
        self._before.append(self._outer)
        _switch(self._mode)

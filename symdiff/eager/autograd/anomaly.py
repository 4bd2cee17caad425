"""Finding the first operation that made a nan or infinity out of finite numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symdiff.eager import frames
from symdiff.eager.modes import MODE
from symdiff.eager.record import Node
from symdiff.eager.tensor import Tensor
from symdiff.errors import TensorError


class detect_anomaly:  # the name that its users know
    """``with detect_anomaly():`` raises where a backward pass makes a nan, and says which operation it belongs to.

    Attributes:
        first: in words, the first operation of the forward pass that made a nan or infinity out of
            finite numbers; None while there was none.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self.first: str | None = None
        self._before: list[Any] = []

    def __enter__(self) -> detect_anomaly:
        self._before.append(MODE.anomaly)
        MODE.anomaly = self
        MODE.renew()
        return self

    def __exit__(self, *_: object) -> None:
        MODE.anomaly = self._before.pop()
        MODE.renew()

    def inspect(self, name: str, operands: Sequence[Any], out: Tensor) -> None:
        """Look at the result of an operation of the forward pass."""
        if self.first is None and not _finite(out) and all(map(_finite, operands)):
            made = "nan" if np.isnan(out._value).any() else "an infinity"
            self.first = f"{name} made {made} of finite numbers at {frames.described(frames.place())}"

    def inspect_parts(self, node: Node, parts: Sequence[Any]) -> None:
        """Look at what an operation gives back in the backward pass.

        Raises:
            TensorError: nan values among it.
        """
        if not self.check_nan:
            return
        for i, part in enumerate(parts):
            value = part._value if isinstance(part, Tensor) else part
            if value is not None and np.isnan(value).any():
                raise TensorError(
                    f"Function '{node.name()}' returned nan values in its {i}th output; the operation was recorded at "
                    f"{node.place}" + (f". In the forward pass, {self.first}" if self.first else "")
                )


def _finite(x: Any) -> bool:
    return bool(np.isfinite(x._value if isinstance(x, Tensor) else x).all())


class set_detect_anomaly(detect_anomaly):
    """``set_detect_anomaly(True)`` switches it on at once; as a context manager it switches back at the end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self._outer = MODE.anomaly
        MODE.anomaly = self if mode else None
        MODE.renew()

    def __enter__(self) -> set_detect_anomaly:
        self._before.append(self._outer)
        return self

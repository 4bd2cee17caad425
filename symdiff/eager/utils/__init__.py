"""What belongs to training without being mathematics: `data`."""

from symdiff.eager import frames
from symdiff.eager.utils import data

__all__ = ["data"]

frames.register_package()

"""Backward passes, gradients, and functions with a backward of their own."""

from __future__ import annotations

from symdiff.eager import frames
from symdiff.eager.autograd import functional
from symdiff.eager.autograd.anomaly import detect_anomaly, set_detect_anomaly
from symdiff.eager.autograd.function import Function
from symdiff.eager.autograd.gradcheck import gradcheck, gradgradcheck
from symdiff.eager.gradients import backward, grad
from symdiff.eager.modes import enable_grad, inference_mode, no_grad, set_grad_enabled
from symdiff.eager.tensor import Tensor as Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

frames.register_package()

"""Optimizers: what changes parameters, given their gradients."""

from symdiff.eager import frames
from symdiff.eager.optim import lr_scheduler
from symdiff.eager.optim.adam import Adam, AdamW
from symdiff.eager.optim.optimizer import Optimizer
from symdiff.eager.optim.rmsprop import RMSprop
from symdiff.eager.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]

frames.register_package()

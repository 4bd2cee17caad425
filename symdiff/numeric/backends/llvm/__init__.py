"""The LLVM backend: machine code for functions of floats and for loops over arrays. Needs llvmlite (extra ``jit``).

Importing this package imports no llvmlite.
"""

from symdiff.numeric.backends.llvm.engine import available
from symdiff.numeric.backends.llvm.layout import floats_are_known
from symdiff.numeric.backends.llvm.lowering import lacking
from symdiff.numeric.backends.llvm.scalar import scalar_function
from symdiff.numeric.backends.llvm.vector import array_kernel

__all__ = ["array_kernel", "available", "floats_are_known", "lacking", "scalar_function"]

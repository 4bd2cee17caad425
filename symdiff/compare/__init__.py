"""The comparison of closed form, reverse mode and SymPy, its cases and its report. The only importer of SymPy."""

from symdiff.compare.bridge import from_sympy, to_sympy
from symdiff.compare.comparison import Comparison, Floats, Partial, compare_nodes

__all__ = ["Comparison", "Floats", "Partial", "compare_nodes", "from_sympy", "to_sympy"]

"""Random formulas: ``nodes()`` as graphs with shared parts, ``texts()`` as people type them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from symdiff.dag import Const, Node, Symbol, as_node, build
from symdiff.ops import OPS, Op

NAMES = ("x", "y", "x1", "x_2", "alpha", "λ", "x[0]", "x[3,12]", "gamma", "lambda", "E", "élan")

integers = st.one_of(st.integers(-9, 9), st.integers(-(10**30), 10**30))
fractions = st.builds(Fraction, st.integers(-999, 999), st.integers(2, 999))
decimals = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1, 6.626e-34, 1e22, 100.0, 5e-324, 1.7e308, -0.0, 1e16, 1e17, 1e-5]),
)
numbers = st.one_of(st.builds(as_node, integers), st.builds(Const, fractions), st.builds(as_node, decimals))
leaves = st.one_of(st.sampled_from(NAMES).map(Symbol), numbers)

# Rows that a formula can contain below its root: not the vector, no helper whose name no formula can spell.
OPERATIONS = [op for op in OPS.values() if op.infix != "[]" and (op.infix or op.name.isidentifier())]


@st.composite
def nodes(draw: st.DrawFn, size: int = 12) -> Node:
    """A graph over the whole table; later parts take earlier ones as arguments, so that parts are shared."""
    pool = draw(st.lists(leaves, min_size=1, max_size=5))
    for op in draw(st.lists(st.sampled_from(OPERATIONS), max_size=size)):
        pool.append(build(op, _arguments(draw, op, pool)))
    return pool[-1]


def _arguments(draw: st.DrawFn, op: Op, pool: list[Node]) -> tuple[Node, ...]:
    count = draw(st.integers(1, 4)) if op.arity is None else op.arity
    orders = [Const(draw(st.integers(op.least, op.least + 3))) for _ in range(op.parameters)]
    return (*orders, *(pool[-1 - draw(st.integers(0, len(pool) - 1))] for _ in range(count - op.parameters)))


_PIECES = [*"xye2()[],;+-*/^=<π√²½ \n\t#漢éⁿ\0|!.'_→"]
_PIECES += ["3.5", ".5", "1e3", "**", "==", "!=", "\r\n", "x[", "x[0]", "9" * 50]
_PIECES += ["sin", "log(", "sum(", "diff(", "where(", " if ", " else ", " and ", "not "]


def texts() -> st.SearchStrategy[str]:
    """What fingers type: pieces of the language in any order, and characters that it does not know."""
    pieces = st.one_of(st.sampled_from(_PIECES), st.sampled_from(_PIECES), st.text(max_size=3))
    return st.lists(pieces, max_size=15).map("".join)

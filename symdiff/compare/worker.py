"""The process in which SymPy works: questions as JSON lines on standard input, answers on standard output.

A question is a formula and its partials as rows of `symdiff.dag.flatten`, and points as exact
doubles; no text is evaluated. The answer comes in parts, each a line, the sure and cheap ones
first, so that a process killed at its time limit has answered what it could. Whatever SymPy
does wrong, memory and recursion included, is reported in the part that it spoils.

Nothing here is trusted with the life of the machine: memory is limited, and the process ends
with the one that started it.
"""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from symdiff.compare import bridge
from symdiff.dag import Const, Node, Row, flatten, unflatten
from symdiff.errors import SymdiffError

MEMORY: Final = 2 << 30  # bytes of address space
STACK: Final = 256 << 20  # SymPy recurses on its input: let it, within the memory that it has
RECURSION: Final = 20_000
DIGITS: Final = 50
PRECISIONS: Final = (50, 80, 160, 320)  # a value counts when two that follow each other agree to 45 digits
LARGEST_EXPONENT: Final = 50_000  # bits; beyond, an exact fraction would fill the memory
ALIKE: Final = Fraction(1, 10**40)  # forms that are this near, relatively, have the same value

Part = dict[str, Any]
Question = dict[str, Any]
Point = dict[str, Fraction]


def main() -> None:
    """Answer until standard input closes."""
    _stay_small()
    _end_with_parent()
    questions: queue.SimpleQueue[Question] = queue.SimpleQueue()
    answers = sys.stdout
    sys.stdout = sys.stderr  # a stray print must not look like an answer
    sys.setrecursionlimit(RECURSION)
    threading.stack_size(STACK)

    def say(part: Part) -> None:
        answers.write(json.dumps(part) + "\n")
        answers.flush()

    def work() -> None:
        try:
            import sympy

            say({"part": "ready", "version": sympy.__version__})
        except Exception as why:
            say({"part": "ready", "error": failure(why)})
            return
        while True:
            question = questions.get()
            try:
                for part in answer(question):
                    say(part)
            except Exception as why:
                say({"part": "formula", "error": failure(why)})
            say({"part": "done"})

    threading.Thread(target=work, daemon=True).start()
    for line in sys.stdin:
        questions.put(json.loads(line))
    os._exit(0)  # whoever asked is gone: leave at once, in the middle of anything


def answer(question: Question) -> Iterator[Part]:
    """The parts of the answer to one question.

    Args:
        question: ``rows`` with ``root`` and ``partials``, a list of ``[names, root]``; ``points``,
            each a dict from name to ``float.hex()``.

    Yields:
        ``derivative`` for each partial (``index``; ``text``, and ``rows`` with ``root``, or
        ``foreign`` when it has no counterpart here); ``value`` for each point (``index``;
        ``values`` of the formula and of SymPy's derivatives); ``equality`` for each partial
        (``index``, ``status``, ``how``); ``word`` for each that was not proved (``index``,
        ``said``: what SymPy's own simplification finds). A part may have ``error`` instead, and
        ``formula`` has nothing else.
    """
    nodes = unflatten(decoded_rows(question["rows"]), [question["root"], *(root for _, root in question["partials"])])
    wanted = [names for names, _ in question["partials"]]
    points = [_exact(point) for point in question["points"]]
    try:
        formula = bridge.to_sympy(nodes[0])
    except Exception as why:
        yield {"part": "formula", "error": failure(why)}
        return
    theirs: list[Any] = []
    for i, names in enumerate(wanted):
        part, form = _derivative(formula, names, nodes[1 + i])
        theirs.append(form)
        yield {"part": "derivative", "index": i, **part}
    for i, point in enumerate(points):
        values = [_value(form, point) for form in (formula, *theirs)]
        yield {"part": "value", "index": i, "values": values}
    unproved: list[int] = []
    for i, form in enumerate(theirs):
        if form is not None:
            part = _attempt(_equality, nodes[1 + i], form, points)
            yield {"part": "equality", "index": i, **part}
            unproved += [i] * (part.get("status") in ("agrees", "undecided"))
    for i in unproved:
        yield {"part": "word", "index": i, **_attempt(_word, nodes[1 + i], theirs[i])}


def _attempt(ask: Callable[..., Part], *args: Any) -> Part:
    try:
        return ask(*args)
    except Exception as why:
        return {"error": failure(why)}


def failure(why: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(why, SymdiffError):
        return str(why)
    said = str(why).strip().splitlines()
    return f"SymPy failed: {type(why).__name__}{': ' + said[0][:200] if said else ''}"


# ---- derivatives


def _derivative(formula: Any, names: list[str], ours: Node) -> tuple[Part, Any]:
    import sympy

    try:
        form = formula
        for name in names:
            form = sympy.diff(form, sympy.Symbol(name, real=True))
        part: Part = {"text": str(form)}
    except Exception as why:
        return {"error": failure(why)}, None
    try:
        rows, (root,) = flatten([bridge.from_sympy(form)])
        part |= {"rows": encoded_rows(rows), "root": root}
    except Exception as why:
        part["foreign"] = failure(why)
    return part, form


# ---- values


def _exact(point: dict[str, str]) -> Point | None:
    """The doubles of a point as exact numbers, or None where one is infinite."""
    values = {name: float.fromhex(x) for name, x in point.items()}
    if not all(map(math.isfinite, values.values())):
        return None
    return {name: Fraction(*x.as_integer_ratio()) for name, x in values.items()}


def _value(form: Any, point: Point | None) -> str:
    """The value at a point as a decimal of 50 digits, or a word for what it is instead.

    The words: ``inf``, ``-inf``, ``nan``, ``complex``, ``pole``, ``unknown: ...``.
    """
    if point is None:
        return "unknown: SymPy is asked at finite points only"
    if form is None:
        return "unknown: SymPy gave no derivative"
    left = _unevaluated(form)
    if left:
        return f"unknown: {left}"
    try:
        return _settled(form, point)
    except Exception as why:
        return f"unknown: {failure(why)}"


def _unevaluated(form: Any) -> str:
    """What SymPy only wrote down, if anything: its digits would be those of a finite difference."""
    import sympy as sp

    kinds = (sp.Derivative, sp.Subs, sp.Integral, sp.Sum, sp.Limit)
    if not form.has(*kinds):
        return ""
    inner = min(form.atoms(*kinds), key=lambda e: len(str(e)))
    return f"SymPy leaves {str(inner)[:60]} unevaluated"


def _settled(form: Any, point: Point) -> str:
    """The value on which two precisions agree: one alone may have lost all its digits to cancellation."""
    from sympy.core.cache import clear_cache

    clear_cache()  # it takes a Float of 15 digits for an equal one of 50, and then answers with 15
    before: Any = None
    for digits in PRECISIONS:
        value = _at(form, point, digits)
        if isinstance(value, str):
            return value
        if before is not None and abs(value - before) <= abs(value) * Fraction(1, 10**45):
            return _decimal(value)
        before = value
    return f"unknown: SymPy's digits do not settle by {PRECISIONS[-1]} (it may be 0)"


def _at(form: Any, point: Point, digits: int) -> Fraction | str:
    import sympy as sp

    exact = {sp.Symbol(name, real=True): sp.Rational(x.numerator, x.denominator) for name, x in point.items()}
    try:
        value = form.evalf(digits, subs=exact, maxn=2 * digits + 100)
        if not value.is_number or value.has(sp.nan, sp.zoo):
            raise ValueError
    except (ValueError, TypeError, ZeroDivisionError, AttributeError, NotImplementedError):
        value = form.subs(exact).evalf(digits, maxn=2 * digits + 100)
    if value in (sp.oo, -sp.oo, sp.nan):
        return {sp.oo: "inf", -sp.oo: "-inf", sp.nan: "nan"}[value]
    if value is sp.zoo:
        return "pole"
    real, imaginary = value.as_real_imag()
    if not (real.is_Number and imaginary.is_Number):
        return f"unknown: SymPy left {str(value)[:60]} unevaluated"
    if imaginary != 0 and abs(imaginary) > abs(real) * sp.Rational(1, 10**45):
        return "complex"
    if real != 0 and abs(sp.Float(real, 15)._mpf_[2]) > LARGEST_EXPONENT:
        return f"unknown: beyond 2**{LARGEST_EXPONENT}, or below its reciprocal"
    exactly = sp.Rational(real)
    return Fraction(int(exactly.p), int(exactly.q))


def _decimal(value: Fraction) -> str:
    """50 significant digits, rounded to nearest; zeros at the end left out, an exponent where it is large."""
    from decimal import Context, Decimal

    context = Context(prec=DIGITS, Emin=-(10**9), Emax=10**9)
    rounded = context.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(context)
    return f"{rounded:f}" if -7 < rounded.adjusted() < 17 else f"{rounded:e}".replace("e+", "e")


# ---- equality


def _equality(ours: Node, form: Any, points: list[Point | None]) -> Part:
    """Whether two forms are equal: the canonical form proves it; a point where the values differ refutes it."""
    if _same_canonical_form(ours, form):
        return {"status": "proved", "how": "one canonical form"}
    mine = bridge.to_sympy(ours)
    names = sorted(symbol.name for symbol in form.free_symbols | mine.free_symbols)
    tested = 0
    for point in [*filter(None, points), *_samples(names)]:
        values = [_value(f, point) for f in (mine, form)]
        if not all(value.lstrip("-")[:1].isdigit() for value in values):
            continue  # not a number there, for one of them: no common domain
        a, b = map(Fraction, values)
        if abs(a - b) > ALIKE * max(abs(a), abs(b)):
            where = {name: str(x) if x.denominator < 100 else repr(float(x)) for name, x in point.items()}
            return {"status": "refuted", "how": "differ", "point": where, "values": values}
        tested += 1
    if tested:
        return {"status": "agrees", "how": f"the same 40 digits at {tested} point{'s' * (tested > 1)}"}
    return {"status": "undecided", "how": _unevaluated(form) or "no point found at which SymPy evaluates both"}


def _word(ours: Node, form: Any) -> Part:
    """SymPy's own word on whether two forms are equal; it proves nothing."""
    import sympy as sp

    mine = bridge.to_sympy(ours)
    if mine == form:
        return {"said": "SymPy: the same expression"}
    return {"said": "SymPy: the difference simplifies to 0" if sp.simplify(mine - form) == 0 else ""}


def _same_canonical_form(ours: Node, form: Any) -> bool:
    from symdiff.symbolic.diff import simplify

    try:
        theirs = bridge.from_sympy(form)
        one, other, difference = simplify([ours, theirs, ours - theirs])
    except SymdiffError:
        return False
    return one is other or difference is Const(0)


def _samples(names: list[str], count: int = 8) -> Iterator[Point]:
    """Points of small rational coordinates, positive ones first, the same on every run."""
    for k in range(1, count + 1):
        values = [Fraction(1 + (k * 37 + i * 61) % 97, 31) for i in range(len(names))]  # in (0, 3.2)
        signs = [1 if k <= count // 2 or (k + i) % 2 else -1 for i in range(len(names))]
        yield {name: s * v for name, s, v in zip(names, signs, values, strict=True)}


# ---- rows as JSON


def encoded_rows(rows: list[Row]) -> list[list[Any]]:
    """Rows with numbers as hexadecimal texts, which have no length limit."""
    return [
        ["const", f"{row[1].numerator:x}", f"{row[1].denominator:x}", row[2]] if row[0] == "const" else list(row)
        for row in rows
    ]


def decoded_rows(rows: list[list[Any]]) -> list[Row]:
    """The inverse of `encoded_rows`."""
    return [
        ("const", Fraction(int(row[1], 16), int(row[2], 16)), row[3]) if row[0] == "const" else tuple(row)
        for row in rows
    ]


# ---- a good guest


def _stay_small() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):  # not on this system, or a stricter limit is in force
        pass


def _end_with_parent() -> None:
    """Ctrl-C is for the parent, whose end is ours: by the signal that Linux sends, and by standard input closing."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        parent_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    main()

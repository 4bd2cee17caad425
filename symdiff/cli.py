"""The command ``symdiff``: reads the arguments, calls the library, prints.

Exit status: 0 agreed, 1 a disagreement was found, 2 bad input, 130 interrupted. Whatever a verb
does not need is not imported, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

import symdiff as sd
from symdiff.errors import SymdiffError, VariableError, listed, nearest

if TYPE_CHECKING:
    from symdiff.compare import Comparison
    from symdiff.compare.many import BadLine, Record
    from symdiff.compare.report import Section
    from symdiff.expr import Expr

HELP: Final = """\
usage: symdiff [VERB] FORMULA [options]

  symdiff "6*x**2 + 2*x + 4" --at x=3

verbs
  compare   closed form, reverse mode and SymPy beside each other (the default)
  diff      the derivatives as formulas
  grad      the gradient as formulas, and its values at points by reverse mode

options
  --at u=3,v=4     a point; repeat it for more. x=-20:20 is a range of 51 points,
                   x=-20:20:5 one of 5; two ranges make a grid
  --wrt x,y        the variables to differentiate by (default: all)
  --order N        the order of the derivatives (default: 1)
  --file FILE      one formula a line, or JSON lines with expr and points;
                   - is standard input
  --no-sympy       do not ask SymPy
  --time-limit S   seconds that SymPy has for a formula (default: 10)
  --json           for programs
  --latex          formulas in LaTeX
  -o FILE          write there instead of standard output
  --               what follows is a formula
  -h, --help       this text
  --version        the version

exit status: 0 agreed, 1 a disagreement was found, 2 bad input
"""
VERBS: Final = ("compare", "diff", "grad")
RANGE_POINTS: Final = 51
MOST_POINTS: Final = 100_000


class UsageError(SymdiffError):
    """A command line that cannot be understood."""


class Options:
    """What the command line asks for."""

    def __init__(self) -> None:
        self.verb = "compare"
        self.formula: str | None = None
        self.at: list[str] = []
        self.wrt: tuple[str, ...] = ()
        self.order = 1
        self.file: str | None = None
        self.sympy = True
        self.time_limit = 10.0
        self.json = False
        self.latex = False
        self.output: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not words or words[0] in ("-h", "--help"):
            print(HELP, end="", file=sys.stdout if words else sys.stderr)
            return 0 if words else 2
        if words[0] == "--version":
            print(f"symdiff {sd.__version__}")
            return 0
        options = read_arguments(words)
        with warnings.catch_warnings(), _printer(options.output) as printer:
            warnings.showwarning = _show_warning
            return run(options, printer)
    except SymdiffError as why:
        print(f"error: {why}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has enough; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130


def run(options: Options, printer: Printer) -> int:
    """Do what the options ask for."""
    if options.verb == "compare" and options.sympy:
        from symdiff.compare.process import shared

        shared()  # SymPy takes a while to start: meanwhile, we read
    points = read_points(options.at)
    if options.file is not None:
        return _many(options, points, printer)
    assert options.formula is not None
    formula = sd.parse(options.formula)
    if options.verb == "compare":
        return _compare_one(_compared(formula, points, options), options, printer)
    _derivatives(formula, points, options, printer)
    return 0


# ---- arguments


def read_arguments(words: Sequence[str]) -> Options:
    """The options in a command line. What is no option is the formula, though it may begin with a minus.

    Raises:
        UsageError: an unknown option, a missing or bad value, no formula or more than one.
    """
    options = Options()
    rest: list[str] = []
    todo = list(words)
    while todo:
        word = todo.pop(0)
        if word == "--":
            rest += todo
            break
        name, has_value, value = word.partition("=")
        if name in _TAKE_VALUE and (has_value or word in _TAKE_VALUE):
            if not has_value:
                if not todo or todo[0] in _TAKE_VALUE or todo[0] in _FLAGS:
                    raise UsageError(f"{name} needs a value; see symdiff --help")
                value = todo.pop(0)
            _TAKE_VALUE[name](options, value)
        elif word in _FLAGS:
            _FLAGS[word](options)
        elif _looks_like_option(name):
            guess = nearest(name, [*_TAKE_VALUE, *_FLAGS])
            meant = f"; did you mean {listed(guess, 'or')}?" if guess else ""
            raise UsageError(f"unknown option {name}{meant}\n\nhint: before a formula that begins with '--', write --")
        else:
            rest.append(word)
    if rest and rest[0] in VERBS and (len(rest) > 1 or options.file is not None):
        options.verb = rest.pop(0)
    if len(rest) > 1:
        quoted = " ".join(rest)
        raise UsageError(f'one formula, not {len(rest)}; quote it: symdiff "{quoted}"')
    if bool(rest) == (options.file is not None):
        raise UsageError("a formula or --file, not both" if rest else "no formula; see symdiff --help")
    options.formula = rest[0] if rest else None
    return options


def _looks_like_option(name: str) -> bool:
    """``--word``: two minus signs before a longer name. ``--x`` and ``--x*y`` are formulas."""
    return name.startswith("--") and len(name) > 3 and name[2:].replace("-", "").isalpha()


def _set_wrt(options: Options, value: str) -> None:
    options.wrt = tuple(name.strip() for name in _split(value, ",") if name.strip())
    if not options.wrt:
        raise UsageError("--wrt needs the name of a variable")


def _set_order(options: Options, value: str) -> None:
    if not value.isdecimal() or not 1 <= int(value[:9]) <= 1000:
        raise UsageError(f"--order needs a whole number from 1 to 1000, not {value!r}")
    options.order = int(value)


def _set_time_limit(options: Options, value: str) -> None:
    try:
        options.time_limit = float(value)
    except ValueError:
        options.time_limit = math.nan
    if not 0 < options.time_limit < math.inf:
        raise UsageError(f"--time-limit needs a positive number of seconds, not {value!r}")


_TAKE_VALUE: Final[dict[str, Callable[[Options, str], None]]] = {
    "--at": lambda options, value: options.at.append(value),
    "--wrt": _set_wrt,
    "--order": _set_order,
    "--file": lambda options, value: setattr(options, "file", value),
    "--time-limit": _set_time_limit,
    "-o": lambda options, value: setattr(options, "output", value),
    "--output": lambda options, value: setattr(options, "output", value),
}
_FLAGS: Final[dict[str, Callable[[Options], None]]] = {
    "--json": lambda options: setattr(options, "json", True),
    "--latex": lambda options: setattr(options, "latex", True),
    "--no-sympy": lambda options: setattr(options, "sympy", False),
}


# ---- points


def read_points(texts: Iterable[str]) -> list[dict[str, float]]:
    """The points that ``--at`` options name: numbers, constant formulas (``x=pi/2``) and ranges.

    Raises:
        VariableError: a variable given twice, or values that are no numbers; names all of them.
    """
    return [point for text in texts for point in _points(text)]


def _points(text: str) -> Iterator[dict[str, float]]:
    pairs = [_pair(part) for part in _split(text, ",") if part.strip()]
    if not pairs:
        raise VariableError("--at is empty; write --at x=3")
    names = [name for name, _ in pairs]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise VariableError(f"{listed(twice)} given twice in --at {text}")
    values: dict[str, list[float]] = {}
    wrong: list[str] = []
    for name, value in pairs:
        try:
            values[name] = _values(value)
        except (SymdiffError, ValueError) as why:
            said = getattr(why, "summary", "") or str(why)
            wrong.append(f"{name} = {value!r}" + (f" ({said})" if said else ""))
    if wrong:
        raise VariableError(f"not a number in --at: {listed(wrong)}")
    if math.prod(map(len, values.values())) > MOST_POINTS:
        raise VariableError(f"--at {text} makes more than {MOST_POINTS:,} points")
    return (dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values()))


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not name.strip():
        raise VariableError(f"--at takes name=number, not {part.strip()!r}")
    return name.strip(), value.strip()


def _values(text: str) -> list[float]:
    """One number, or the points of a range ``from:to`` or ``from:to:count``."""
    parts = _split(text, ":")
    if len(parts) == 1:
        return [_number(text)]
    if len(parts) > 3:
        raise ValueError("a range is from:to or from:to:count")
    first, last = _number(parts[0]), _number(parts[1])
    count = parts[2].strip() if len(parts) == 3 else str(RANGE_POINTS)
    if not count.isdecimal() or not 1 <= int(count[:9]) <= MOST_POINTS:
        raise ValueError(f"the count of a range is a whole number from 1 to {MOST_POINTS:,}")
    steps = int(count) - 1
    return [first + (last - first) * i / steps for i in range(steps)] + [last] if steps else [first]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        constant = sd.parse(text)
        if constant.variables:
            raise ValueError from None
        value = float(constant({}))
    if math.isnan(value):
        raise ValueError
    return value


def _split(text: str, at: str) -> list[str]:
    """Split outside parentheses and brackets: ``x=atan2(1, 2), y=3`` has two parts."""
    parts, depth = [""], 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == at and depth <= 0:
            parts.append("")
        else:
            parts[-1] += c
    return parts


# ---- verbs


def _compared(formula: Expr, points: Sequence[Mapping[str, float]], options: Options) -> Comparison:
    return sd.compare(
        formula,
        at=points,
        wrt=options.wrt or None,
        order=options.order,
        sympy=options.sympy,
        time_limit=options.time_limit,
    )


def _compare_one(c: Comparison, options: Options, printer: Printer) -> int:
    from symdiff.compare import report

    if options.json:
        printer.json(c.to_dict(latex=options.latex), indent=2)
        return int(not c.ok)
    written = report.latex if options.latex else report.text
    printer.show(report.own_sections(c, written))
    with printer.busy("SymPy is at work"):
        c.wait()
    printer.show([*report.sympy_sections(c, written), report.BLANK, report.verdict(c)])
    return int(not c.ok)


def _derivatives(formula: Expr, points: Sequence[Mapping[str, float]], options: Options, printer: Printer) -> None:
    """The verbs ``diff`` and ``grad``: closed forms, and at points the values, for ``grad`` by reverse mode."""
    from symdiff.compare.comparison import derivative_name, json_number

    names = options.wrt or formula.variables
    unknown = [name for name in names if name not in formula.variables]
    if unknown:
        raise VariableError(f"{listed(unknown)} not in the formula (its variables: {', '.join(formula.variables)})")
    order = 1 if options.verb == "grad" else options.order
    forms = {by: formula.diff(*by) for by in itertools.combinations_with_replacement(names, order)}
    values = [_values_at(formula, forms, point, options.verb) for point in points]
    if options.json:
        record = {
            "schema": "symdiff.derivatives/1",
            "formula": str(formula),
            "variables": list(formula.variables),
            "partials": [_form_dict(by, form, options.latex) for by, form in forms.items()],
            "points": [
                {"at": {name: json_number(x) for name, x in at.items()}, "values": [json_number(x) for x in found]}
                for at, found in zip(points, values, strict=True)
            ],
        }
        printer.json(record, indent=None if options.file else 2)
        return
    for by, form in forms.items():
        name = "" if options.verb == "diff" and len(forms) == 1 else f"{derivative_name(by)} = "
        assumed = f"   for {listed(map(str, form.assumptions))}" if form.assumptions else ""
        printer.line(name + (form.latex() if options.latex else str(form)) + assumed)
    for point, found in zip(points, values, strict=True):
        where = ", ".join(f"{name} = {x!r}" for name, x in point.items())
        told = ", ".join(f"{derivative_name(by)} = {x!r}" for by, x in zip(forms, found, strict=True))
        printer.line(f"at {where}: {told}")


def _values_at(
    formula: Expr, forms: Mapping[tuple[str, ...], Expr], point: Mapping[str, float], verb: str
) -> list[float]:
    if verb == "grad":
        gradient = formula.at(point).grad
        return [float(gradient[by[0]]) for by in forms]
    return [float(form(point)) for form in forms.values()]


def _form_dict(by: tuple[str, ...], form: Expr, latex: bool) -> dict[str, Any]:
    """A closed form for programs: ``by``, ``closed_form``, ``assumptions``, and ``latex`` if asked for."""
    written = {"by": list(by), "closed_form": str(form), "assumptions": [str(a) for a in form.assumptions]}
    return written | ({"latex": form.latex()} if latex else {})


def _many(options: Options, points: Sequence[Mapping[str, float]], printer: Printer) -> int:
    from symdiff.compare import many

    assert options.file is not None
    records = list(many.read_lines(_lines(options.file)))
    if options.verb != "compare":
        return _many_derivatives(records, points, options, printer)

    def compare(record: Record) -> Comparison:
        given = [p.at for p in record.points] or points
        names = tuple(given[0]) if given else ()
        chosen = options.wrt or many.gradient_names(record.points) or None
        formula = sd.parse(record.formula, variables=names)
        return sd.compare(
            formula, at=given, wrt=chosen, order=options.order, sympy=options.sympy, time_limit=options.time_limit
        )

    summary = many.Summary()
    for outcome in printer.progress(many.compare_many(records, compare), len(records)):
        summary.add(outcome)
        if isinstance(outcome, many.BadLine):
            _report_bad(outcome)
        elif options.json:
            printer.json(outcome.to_dict())
        else:
            printer.show([many.outcome_line(outcome)])
            for sentence in outcome.comparison.disagreements:
                printer.line(f"       {sentence}")
    if options.json:
        printer.json(summary.to_dict())
    else:
        printer.line("")
        printer.show(summary.lines())
    return summary.exit_status


def _many_derivatives(
    records: Sequence[Record | BadLine], points: Sequence[Mapping[str, float]], options: Options, printer: Printer
) -> int:
    from symdiff.compare.many import BadLine

    bad = 0
    for record in records:
        try:
            if isinstance(record, BadLine):
                raise SymdiffError(record.message)
            given = [p.at for p in record.points] or points
            formula = sd.parse(record.formula, variables=tuple(given[0]) if given else ())
            _derivatives(formula, given, options, printer)
        except SymdiffError as why:
            bad += 1
            _report_bad(BadLine(record.line, str(why)))
    return 2 if bad else 0


def _lines(path: str) -> list[str]:
    if path == "-":
        return sys.stdin.readlines()
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError as why:
        raise UsageError(f"{path} cannot be read: {why.strerror or why}") from why


def _report_bad(bad: BadLine) -> None:
    print(f"line {bad.line}: {bad.message}", file=sys.stderr)


# ---- output


class Printer:
    """Where the output goes: in colour to a terminal, plain text anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console: Any = None
        if stream.isatty():
            from rich.console import Console

            self._console = Console(file=stream, highlight=False)

    def show(self, parts: Iterable[Section]) -> None:
        """Print sections of a report, now."""
        from symdiff.compare.report import plain, rich_parts

        if self._console is None:
            self.line(plain(parts))
        else:
            for part in rich_parts(parts):
                self._console.print(part)

    def line(self, text: str) -> None:
        """Print a line, now."""
        print(text, file=self._stream, flush=True)

    def json(self, value: Mapping[str, Any], indent: int | None = None) -> None:
        """Print a JSON object."""
        import json

        self.line(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False))

    def busy(self, text: str) -> contextlib.AbstractContextManager[Any]:
        """While this is open, a terminal shows that something is going on."""
        return contextlib.nullcontext() if self._console is None else self._console.status(text)

    def progress(self, outcomes: Iterable[Any], total: int) -> Iterator[Any]:
        """Pass outcomes on, with a bar on standard error if that is a terminal."""
        if not sys.stderr.isatty():
            yield from outcomes
            return
        from rich.console import Console
        from rich.progress import track

        yield from track(outcomes, "comparing", total, console=Console(stderr=True), transient=True)


@contextlib.contextmanager
def _printer(path: str | None) -> Iterator[Printer]:
    if path is not None:
        try:
            file = open(path, "w", encoding="utf-8")  # noqa: SIM115  (closed below)
        except OSError as why:
            raise UsageError(f"{path} cannot be written: {why.strerror or why}") from why
        with file:
            yield Printer(file)
        return
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    yield Printer(sys.stdout)
    sys.stdout.flush()


def _show_warning(message: Warning | str, *rest: Any, **more: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)

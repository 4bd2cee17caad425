"""Backward rules of elementwise operations, generated from their rows.

A rule belongs to an operation, to those of its arguments that want a cotangent, and to whole
exponents and orders. Its formula is what the row's partials give on symbols; it is compiled
once to Python source that exists twice: bound to NumPy functions, for numbers, and bound to the
rows themselves, for tensors (second derivatives). The careful form also knows the row's limits at edges,
that zero times an infinite partial is zero, and that there is no derivative outside the domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Final

import numpy as np

from symdiff.dag import Apply, Const, Node, Symbol, as_node, build, rebuilt, symbols_of
from symdiff.eager import frames
from symdiff.eager.record import node_class
from symdiff.numeric.adjoint import pulled
from symdiff.numeric.program import Program, compile_program
from symdiff.ops import Op

Kernel = Callable[..., tuple[Any, ...]]
Kind = str | int | Fraction  # of an argument: one of the three below, or the exact number of an exponent or order
WANTS: Final = "wants"  # a tensor that wants a cotangent
CONSTANT: Final = "constant"  # a tensor that does not
NUMBER: Final = "number"

_RESULT: Final = "y"
_COTANGENT: Final = "g"
_INFIX: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}


class Rule:
    """How one elementwise operation pulls a cotangent back, for arguments of these kinds.

    Attributes:
        op: the row.
        name: what its users call the graph node (``MulBackward0``).
        uses: which values it needs: the numbers of arguments, and -1 for the result.
        quick: ``(ybar, *values used)`` to a cotangent for each argument that is no exact number
            (None for those that want none), on arrays.
        guarded: whether the careful form differs even where the quick one is finite.
        trivial: whether it needs no value at all.
        keep: from arguments, result and their version cells to what a node saves:
            ``(values, cells, sum of versions)``.
    """

    elementwise: ClassVar = True
    foreign: ClassVar = False

    def __init__(self, op: Op, kinds: tuple[Kind, ...]) -> None:
        self.op = op
        self.name = backward_name(op) + _variant(op, kinds)
        self.kinds = kinds
        self._args = [Symbol(f"x{i}") if type(kind) is str else Const(kind) for i, kind in enumerate(kinds)]  # type: ignore[arg-type]
        self._node = build(op, tuple(self._args))
        quick = self._parts(careful=False)
        careful = self._parts(careful=True)
        used = {*symbols_of([part for part in quick + careful if part is not None])}
        self._names = [name for name in (*(f"x{i}" for i in range(len(kinds))), _RESULT) if name in used]
        domain = self._domain()
        self.guarded = domain is not None
        if domain is not None:
            careful = [
                None if part is None else build(NOWHERE, (*domain, Symbol(_COTANGENT), part)) for part in careful
            ]
        self.uses = tuple(-1 if name == _RESULT else int(name[1:]) for name in self._names)
        self._quick, self._careful = quick, careful
        self.quick: Kernel = self._bound(quick, rows=False)
        self.trivial = not self._names
        self.keep = _keeper(self.uses, kinds)
        self.node = node_class(self.name)

    @cached_property
    def careful(self) -> Kernel:
        """The same with limits at edges, zero times infinity as zero, and nan outside the domain."""
        return self._bound(self._careful, rows=False)

    @cached_property
    def quick_on_tensors(self) -> Kernel:
        """The quick form on tensors, which records."""
        return self._bound(self._quick, rows=True)

    @cached_property
    def careful_on_tensors(self) -> Kernel:
        """The careful form on tensors, which records."""
        return self._bound(self._careful, rows=True)

    def partials(self) -> list[Node | None]:
        """The local derivatives as formulas of x0, x1, ..., for each argument that is no exact number."""
        parts = dict(pulled(self._node, Const(1), {self._node, *self._active()}, False))
        return [parts.get(arg, Const(0)) if kind == WANTS else None for arg, kind in self._open()]

    def _open(self) -> list[tuple[Node, Kind]]:
        return [(arg, kind) for arg, kind in zip(self._args, self.kinds, strict=True) if type(kind) is str]

    def _active(self) -> list[Node]:
        return [arg for arg, kind in self._open() if kind == WANTS]

    def _parts(self, careful: bool) -> list[Node | None]:
        ybar = Symbol(_COTANGENT)
        parts = dict(pulled(self._node, ybar, {self._node, *self._active()}, careful))
        result, at_hand = self._node, Symbol(_RESULT)  # no rule computes the result again
        made = rebuilt(parts.values(), lambda node, args: at_hand if node is result else _again(node, args))
        return [made[parts[arg]] if arg in parts else Const(0) if kind == WANTS else None for arg, kind in self._open()]

    def _domain(self) -> tuple[Node, Node] | None:
        """The condition of the row's domain and the value, where they can be had from what is kept anyway."""
        test = None if self.op.domain is None or type(self._node) is not Apply else self.op.domain(*self._node.operands)
        if test is None:
            return None
        value = Symbol(_RESULT) if _RESULT in self._names else self._node
        node = as_node(test)
        return (node, value) if {*symbols_of([node, value])} <= {*self._names} else None

    def _bound(self, parts: Sequence[Node | None], rows: bool) -> Kernel:
        """The formulas as a Python function: on tensors through the rows, else on NumPy through their values."""
        namespace: dict[str, Any] = {"__name__": __name__}
        wanted = [part for part in parts if part is not None]
        program = compile_program(wanted, [_COTANGENT, *self._names], products=not rows)
        source = _source(program, [part is not None for part in parts], namespace, rows)
        exec(compile(source, "<symdiff rule>", "exec"), namespace)  # our own source: no text of a user's enters it
        if rows:  # tensors ask for the user's place from inside
            frames.register(namespace)
        return namespace["kernel"]  # type: ignore[no-any-return]


def _again(node: Node, args: tuple[Node, ...]) -> Node:
    return build(node.op, args) if type(node) is Apply else node


def _keeper(uses: tuple[int, ...], kinds: tuple[Kind, ...]) -> Kernel:
    """The function that picks what is saved out of arguments, result and their version cells."""
    names = [f"x{i}" for i in range(len(kinds))]
    value = {**dict(enumerate(names)), -1: _RESULT}
    cells = [f"c{value[i]}" for i in uses if i < 0 or kinds[i] in (WANTS, CONSTANT)]
    params = [*names, _RESULT, *(f"c{name}" for name in (*names, _RESULT))]
    values = "".join(f"{value[i]}, " for i in uses)
    version = " + ".join(f"{cell}[0]" for cell in cells) or "0"
    source = f"lambda {', '.join(params)}: (({values}), ({''.join(f'{cell}, ' for cell in cells)}), {version})"
    return eval(source, {})  # type: ignore[no-any-return]  # names made up here


NOWHERE = Op(
    "nowhere",
    4,
    lambda test, value, g, part: np.where(np.equal(test, 0) & ~np.isinf(value) & np.not_equal(g, 0), math.nan, part),
    lambda test, value, g, part, y: (0, 0, 0, 1),
    source="no derivative outside the domain, but for an infinite limit; none is asked for where the cotangent is zero",
)


def backward_name(op: Op) -> str:
    """What its users call the operation in a graph: ``Pow``, ``Sin``, ``Maximum``."""
    name = op.names.torch.rsplit(".", 1)[-1] or op.name
    return _SPELT.get(name) or "".join(part[:1].upper() + part[1:] for part in name.split("_"))


_SPELT: Final = {"log1p": "Log1P"}


def _variant(op: Op, kinds: tuple[Kind, ...]) -> str:
    """PyTorch numbers the forms of an operation that take numbers, tensors, or a number first."""
    if op.name == "pow" and type(kinds[1]) is str:
        return "Backward2" if kinds[0] == NUMBER else "Backward1"
    return "Backward1" if (op.name == "clip") or (op.name == "mod" and kinds[1] != NUMBER) else "Backward0"


# ---- source


def _source(program: Program, present: Sequence[bool], namespace: dict[str, Any], rows: bool) -> str:
    text = {slot: f"v{i}" for i, slot in enumerate(program.inputs.values())}
    for slot, number in program.constants.items():
        text[slot] = repr(number) if math.isfinite(number) else f"float('{number}')"
    choices = set() if rows else _choices(program)
    lines = [f"def kernel({', '.join(text[slot] for slot in program.inputs.values())}):"]
    for instruction in program.code:
        op, slot, args = instruction.op, instruction.slot, [text[arg] for arg in instruction.args]
        if op.name in _INFIX or slot in choices:
            value = f"{args[0]} {_INFIX.get(op.name) or op.infix} {args[1]}"
        elif op.name == "neg":
            value = f"-{args[0]}"
        elif instruction.args[0] in choices:
            namespace["choose"] = np.where
            value = args[0] if args[1:] == ["1.0", "0.0"] else f"choose({', '.join(args)})"
        else:
            namespace[f"f{slot}"] = op if rows else op.value
            value = f"f{slot}({', '.join(args)})"
        text[slot] = f"t{slot}"
        lines.append(f"    t{slot} = {value}")
    outputs = iter(program.outputs)
    results = "".join(f"{text[next(outputs)]}, " if here else "None, " for here in present)
    return "\n".join([*lines, f"    return ({results})"])


def _choices(program: Program) -> set[int]:
    """Comparisons that only choose between values: they may stay booleans, which spares their conversion."""
    users: dict[int, list[bool]] = {slot: [False] for slot in program.outputs}
    for instruction in program.code:
        for i, arg in enumerate(instruction.args):
            users.setdefault(arg, []).append(instruction.op.name == "where" and i == 0)
    compared = [i.slot for i in program.code if i.op.condition and i.op.infix in ("<", "<=", ">", ">=", "==", "!=")]
    return {slot for slot in compared if all(users.get(slot, [False]))}


# ---- the rules that were needed so far

_RULES: Final[dict[tuple[Op, tuple[Kind, ...]], Rule]] = {}
_MOST_RULES: Final = 4096  # every other float exponent makes one


def rule_for(op: Op, kinds: tuple[Kind, ...]) -> Rule:
    """The rule of an operation for arguments of these kinds.

    Raises:
        UndifferentiableError: the row has no partial by an argument that wants a cotangent.
    """
    rule = _RULES.get((op, kinds))
    if rule is None:
        if len(_RULES) > _MOST_RULES:
            _RULES.clear()
        rule = _RULES[op, kinds] = Rule(op, kinds)
    return rule

"""Checks of gradients against the function's own values, with no tolerance to choose.

Every element of the Jacobian is compared with a slope that is found from values at many steps and
comes with an estimate of its error (`symdiff.eager.autograd.numerical`). An element is wrong where
the two differ by more than that error, and undecided where the values tell no slope: neither passes.
A check costs some 15 calls of the function for each element of the inputs, some 150 where they do
not settle it, and a backward pass for each element of the outputs.

The check runs in float64 where the function allows it, whatever the dtype of the inputs: what is
checked is the rules, not how they round. Where slopes are so small that they hardly touch the last
digits of the values (a saturated sigmoid), they are checked to these digits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any, Final

import numpy as np

from symdiff.eager.autograd.numerical import Line, Probe
from symdiff.eager.autograd.subject import Subject, floating, is_checked, vector
from symdiff.eager.autograd.verdicts import Allowed, faint, judged
from symdiff.eager.dtypes import float64
from symdiff.eager.func import vjp
from symdiff.eager.jacobians import unrelated
from symdiff.eager.tensor import Tensor
from symdiff.errors import GradcheckError, SettingError

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Function = Callable[..., Any]


def gradcheck(
    func: Function,
    inputs: Any,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether backward gives the derivatives of ``func``, at the inputs.

    Args:
        func: takes the inputs and returns a tensor or a tuple or list of them.
        inputs: a tensor, or a tuple or list of them and of anything else. Those of a floating dtype
            that require a gradient are checked.
        eps: accepted, and not used: steps are found.
        atol, rtol: what an element may differ by, ``atol + rtol * |numerical|``, where the values
            cannot tell, or where they tell that it is wrong; the latter with a warning. Without
            them nothing may. They never make the check stricter.
        raise_exception: raise instead of returning False.
        nondet_tol: what two backward passes may differ by.
        check_forward_ad: check derivatives by forward sweeps too (`symdiff.eager.func.jvp`).
        check_backward_ad: check backward passes.
        fast_mode: check one weighted sum of outputs in one direction instead of every element.
        check_undefined_grad, check_grad_dtypes, check_batched_grad, check_batched_forward_grad, masked:
            accepted; what they ask for always holds here, or does not exist.

    Raises:
        GradcheckError: an element is wrong, or undecided; there is no derivative (one-sided derivatives
            differ, a jump); backward is not linear in its cotangent, or not the same twice.
        SettingError: no input requires a gradient.
        OperationError: the function returns something else than tensors.
    """
    given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    if not any(map(is_checked, given)):
        raise SettingError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have "
            "requires_grad=True: only tensors of a floating dtype can"
        )
    allowed = Allowed(atol or 0.0, rtol or 0.0)
    ways = [way for way, wanted in (("backward", check_backward_ad), ("forward", check_forward_ad)) if wanted]
    told = list(_faults(_subject(func, given), allowed, nondet_tol, ways, fast_mode))
    if told and raise_exception:
        more = f"\n... and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise GradcheckError("\n".join(told[:_SHOWN]) + more)
    return not told


_SHOWN: Final = 5


def gradgradcheck(
    func: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the second derivatives are right: `gradcheck` of the gradient as a function of inputs and cotangents.

    Args:
        grad_outputs: cotangents of the outputs; others are made up without.
        check_fwd_over_rev, check_rev_over_rev: check forward or backward derivatives of the gradient.
        gen_non_contig_grad_outputs: accepted; memory has no say.

    The other arguments, and what is raised, are those of `gradcheck`.
    """
    given = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    subject = Subject(func, given, wide=False)
    cotangents = _cotangents(subject, grad_outputs)

    def gradient(*args: Any) -> tuple[Any, ...]:
        variables, weights = args[: len(given)], args[len(given) :]
        return _pulled(func, variables, subject.checked, weights)

    return gradcheck(
        gradient,
        [*given, *cotangents],
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
    )


def _pulled(func: Function, args: Sequence[Any], checked: Sequence[int], weights: Sequence[Any]) -> tuple[Any, ...]:
    """The gradients of the floating outputs, weighted, by the inputs that are checked."""

    def outputs(*variables: Any) -> list[Any]:
        given = list(args)
        for i, x in zip(checked, variables, strict=True):
            given[i] = x
        return floating(func(*given))

    _, pull = vjp(outputs, *[args[i] for i in checked])
    return pull(list(weights))  # type: ignore[no-any-return]


def _cotangents(subject: Subject, given: Any) -> list[Any]:
    """Those given, or numbers in no relation to each other, that require a gradient."""
    if given is not None:
        return list(given) if isinstance(given, tuple | list) else [given]
    return [unrelated(y, k).requires_grad_() for k, y in enumerate(subject.outputs)]


# ---- what is wrong


def _subject(func: Function, given: Sequence[Any]) -> Subject:
    """The function in float64 where it runs there, else in the dtypes of its inputs."""
    if all(x.dtype is float64 for x in given if isinstance(x, Tensor) and x.dtype.is_floating_point):
        return Subject(func, given, wide=False)
    try:
        return Subject(func, given, wide=True)
    except Exception:  # whatever it does not like about float64; what is wrong with the function itself comes up below
        return Subject(func, given, wide=False)


def _faults(subject: Subject, allowed: Allowed, nondet_tol: float, ways: Sequence[str], fast: bool) -> Iterator[str]:
    """What is wrong, a message each; warnings for what the user lets pass."""
    if not subject.outputs:
        return
    yield from _unsteady(subject, nondet_tol)
    for way in ways:
        if way == "backward":
            yield from _unequal(subject, nondet_tol)
        if fast:
            yield from _in_one_direction(subject, allowed, way)
            continue
        jacobian = subject.backward_jacobian() if way == "backward" else subject.forward_jacobian()
        if way == "backward":
            yield from _nonlinear(subject, jacobian)
        scales = np.max([np.nan_to_num(np.abs(part), posinf=0.0).max(axis=1, initial=0.0) for part in jacobian], axis=0)
        for j, part in enumerate(jacobian):
            for k, column in enumerate(part.T):
                size = float(subject.points[j].reshape(-1)[k])
                judge = _Column(subject.moved(j, k), column, scales, size, subject.eps, allowed, way)
                yield from judge.faults(subject.input_name(j, k), subject.output_name, subject.culprits)


class _Column:
    """The derivatives of all outputs by one number, judged by the values near it."""

    def __init__(
        self, line: Line, column: Any, scales: Any, size: float, eps: float, allowed: Allowed, way: str
    ) -> None:
        self._column = column
        self._way = way
        probe = Probe(line, size, eps)
        for look in (probe.usual, probe.thorough):
            self._slopes = look()
            self._verdict = judged(self._slopes, column, scales, size, eps, allowed)
            if self._verdict.sure.all():
                break

    def faults(self, by: str, of: Callable[[int], str], culprits: Callable[[int], str]) -> Iterator[str]:
        """A message for each element that does not pass."""
        for i in _numbers_of(self._verdict.excused):
            warnings.warn(f"{self._told(i, by, of(i))}; atol and rtol let this pass", UserWarning, stacklevel=4)
        for i in _numbers_of(~self._verdict.right):
            yield f"{self._told(i, by, of(i))}\n    {culprits(i)}"

    def _told(self, i: int, by: str, of: str) -> str:
        slopes, given = self._slopes, f"{self._way} gives {self._column[i]:.12g}"
        found = f"{slopes.value[i]:.12g} ± {slopes.error[i]:.1g}"
        if self._verdict.kink[i]:
            return (
                f"no derivative of {of} by {by}: the one-sided derivatives differ, {slopes.left[i]:.6g} from below "
                f"and {slopes.right[i]:.6g} from above; {given}"
            )
        if self._verdict.wrong[i] or self._verdict.excused[i]:
            off = abs(self._column[i] - slopes.value[i])
            return f"wrong derivative of {of} by {by}: {given}, the function's values give {found} (off by {off:.3g})"
        return (
            f"undecided derivative of {of} by {by}: {given}, the function's values give no slope to trust "
            f"(about {found}): {slopes.reason(i)}. Give atol to let differences of that size pass"
        )


def _in_one_direction(subject: Subject, allowed: Allowed, way: str) -> Iterator[str]:
    """The same for one weighted sum of the outputs, along one direction in the space of all inputs."""
    weights = _weights(subject)
    turns = [_numbers(p.size).reshape(p.shape) * np.where(p == 0, 1.0, np.abs(p)) for p in subject.points]
    if way == "backward":
        found = [part.reshape(-1) for part in subject.pulled(weights)]
    else:
        found = [weights @ part for part in subject.forward_jacobian()]
    terms = [part * turn.reshape(-1) for part, turn in zip(found, turns, strict=True)]
    slope = sum(float(np.sum(term)) for term in terms)
    scale = sum(float(np.sum(np.abs(term))) for term in terms)

    def line(step: float) -> Any:
        points = [(p + step * turn).astype(p.dtype) for p, turn in zip(subject.points, turns, strict=True)]
        return weights[None] @ subject.values(points)

    judge = _Column(line, np.array([slope]), np.array([scale]), 1.0, subject.eps, allowed, way)
    by, of = "a step along one direction in all inputs", "a weighted sum of the outputs"
    yield from judge.faults(by, lambda _: of, subject.culprits)


def _unsteady(subject: Subject, tolerance: float) -> Iterator[str]:
    """Whether the function gives the same values twice."""
    first, again = vector(subject.outputs), subject.values(subject.points)
    for i in _numbers_of(_distance(first, again) > tolerance)[:1]:
        told = f"{subject.output_name(i)} is {first[i]} and then {again[i]}"
        yield f"the function gives other values the second time, at the same inputs: {told}"


def _unequal(subject: Subject, tolerance: float) -> Iterator[str]:
    """Whether backward gives the same twice."""
    weights = _weights(subject)
    for j, (one, two) in enumerate(zip(subject.pulled(weights), subject.pulled(weights), strict=True)):
        for k in _numbers_of(_distance(one, two) > tolerance):
            told = f"{subject.input_name(j, k)} gets {one.reshape(-1)[k]} and then {two.reshape(-1)[k]}"
            yield f"Backward is not reentrant: in the same pass, {told}"


def _nonlinear(subject: Subject, jacobian: Sequence[Any]) -> Iterator[str]:
    """Whether backward is linear in its cotangent."""
    weights = _weights(subject)
    for j, (part, whole) in enumerate(zip(jacobian, subject.pulled(weights), strict=True)):
        with np.errstate(all="ignore"):
            found, expected = whole.reshape(-1), weights @ part
            least = faint(np.abs(weights) @ np.abs(vector(subject.outputs)), subject.points[j].reshape(-1), subject.eps)
            wrong = _distance(found, expected) > sqrt(subject.eps) * (np.abs(weights) @ np.abs(part)) + least
        for k in _numbers_of(wrong):
            yield (
                f"backward is not linear in its cotangent: for a weighted sum of the outputs "
                f"{subject.input_name(j, k)} gets {found[k]:.12g}, where the same sum of what it gets for each "
                f"output is {expected[k]:.12g}"
            )


def _distance(a: Any, b: Any) -> Any:
    """The differences between the elements of two arrays, nan for equal infinities."""
    with np.errstate(all="ignore"):
        return np.abs(a - b)


def _numbers_of(found: Any) -> list[int]:
    """The places where a boolean array is true."""
    return [int(i) for i in np.flatnonzero(found)]


def _weights(subject: Subject) -> Any:
    return _numbers(vector(subject.outputs).size) * 1.25


def _numbers(count: int) -> Any:
    """Numbers in no relation to each other, between 1/2 and 1 in size and of either sign."""
    steps = np.arange(1, count + 1) * (sqrt(5) - 1) / 2 % 1
    return np.where(np.arange(count) % 3 == 1, -0.5, 0.5) * (1 + steps)

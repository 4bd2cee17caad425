"""Functions made of functions: gradients, products with Jacobians, whole Jacobians, maps over an axis.

They take and give tensors and nested containers of them, leave every ``grad`` alone, nest to any
depth, and return constants unless somebody outside records what went in. There is one sweep, the
reverse one: a forward derivative is the derivative of a pulled-back cotangent by that cotangent,
which costs two reverse sweeps and needs no rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

from symdiff.eager import frames
from symdiff.eager.batches import vmap
from symdiff.eager.jacobians import Forward, columns, direction, in_fewer_sweeps, rows
from symdiff.eager.levels import Level, pulled_back
from symdiff.eager.stateless import functional_call
from symdiff.eager.tensor import Tensor
from symdiff.eager.trees import leaves, like, structure
from symdiff.errors import SettingError, TensorError

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The function that gives the gradient of ``func``, which returns one tensor without dimensions.

    Args:
        func: takes tensors, or containers of them, and anything else.
        argnums: by which argument to differentiate; a tuple gives a tuple of gradients.
        has_aux: ``func`` returns a pair, whose second part is passed on: ``(gradient, aux)``.

    Returns:
        A function of the same arguments. Its gradients have the containers, shapes and dtypes of
        the arguments, with zeros where nothing depends on them.

    Raises:
        TensorError: at the call, if the result is not one tensor without dimensions, an argument is
            not of floating point, or there is no such argument.
        SettingError: at the call, if an argument holds something that is no tensor.
    """
    both = grad_and_value(func, argnums, has_aux)

    def call(*args: Any, **named: Any) -> Any:
        gradient, value = both(*args, **named)
        return (gradient, value[1]) if has_aux else gradient

    return _named_after(func, call)


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The function that gives ``(gradient, value)``, or ``(gradient, (value, aux))``; see `grad`."""

    def call(*args: Any, **named: Any) -> Any:
        given = _Given(args, argnums)
        with given.level as level:
            value, aux = _told_apart(func(*given.replaced(), **named), has_aux)
            if not isinstance(value, Tensor):
                raise TensorError(f"a function to take the gradient of must return a Tensor, not {_kind(value)}")
            if value.ndim:
                raise TensorError(
                    "Expected a function to return a scalar Tensor for its gradient, got one of shape "
                    f"{list(value.shape)}; take its sum() or mean(), or use vjp or jacrev"
                )
            parts = pulled_back([value], [None], level.variables, level.is_recorded([value]))
            gradient = given.shaped([level.result(part) for part in parts])
            value, aux = level.result(value), _results(level, aux)
        return gradient, (value, aux) if has_aux else value

    return _named_after(func, call)


def value_and_grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """The function that gives ``(value, gradient)``, or ``((value, aux), gradient)``; see `grad`."""
    both = grad_and_value(func, argnums, has_aux)
    return _named_after(func, lambda *args, **named: both(*args, **named)[::-1])


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Apply a function, and keep what is needed to pull cotangents back through it.

    Returns:
        ``(func(*primals), pull)``, with aux as a third where there is one. ``pull`` takes a
        cotangent of the containers and shapes of the result, any number of times, and gives a
        tuple: the product with the Jacobian for each of the primals.

    Raises:
        TensorError: the result, or at the call the cotangent, is not what it must be.
        SettingError: a primal holds something that is no tensor.
    """
    given = _Given(primals)
    level = given.level
    with level:
        out, aux = _told_apart(func(*given.replaced()), has_aux)
        outputs = _tensors(out)
        shown = _results(level, out)
        aux = _results(level, aux)
    level.stays()

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        """The product of cotangents, as the result, with the Jacobian: a tuple, one for each primal."""
        seeds = leaves(cotangents)
        if structure(cotangents) != structure(out):
            raise TensorError(
                f"the cotangents must be in the containers of the result, {structure(out)}, "
                f"not in {structure(cotangents)}"
            )
        with level:
            record = level.is_recorded([*outputs, *seeds]) if create_graph is None else create_graph
            parts = pulled_back(outputs, seeds, level.variables, record)
            return given.shaped([level.result(part) for part in parts])

    return (shown, pull, aux) if has_aux else (shown, pull)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> tuple[Any, ...]:
    """Apply a function, and push tangents forward through it.

    Args:
        func: takes tensors, or containers of them.
        primals: a tuple of its arguments.
        tangents: a tuple in the same containers, of tensors of the same shapes.
        strict: refuse a result that does not depend on the primals.
        has_aux: ``func`` returns a pair, whose second part is passed on.

    Returns:
        ``(func(*primals), tangents of the result)``, with aux as a third where there is one.

    Raises:
        TensorError: primals and tangents differ in containers or shapes, or see ``strict``.
        SettingError: a primal holds something that is no tensor.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise TensorError("jvp(f, primals, tangents): Expected primals and tangents to be tuples: jvp(f, (x,), (v,))")
    if structure(primals) != structure(tangents):
        raise TensorError(
            "jvp(f, primals, tangents): the tangents must be in the containers of the primals: "
            f"{structure(primals)}, not {structure(tangents)}"
        )
    given = _Given(primals)
    if not given.level.variables:
        raise TensorError("jvp(f, primals, tangents): Expected primals to contain at least one Tensor.")
    directions = [direction(x, v) for x, v in zip(given.level.variables, leaves(tangents), strict=True)]
    with given.level as level:
        out, aux = _told_apart(func(*given.replaced()), has_aux)
        forward = Forward(level, _tensors(out))
        if strict and not forward.depends:
            raise TensorError("jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs.")
        moved = like(out, [level.result(v) for v in forward.pushed(directions)])
        out, aux = _results(level, out), _results(level, aux)
    return (out, moved, aux) if has_aux else (out, moved)


def jacrev(func: Function, argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None) -> Function:
    """The function that gives the Jacobian of ``func``, a reverse sweep for each element of the result.

    Args:
        func: takes tensors, or containers of them, and returns such.
        argnums: by which argument to differentiate; a tuple gives a tuple.
        has_aux: ``func`` returns a pair, whose second part is passed on.
        chunk_size: how many sweeps to run together: one, whatever is said.

    Returns:
        A function of the same arguments. For each tensor of the result it gives, in the containers
        of the argument, tensors of the shape of the result's followed by that of the argument's.

    Raises:
        SettingError, TensorError: at the call, as `grad`; the result may have any shape.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise SettingError(f"jacrev: chunk_size must be None or greater than 0, not {chunk_size}")
    return _jacobian(func, argnums, has_aux, rows)


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """The function that gives the Jacobian of ``func``, a sweep for each element of the argument; see `jacrev`.

    ``randomness`` is accepted: ``func`` runs once, whatever it draws.
    """
    return _jacobian(func, argnums, has_aux, columns)


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """The function that gives the second derivatives of ``func``: the Jacobian of its `jacrev`.

    By rows or by columns, whichever takes fewer sweeps: rows for a function that returns one element.
    """
    return _jacobian(jacrev(func, argnums), argnums, False, in_fewer_sweeps)


# ---- what the transformations share


def _jacobian(func: Function, argnums: Argnums, has_aux: bool, find: Callable[..., list[list[Tensor]]]) -> Function:
    def call(*args: Any, **named: Any) -> Any:
        given = _Given(args, argnums)
        with given.level as level:
            out, aux = _told_apart(func(*given.replaced(), **named), has_aux)
            found = find(level, _tensors(out))
            jacobian = like(out, [given.shaped([level.result(part) for part in parts]) for parts in found])
            aux = _results(level, aux)
        return (jacobian, aux) if has_aux else jacobian

    return _named_after(func, call)


class _Given:
    """The arguments of a call, and those among them by which it is differentiated: all, if not said."""

    def __init__(self, args: tuple[Any, ...], argnums: Argnums | None = None) -> None:
        self._args = args
        self._one = isinstance(argnums, int)
        self._numbers = tuple(range(len(args))) if argnums is None else _numbers(argnums, len(args))
        self._chosen = tuple(args[i] for i in self._numbers)
        self.level = Level(leaves(self._chosen))

    def replaced(self) -> list[Any]:
        """All arguments, with the level's own tensors in the place of those chosen."""
        args = list(self._args)
        for i, tree in zip(self._numbers, like(self._chosen, self.level.inputs), strict=True):
            args[i] = tree
        return args

    def shaped(self, values: Sequence[Any]) -> Any:
        """Values, one for each input, in the containers of the chosen arguments."""
        trees = like(self._chosen, values)
        return trees[0] if self._one else trees


def _numbers(argnums: Any, count: int) -> tuple[int, ...]:
    if not isinstance(argnums, int | tuple) or not all(isinstance(i, int) for i in _tuple(argnums)):
        raise TensorError(f"argnums must be int or Tuple[int, ...], got: {argnums!r:.40}")
    if argnums == ():
        raise TensorError("argnums must be non-empty")
    found = tuple(i + count if i < 0 else i for i in _tuple(argnums))
    for i, told in zip(found, _tuple(argnums), strict=True):
        if not 0 <= i < count:
            raise TensorError(f"Got argnum={told}, but only {count} positional inputs")
    if len({*found}) < len(found):
        raise TensorError(f"argnums elements must be unique, got {found}")
    return found


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _told_apart(out: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return out, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise TensorError(f"with has_aux=True a function must return a tuple (output, aux), not {_kind(out)}")
    return out


def _tensors(out: Any) -> list[Tensor]:
    found = leaves(out)
    for y in found:
        if not isinstance(y, Tensor):
            raise TensorError(f"a function to differentiate must return only tensors, got {_kind(y)}")
    return found


def _results(level: Level, tree: Any) -> Any:
    return like(tree, [level.result(x) for x in leaves(tree)])


def _named_after(func: Function, call: Function) -> Function:
    return update_wrapper(call, func, updated=()) if hasattr(func, "__name__") else call


def _kind(value: Any) -> str:
    return type(value).__name__


frames.register_package()

"""Who computes values and gradients: symdiff and the other tools, each in the way that its documentation advises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from struct import Struct
from typing import Any

from tests.benchmarks.contest import Call, Contestant
from tests.benchmarks.printed import Printed, statements
from tests.benchmarks.works import Columns, Work

Evaluate = Callable[..., Any]  # (*floats) -> value and partials


class Peer:
    """One tool. What it does not override, it does not take part in.

    Attributes:
        name: the tool, and after a comma how it is used.
        needs: the modules.
        programs: the commands.
        threads: how many it may use.
    """

    name: str
    needs: tuple[str, ...]
    programs: tuple[str, ...] = ()
    threads = 1

    def enter(self, prepare: Callable[[], Call], answer: Callable[[Any], Any], **more: Any) -> Contestant:
        return Contestant(self.name, prepare, self.needs, answer, threads=self.threads, programs=self.programs, **more)

    def ahead(self, work: Work) -> None:
        """What a first call is not to be charged with: imports, and reading the text."""
        for module in self.needs:
            import_module(module)

    def point(self, work: Work) -> Evaluate:
        raise NotImplementedError

    def arrays(self, work: Work, columns: Columns) -> Call:
        """A call that returns the value and the partials as columns, in new memory."""
        raise NotImplementedError

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        """A call that returns the sum over the columns, and its partials by the parameters."""
        raise NotImplementedError


@cache
def formula(text: str) -> Any:
    import symdiff as sd

    return sd.parse(text)


class Symdiff(Peer):
    def __init__(self, way: str, backend: str | None, threads: int = 1) -> None:
        self.name = f"symdiff, {way}" if way else "symdiff"
        self.backend, self.threads = backend, threads
        self.needs = ("symdiff", "llvmlite") if backend == "llvm" else ("symdiff",)

    def ahead(self, work: Work) -> None:
        if self.backend == "llvm":
            import_module("llvmlite.binding")
        formula(work.text)

    def compiled(self, work: Work) -> Any:
        import symdiff as sd

        f = formula(work.text)
        return sd.compile(f, args=work.names, wrt=work.variables, backend=self.backend, threads=self.threads)

    def point(self, work: Work) -> Evaluate:
        evaluate: Evaluate = self.compiled(work).value_and_grad
        return evaluate

    def arrays(self, work: Work, columns: Columns) -> Call:
        evaluate = self.compiled(work).value_and_grad
        return lambda: evaluate(*columns)

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        evaluate = self.compiled(work).sum_and_grad
        return lambda: evaluate(*columns, *parameters)


class ByHand(Peer):
    """Value and gradient as somebody writes them who knows NumPy and can differentiate."""

    name, needs = "NumPy, by hand", ("numpy",)

    def arrays(self, work: Work, columns: Columns) -> Call:
        return self.prepared(work, columns)

    def prepared(self, work: Work, values: Sequence[Any]) -> Call:
        import numpy as np

        assert work.by_hand is not None
        evaluate = work.by_hand
        return lambda: evaluate(np, *values)

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        evaluate = self.prepared(work, [*columns, *parameters])

        def call() -> Any:
            value, partials = evaluate()
            return value.sum(), [partial.sum() for partial in partials]

        return call


class SymPy(Peer):
    name, needs = "SymPy, lambdify with cse", ("sympy",)

    def compiled(self, work: Work, modules: str) -> Evaluate:
        from sympy import lambdify

        symbols, results = Printed.derivatives(work)
        evaluate: Evaluate = lambdify(symbols, results, modules, cse=True)
        return evaluate

    def point(self, work: Work) -> Evaluate:
        return self.compiled(work, "math")

    def arrays(self, work: Work, columns: Columns) -> Call:
        evaluate = self.compiled(work, "numpy")
        return lambda: evaluate(*columns)


class SymEngine(Peer):
    name, needs = "SymEngine, Lambdify with LLVM", ("symengine",)

    def compiled(self, work: Work) -> Any:
        from symengine import Lambdify, Symbol, sympify

        f = sympify(work.text)
        gradient = [f.diff(Symbol(name)) for name in work.variables]
        return Lambdify([Symbol(name) for name in work.names], [f, *gradient], cse=True, backend="llvm")

    def point(self, work: Work) -> Evaluate:
        evaluate = self.compiled(work)
        return lambda *point: evaluate(point)

    def arrays(self, work: Work, columns: Columns) -> Call:
        import numpy as np

        evaluate, rows = self.compiled(work), np.stack(columns, axis=1)
        return lambda: evaluate(rows).T


class CasADi(Peer):
    """Through its buffers, which are faster than calling it."""

    name, needs = "CasADi, buffer", ("casadi",)

    def graph(self, work: Work) -> tuple[Any, Any]:
        """The arguments and the results, as CasADi's columns."""
        import casadi

        names = [casadi.SX.sym(name) for name in work.names]
        f = work.on(casadi)(*names)
        partials = casadi.gradient(f, casadi.vertcat(*(names[i] for i in work.positions)))
        return casadi.vertcat(*names), casadi.densify(casadi.vertcat(f, partials))

    def point(self, work: Work) -> Evaluate:
        import casadi

        arguments, results = self.graph(work)
        function = casadi.Function("f", [arguments], [results])
        pack = Struct(f"{len(work.names)}d").pack_into
        given = bytearray(8 * len(work.names))
        found: Any = memoryview(bytearray(8 + 8 * len(work.variables))).cast("d")
        buffer, go = function.buffer()
        buffer.set_arg(0, memoryview(given).cast("d"))
        buffer.set_res(0, found)

        def evaluate(*point: float, owners: Any = (function, buffer)) -> Any:  # ``go`` keeps nothing
            pack(given, 0, *point)
            go()
            return found.tolist()

        return evaluate

    def arrays(self, work: Work, columns: Columns) -> Call:
        import casadi
        import numpy as np

        arguments, results = self.graph(work)
        rows = np.stack(columns, axis=1)
        function = casadi.Function("f", [arguments], [results]).map(len(rows))
        buffer, go = function.buffer()
        buffer.set_arg(0, rows.ravel().data)

        def call(owners: Any = (function, buffer)) -> Any:
            found = np.empty(len(rows) * (1 + len(work.variables)))
            buffer.set_res(0, found.data)
            go()
            return found.reshape(len(rows), -1).T

        return call


class Autograd(Peer):
    name, needs = "autograd", ("autograd",)

    def point(self, work: Work) -> Evaluate:
        import autograd
        import autograd.numpy as anp

        evaluate: Evaluate = autograd.value_and_grad(work.on(anp), argnum=work.positions)
        return evaluate

    def arrays(self, work: Work, columns: Columns) -> Call:
        import autograd.numpy as anp
        import numpy as np
        from autograd.differential_operators import make_vjp

        f, ones = work.on(anp), np.ones(len(columns[0]))

        def call() -> Any:
            pull, value = make_vjp(lambda given: f(*given))(tuple(columns))
            return value, pull(ones)

        return call

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        import autograd
        import autograd.numpy as anp

        f = work.on(anp)
        evaluate = autograd.value_and_grad(lambda *given: anp.sum(f(*given)), argnum=work.positions)
        return lambda: evaluate(*columns, *parameters)


class Jax(Peer):
    needs = ("jax",)

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.name = "JAX, jit" if threads == 1 else f"JAX, {threads} threads"

    def ahead(self, work: Work) -> None:
        self.module()

    def module(self) -> Any:
        import jax

        jax.config.update("jax_enable_x64", True)
        return jax

    def point(self, work: Work) -> Evaluate:
        import numpy as np

        jax = self.module()
        formula, count = work.on(jax.numpy), len(work.names)
        f = jax.jit(jax.value_and_grad(lambda x: formula(*(x[i] for i in range(count)))))

        def evaluate(*point: float) -> tuple[float, Any]:
            value, gradient = f(np.array(point))
            return float(value), np.asarray(gradient)

        return evaluate

    def arrays(self, work: Work, columns: Columns) -> Call:
        jax = self.module()
        f = jax.jit(jax.vmap(jax.value_and_grad(work.on(jax.numpy), work.positions)))
        given = [jax.device_put(column) for column in columns]
        return lambda: jax.block_until_ready(f(*given))

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        jax = self.module()
        formula, given = work.on(jax.numpy), [jax.device_put(column) for column in columns]
        f = jax.jit(jax.value_and_grad(lambda *x: formula(*x).sum(), work.positions))
        return lambda: jax.block_until_ready(f(*given, *parameters))


class Torch(Peer):
    needs = ("torch",)
    name = "PyTorch eager"

    def ahead(self, work: Work) -> None:
        self.module()

    def module(self) -> Any:
        import torch

        torch.set_num_threads(self.threads)
        return torch

    def point(self, work: Work) -> Evaluate:
        torch = self.module()
        f = work.on(torch)

        def evaluate(*point: float) -> tuple[float, list[float]]:
            x = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in point]
            value = f(*x)
            value.backward()
            return value.item(), [variable.grad.item() for variable in x]

        return evaluate

    def arrays(self, work: Work, columns: Columns) -> Call:
        torch = self.module()
        f, ones = work.on(torch), torch.ones(len(columns[0]), dtype=torch.float64)
        given = [torch.from_numpy(column).requires_grad_() for column in columns]

        def call() -> Any:
            value = f(*given)
            return value.detach(), torch.autograd.grad(value, given, ones)

        return call

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        torch = self.module()
        f = work.on(torch)
        given = [torch.from_numpy(column) for column in columns]
        at = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in parameters]

        def call() -> Any:
            value = f(*given, *at).sum()
            return value.detach(), torch.autograd.grad(value, at)

        return call


class TorchCompiled(Torch):
    """Value and gradient in one graph, which is twice as fast as a compiled function's ``backward``."""

    name = "torch.compile"

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        if threads > 1:
            self.name += f", {threads} threads"

    def arrays(self, work: Work, columns: Columns) -> Call:
        torch = self.module()
        f, given = work.on(torch), [torch.from_numpy(column) for column in columns]

        def total(*x: Any) -> tuple[Any, Any]:
            value = f(*x)
            return value.sum(), value

        def both(*x: Any) -> tuple[Any, Any]:
            gradient, (_, value) = torch.func.grad_and_value(total, work.positions, has_aux=True)(*x)
            return value, gradient

        evaluate = torch.compile(both, fullgraph=True)
        return lambda: evaluate(*given)

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        torch = self.module()
        f, given = work.on(torch), [torch.from_numpy(column) for column in columns]
        at = [torch.tensor(number, dtype=torch.float64) for number in parameters]
        both = torch.func.grad_and_value(lambda *x: f(*x).sum(), work.positions)
        evaluate = torch.compile(lambda *x: both(*x)[::-1], fullgraph=True)
        return lambda: evaluate(*given, *at)


class PyTensor(Peer):
    name, needs = "PyTensor", ("pytensor",)

    def compiled(self, work: Work, kind: str) -> Evaluate:
        import pytensor
        import pytensor.tensor as pt

        names = [getattr(pt, kind)(name) for name in work.names]
        f = work.on(pt)(*names)
        function = pytensor.function(names, [f, *pytensor.grad(f.sum(), [names[i] for i in work.positions])])
        function.trust_input = True
        evaluate: Evaluate = function
        return evaluate

    def point(self, work: Work) -> Evaluate:
        import numpy as np

        evaluate = self.compiled(work, "dscalar")
        return lambda *point: evaluate(*map(np.array, point))

    def arrays(self, work: Work, columns: Columns) -> Call:
        evaluate = self.compiled(work, "dvector")
        return lambda: evaluate(*columns)


class Numba(Peer):
    """Loops over the code that SymPy prints for value and gradient."""

    name, needs = "Numba, njit", ("numba", "sympy")

    def ahead(self, work: Work) -> None:
        super().ahead(work)
        statements(work)

    def compiled(self, source: str, **options: Any) -> Evaluate:
        import math

        import numba

        scope = dict(vars(math))
        exec(source, scope)
        evaluate: Evaluate = numba.njit(**options)(scope["f"])
        return evaluate

    def point(self, work: Work) -> Evaluate:
        code = statements(work)
        return self.compiled(code.function(code.names, [f"return {', '.join(code.results)}"]))

    def arrays(self, work: Work, columns: Columns) -> Call:
        import numpy as np

        code = statements(work)
        loads = [f"{name} = in_{name}[i]" for name in code.names]
        stores = [f"out_{k}[i] = {result}" for k, result in enumerate(code.results)]
        outs = [f"out_{k}" for k in range(len(code.results))]
        source = code.loop([*(f"in_{name}" for name in code.names), *outs], loads, stores)
        evaluate = self.compiled(source, fastmath=True, error_model="numpy")

        def call() -> Any:
            found = [np.empty(len(columns[0])) for _ in outs]
            evaluate(*columns, *found)
            return found

        return call

    def sums(self, work: Work, columns: Columns, parameters: Sequence[float]) -> Call:
        code = statements(work)
        loads = [f"{name} = in_{name}[i]" for name in code.names[: len(columns)]]
        adds = [f"sum_{k} += {result}" for k, result in enumerate(code.results)]
        totals = [f"sum_{k}" for k in range(len(code.results))]
        given = [*(f"in_{name}" for name in code.names[: len(columns)]), *code.names[len(columns) :]]
        source = code.loop(given, loads, adds, [f"{total} = 0.0" for total in totals], f"return {', '.join(totals)}")
        evaluate = self.compiled(source, fastmath=True, error_model="numpy")
        return lambda: evaluate(*columns, *parameters)


class NumExpr(Peer):
    """An expression for each of the statements that SymPy prints."""

    name, needs = "numexpr", ("numexpr", "sympy")

    def arrays(self, work: Work, columns: Columns) -> Call:
        import numexpr

        code = statements(work)
        given = dict(zip(code.names, columns, strict=True))
        steps = [(name, self.compiled(numexpr, text, code)) for name, text in code.steps]
        results = [self.compiled(numexpr, text, code) for text in code.results]

        def call() -> Any:
            known: dict[str, Any] = dict(given)
            for name, step in steps:
                known[name] = step(*(known[part] for part in step.input_names))
            return [result(*(known[part] for part in result.input_names)) for result in results]

        return call

    def compiled(self, numexpr: Any, text: str, code: Printed) -> Any:
        known = {*code.names, *(name for name, _ in code.steps)}  # the other names are functions
        names = [name for name in compile(text, "", "eval").co_names if name in known]
        return numexpr.NumExpr(text, [(name, numexpr.necompiler.double) for name in names])

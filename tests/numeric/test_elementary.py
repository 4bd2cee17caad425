"""The elementary functions that LLVM code is made of, against mpmath: on each instruction set, and at every edge."""

import ctypes
import math
import platform
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest

binding = pytest.importorskip("llvmlite.binding")

from symdiff.numeric.backends.llvm.elementary import (  # noqa: E402
    FUNCTIONS,
    errorfunction,
    exponential,
    hyperbolic,
    inverse,
    logarithm,
    powers,
    trigonometric,
)
from symdiff.numeric.backends.llvm.ir import Builder, Value  # noqa: E402

ULPS = 1.0
MORE_ULPS = dict.fromkeys(("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"), 2.5)
MORE_ULPS |= {"erfc": 6.0, "gelu": 7.0, "silu": 3.0, "sinc": 1.6}
WITHOUT_FMA = 1.2  # times as many
IS_X86 = platform.machine().lower() in ("x86_64", "amd64")


def uniform(low: float, high: float) -> Callable[[Any, int], Any]:
    return lambda rng, n: rng.uniform(low, high, n)


def spread(low: float, high: float, signs: tuple[int, ...] = (1,)) -> Callable[[Any, int], Any]:
    """Evenly over exponents of 2."""
    return lambda rng, n: np.exp2(rng.uniform(low, high, n)) * rng.choice(signs, n)


def quarter_turns(rng: Any, n: int) -> Any:
    return np.array([float(mp.mpf(int(k)) * mp.pi / 2) for k in rng.integers(1, 2**29, n)])


def below_one(rng: Any, n: int) -> Any:
    return 1 - np.exp2(rng.uniform(-53, -1, n))


BOTH = (-1, 1)
TINY = spread(-1074, 0, BOTH)
CASES: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "exp": (mp.exp, [uniform(-1, 1), uniform(-708, 709.7), uniform(-745.2, -708), TINY]),
    "exp2": (lambda x: mp.power(2, x), [uniform(-1, 1), uniform(-1022, 1023.9), uniform(-1075, -1022)]),
    "expm1": (mp.expm1, [uniform(-0.4, 0.41), uniform(-1.2, 1.2), uniform(36, 40), uniform(-50, 709.4), TINY]),
    "log": (mp.log, [uniform(0.5, 2), uniform(0.99, 1.01), spread(-1074, 1024)]),
    "log2": (lambda x: mp.log(x, 2), [uniform(0.5, 2), uniform(0.99, 1.01), spread(-1074, 1024)]),
    "log10": (mp.log10, [uniform(0.5, 2), uniform(0.99, 1.01), spread(-1074, 1024)]),
    "log1p": (mp.log1p, [uniform(-1, 1), uniform(-0.5, 1.5), spread(-1, 1024), TINY]),
    "sin": (mp.sin, [uniform(-0.8, 0.8), uniform(-9, 9), uniform(-1e9, 1e9), quarter_turns, TINY]),
    "cos": (mp.cos, [uniform(-0.8, 0.8), uniform(-9, 9), uniform(-1e9, 1e9), quarter_turns, TINY]),
    "tan": (mp.tan, [uniform(-0.8, 0.8), uniform(-9, 9), uniform(-1e9, 1e9), quarter_turns, TINY]),
    "sinh": (mp.sinh, [uniform(-0.35, 0.35), uniform(0.3, 1.1), uniform(-20, 20), uniform(-709, 709), TINY]),
    "cosh": (mp.cosh, [uniform(-0.35, 0.35), uniform(0.3, 1.1), uniform(-20, 20), uniform(-709, 709), TINY]),
    "tanh": (mp.tanh, [uniform(-0.35, 0.35), uniform(0.3, 1.1), uniform(-20, 20), TINY]),
    "arcsin": (mp.asin, [uniform(-0.5, 0.5), uniform(0.5, 0.55), uniform(-1, 1), below_one, TINY]),
    "arccos": (mp.acos, [uniform(-0.5, 0.5), uniform(0.5, 0.55), uniform(-1, 1), below_one, TINY]),
    "arctan": (mp.atan, [uniform(-0.42, 0.42), uniform(0.4, 2.5), spread(-1, 1024, BOTH), TINY]),
    "arctan2": (mp.atan2, [(uniform(-1, 1), uniform(-1, 1)), (spread(-400, 400, BOTH), spread(-400, 400, BOTH))]),
    "arcsinh": (mp.asinh, [uniform(-0.5, 0.5), uniform(-4, 4), spread(-1, 499, BOTH), TINY]),
    "arccosh": (mp.acosh, [uniform(1, 1.1), uniform(1, 4), spread(0, 499), lambda rng, n: 2 - below_one(rng, n)]),
    "arctanh": (mp.atanh, [uniform(-0.35, 0.35), uniform(-1, 1), below_one, TINY]),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [uniform(-1, 1), uniform(1, 8), spread(-1074, 1024, BOTH)]),
    "hypot": (mp.hypot, [(uniform(-1, 1), uniform(-1, 1)), (spread(-400, 400, BOTH), spread(-400, 400, BOTH))]),
    "power": (
        mp.power,
        [
            (uniform(0, 2), uniform(-10, 10)),
            (spread(-1074, 1024), uniform(-0.9, 0.9)),
            (uniform(0.99, 1.01), uniform(-50000, 50000)),
        ],
    ),
    "erf": (mp.erf, [uniform(-0.5, 0.5), uniform(-1.2, 1.2), uniform(-6, 6), TINY]),
    "erfc": (mp.erfc, [uniform(-0.5, 0.5), uniform(0.4, 1.2), uniform(-6, 6), uniform(0, 26.5), TINY]),
    "gelu": (lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, [uniform(-1, 1), uniform(-37, 10), spread(-1000, 0, BOTH)]),
    "silu": (lambda x: x / (1 + mp.exp(-x)), [uniform(-1, 1), uniform(-700, 40), spread(-1000, 0, BOTH)]),
    "sinc": (lambda x: mp.sin(x) / x, [uniform(-1, 1), uniform(-740, 740), TINY]),
}
POINTS = 500  # of each sampler
SIZES = [0.0, 5e-324, 1e-310, 1e-300, 0.5, 1 - 2**-53, 1.0, 1 + 2**-52, 2.0, 708.0, 710.0, 746.0, 1e22, 1e300]
SIZES += [1.5 * 2.0**1023, float(np.finfo(float).max), np.inf]
SPECIAL = np.array([*SIZES, *[-x for x in SIZES], np.nan])


erfc = np.vectorize(math.erfc, otypes=[float])
NUMPY = {
    "erf": np.vectorize(math.erf, otypes=[float]),
    "erfc": erfc,
    "gelu": lambda x: x * (erfc(-x / np.sqrt(2)) / 2),
    "silu": lambda x: x * (np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x)))),
    "sinc": lambda x: np.where(x == 0, 1, np.sin(x) / x),
}  # where it lacks a function


def instruction_sets() -> Iterator[Any]:
    """Name, processor, features, whether it has fma, lanes."""
    host = binding.get_host_cpu_features()
    has_fma = not IS_X86 or bool(host.get("fma"))
    for lanes in (8, 1):
        yield pytest.param(("", host.flatten(), has_fma, lanes), id=f"host{lanes}")
    if IS_X86 and host.get("avx2") and has_fma:
        yield pytest.param(("haswell", "", True, 4), id="avx2")
    if IS_X86:
        yield pytest.param(("x86-64", "", False, 2), id="sse2")


binding.initialize_native_target()
binding.initialize_native_asmprinter()
on_each_set = pytest.mark.parametrize("target", list(instruction_sets()))


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Compiled:
    """A function in a loop over arrays; says for each point whether it was flagged."""

    def __init__(self, function: Callable[..., Value], arity: int, target: tuple[str, str, bool, int]) -> None:
        processor, features, has_fma, self.lanes = target
        b = Builder(self.lanes, has_fma)
        text = _loop(b, function, arity)
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=processor, features=features, opt=2, jit=True
        )
        self.engine = binding.create_mcjit_compiler(binding.parse_assembly(text), machine)
        self.engine.finalize_object()
        pointers = [ctypes.c_void_p] * (arity + 2)
        self.call = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(self.engine.get_function_address("f"))

    def __call__(self, *args: Any) -> tuple[Any, Any]:
        n = len(args[0])
        padded = [np.concatenate([arg, np.ones(-n % self.lanes)]) for arg in args]
        out, flags = np.empty(len(padded[0])), np.empty(len(padded[0]), np.int8)
        self.call(*[array.ctypes.data for array in (*padded, out, flags)], len(out))
        return out[:n], flags[:n] != 0


def _loop(b: Builder, function: Callable[..., Value], arity: int) -> str:
    double, mask = b.type_of("double"), b.type_of("i1")
    byte = mask.replace("i1", "i8")
    args = [Value(b, "double", f"%x{i}") for i in range(arity)]
    result = function(b, *args)
    flagged = "zeroinitializer" if b.flagged is None else b.flagged.text
    loads = [
        f"%p{i} = getelementptr double, ptr %in{i}, i64 %i\n%x{i} = load {double}, ptr %p{i}, align 8"
        for i in range(arity)
    ]
    return "\n".join(
        [
            *b.declared.values(),
            f"define void @f({''.join(f'ptr %in{i}, ' for i in range(arity))}ptr %out, ptr %flags, i64 %n) {{",
            "entry:\nbr label %loop\nloop:\n%i = phi i64 [0, %entry], [%next, %loop]",
            *loads,
            *b.lines,
            f"%po = getelementptr double, ptr %out, i64 %i\nstore {double} {result.text}, ptr %po, align 8",
            f"%pf = getelementptr i8, ptr %flags, i64 %i\n%bytes = zext {mask} {flagged} to {byte}",
            f"store {byte} %bytes, ptr %pf, align 1",
            f"%next = add i64 %i, {b.width}",
            "%more = icmp slt i64 %next, %n\nbr i1 %more, label %loop, label %done\ndone:\nret void\n}",
        ]
    )


@cache
def points(name: str) -> tuple[tuple[Any, ...], list[Any]]:
    """Arguments, and the exact values there."""
    rng = np.random.default_rng(sum(map(ord, name)))
    function, samplers = CASES[name]
    drawn = [[s(rng, POINTS) for s in (sampler if isinstance(sampler, tuple) else (sampler,))] for sampler in samplers]
    args = tuple(np.concatenate(columns) for columns in zip(*drawn, strict=True))
    return args, exact(function, args)


def exact(function: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
    with mp.workdps(40):
        return [function(*map(mp.mpf, map(float, point))) for point in zip(*args, strict=True)]


def errors(got: Any, want: list[Any]) -> Any:
    """In units of the last place."""
    with mp.workdps(40):
        lost = [float(abs(mp.mpf(float(g)) - w)) / np.spacing(abs(float(w))) for g, w in zip(got, want, strict=True)]
    return np.array(lost)


def allowed(name: str, target: tuple[str, str, bool, int]) -> float:
    return MORE_ULPS.get(name, ULPS) * (1.0 if target[2] else WITHOUT_FMA)


def compiled(name: str, target: tuple[str, str, bool, int]) -> Compiled:
    return Compiled(FUNCTIONS[name], len(points(name)[0]), target)


def test_every_function_has_an_oracle() -> None:
    assert FUNCTIONS.keys() == CASES.keys()


@on_each_set
def test_value_is_within_the_last_places(name: str, target: Any) -> None:
    args, want = points(name)
    got, flagged = compiled(name, target)(*args)
    assert not flagged.any()
    wrong = errors(got, want)
    worst = int(np.nanargmax(wrong))
    assert wrong[worst] <= allowed(name, target), [float(arg[worst]) for arg in args]
    assert not np.isnan(wrong).any()


@on_each_set
def test_edges_are_those_of_numpy(name: str, target: Any) -> None:
    arity = len(points(name)[0])
    args = [column.ravel() for column in np.meshgrid(*[SPECIAL] * arity)]
    got, flagged = compiled(name, target)(*args)
    with np.errstate(all="ignore"):
        want = NUMPY.get(name, getattr(np, name, None))(*args)
        near = np.abs(got - want) <= 9 * np.spacing(np.abs(want))
    alike = (np.isnan(got) & np.isnan(want)) | ((got == want) & (np.signbit(got) == np.signbit(want))) | near
    assert [(point, g, w) for *point, g, w, ok in zip(*args, got, want, alike | flagged, strict=True) if not ok] == []


EXPONENTS = [0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 10.0, 64.0, -1.0, -2.0, -3.0, -9.0, 0.5, -0.5, 1.5, -1.5, 2.5, -3.5]
EXPONENTS += [2 / 3, 0.1, 65.0, 101.0, -101.0]


@on_each_set
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_constant_power(exponent: float, target: Any) -> None:
    function = Compiled(lambda b, x: FUNCTIONS["power"](b, x, b.constant(exponent)), 1, target)
    span = 900 / max(abs(exponent), 1.0)  # within it what products lack is not subnormal
    x = spread(-span, span, BOTH if exponent == int(exponent) else (1,))(np.random.default_rng(1), 300)
    got, flagged = function(x)
    assert not flagged.any()
    wrong = errors(got, exact(lambda v: mp.power(v, mp.mpf(exponent)), (x,)))
    assert wrong.max() <= allowed("power", target), x[np.argmax(wrong)]
    x = SPECIAL
    got, flagged = function(x)
    with np.errstate(all="ignore"):
        want = np.power(x, np.full_like(x, exponent))  # of a number 0.5, NumPy makes a root, whose zeros differ
    if not target[2]:
        flagged |= np.abs(x) > 1e308  # a product next to the largest double
    np.testing.assert_allclose(got[~flagged], want[~flagged], rtol=1e-15, atol=1e-323)
    assert (np.signbit(got) == np.signbit(want))[~flagged & ~np.isnan(want)].all()


def test_huge_angles_are_flagged() -> None:
    for name in ("sin", "cos", "tan"):
        got = compiled(name, next(instruction_sets()).values[0])(np.array([1e9, -1e9, 2e9, -2e9, 1e300, np.inf]))
        assert got[1].tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("names", [("sin", "cos"), ("tanh", "cosh"), ("sinh", "cosh", "tanh")])
def test_functions_of_one_argument_share_what_is_common(names: tuple[str, ...]) -> None:
    alone = [_size(name) for name in names]
    assert _size(*names) <= max(alone) + 6 * len(names)


def _size(*names: str) -> int:
    b = Builder(8, has_fma=True)
    x = Value(b, "double", "%x")
    for name in names:
        FUNCTIONS[name](b, x)
    return len(b.lines)


def odd(coefficients: tuple[float, ...], first: float, r: Any) -> Any:
    return first * r + r**3 * mp.polyval(coefficients[::-1], r * r)


HALF_LN2 = 0.3467
APPROXIMATIONS = {
    "ERF": (lambda x: x + x * mp.polyval(errorfunction.ERF[::-1], x * x), mp.erf, 0, 1.0001, -56.0),
    "LOG_ERFC": (lambda x: 1 - mp.exp(-mp.polyval(errorfunction.LOG_ERFC[::-1], x)), mp.erf, 1, 6, -57.0),
    "ERFC": (
        lambda x: (
            mp.exp(-x * x) * mp.polyval(errorfunction.ERFC[::-1], 1 / (x + 2.5) - errorfunction.CENTRE) / (x + 2.5)
        ),
        mp.erfc,
        0.5,
        27.5,
        -55.1,
    ),
    "EXP": (lambda r: 1 + r + r * r * mp.polyval(exponential.EXP[::-1], r), mp.exp, -HALF_LN2, HALF_LN2, -56.8),
    "EXPM1": (lambda r: 1 + r + r * r * mp.polyval(exponential.EXPM1[::-1], r), mp.exp, -0.288, 0.406, -63.3),
    "EXP2": (lambda r: 1 + r * mp.polyval(exponential.EXP2[::-1], r), lambda r: mp.power(2, r), -0.5001, 0.5001, -59.4),
    "LOG": (lambda s: odd(logarithm.LOG, 2, s), lambda s: 2 * mp.atanh(s), 0, 0.1716, -59.4),
    "SIN": (lambda r: odd(trigonometric.SIN, 1, r), mp.sin, 0, 0.7855, -57.8),
    "COS": (lambda r: 1 - r**2 / 2 + r**4 * mp.polyval(trigonometric.COS[::-1], r * r), mp.cos, 0, 0.7855, -63.9),
    "SINH": (lambda r: odd(hyperbolic.SINH, 1, r), mp.sinh, 0, HALF_LN2, -61.6),
    "COSH": (
        lambda r: 1 + r**2 / 2 + r**4 * mp.polyval(hyperbolic.COSH[::-1], r * r) / 2,
        mp.cosh,
        0,
        HALF_LN2,
        -57.3,
    ),
    "ARCTAN": (lambda t: odd(inverse.ARCTAN, 1, t), mp.atan, 0, 0.4143, -59.3),
    "ARCSIN": (lambda s: odd(inverse.ARCSIN, 1, s), mp.asin, 0, 0.5001, -55.8),
    "ARCTANH": (lambda s: odd(inverse.ARCTANH, 1, s), mp.atanh, 0, 0.2025, -55.6),
    "LOG2": (
        lambda s: (
            s * (_sum(powers.LOG2_A) + s**2 * (_sum(powers.LOG2_B) + s**2 * mp.polyval(powers.LOG2[::-1], s * s)))
        ),
        lambda s: 2 * mp.atanh(s) / mp.log(2),
        0,
        0.1716,
        -66.2,
    ),
    "ROOT": (lambda f: mp.polyval(powers.ROOT[::-1], f), lambda f: mp.cbrt(1 / (1 + f)), -0.293, 0.4143, -33.2),
}


def _sum(parts: tuple[float, ...]) -> Any:
    return mp.fsum(map(mp.mpf, parts))


@pytest.mark.parametrize("polynomial", APPROXIMATIONS)
def test_polynomial_is_as_near_as_its_comment_says(polynomial: str) -> None:
    approximation, function, low, high, bits = APPROXIMATIONS[polynomial]
    with mp.workdps(40):
        at = [low + (high - low) * mp.sin(mp.pi * (2 * k + 1) / 1600) ** 2 for k in range(400)]  # Chebyshev's
        assert max(abs(approximation(x) / function(x) - 1) for x in at) <= mp.mpf(2) ** bits

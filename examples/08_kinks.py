"""What a number means: kinks, dead branches, and the edge of the domain.

At a kink there is no derivative. The float path follows one documented convention per operation, and marks
every number so obtained; outside its domain a function is nan, and so is its derivative; a branch that is not
taken contributes nothing, even where it is nan.

Prints:

    abs(x)                    at    2:  value 2     slope 1               smooth here
    abs(x)                    at    0:  value 0     slope 0       marked  a kink: slopes -1 and 1, convention 0
    relu(x)                   at    0:  value 0     slope 0       marked  a kink: slopes 0 and 1, convention 0
    max(x, 0)                 at    0:  value 0     slope 0.5     marked  a tie of two: 1/2 each
    where(x > 0, sqrt(x), 0)  at   -1:  value 0     slope 0               sqrt(-1) is in the branch not taken
    log(x)                    at   -1:  value nan   slope nan     marked  outside the domain
    cbrt(x)                   at   -8:  value -2    slope 0.08333         the real cube root
    x**(1/3)                  at   -8:  value nan   slope nan     marked  a power of a negative base is not real
    the derivative of log(x) is 1/x, and remembers the domain: at -1 it is nan
    slopes of abs(x) + 3*x over [-1.0, -0.5, 0.0, 0.5, 1.0] are [2.0, 2.0, 3.0, 4.0, 4.0]
"""

import numpy as np

import symdiff as sd

CASES: list[tuple[str, float, str]] = [
    ("abs(x)", 2.0, "smooth here"),
    ("abs(x)", 0.0, "a kink: slopes -1 and 1, convention 0"),
    ("relu(x)", 0.0, "a kink: slopes 0 and 1, convention 0"),
    ("max(x, 0)", 0.0, "a tie of two: 1/2 each"),
    ("where(x > 0, sqrt(x), 0)", -1.0, "sqrt(-1) is in the branch not taken"),
    ("log(x)", -1.0, "outside the domain"),
    ("cbrt(x)", -8.0, "the real cube root"),
    ("x**(1/3)", -8.0, "a power of a negative base is not real"),
]


def main() -> None:
    for text, x, remark in CASES:
        there = sd.parse(text).at(x=x)
        mark = "marked" if there.kinks else ""
        print(f"{text:<25} at {x:4g}:  value {there.value:<5.3g} slope {there.grad['x']:<7.4g} {mark:<7} {remark}")

    f = sd.parse("log(x)")
    print(f"the derivative of log(x) is {f.diff('x')}, and remembers the domain: at -1 it is {f.diff('x')(x=-1)}")

    grid = np.linspace(-1.0, 1.0, 5)
    slopes = sd.parse("abs(x) + 3*x").at(x=grid).grad["x"]
    print("slopes of abs(x) + 3*x over", grid.tolist(), "are", slopes.tolist())


if __name__ == "__main__":
    main()

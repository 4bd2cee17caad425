"""Derivatives of derivatives: closed forms of any order, mixed partials, and a Taylor polynomial.

Prints:

    order 0: x**3 + x**2    at 2: 12
    order 1: 3*x**2 + 2*x   at 2: 16
    order 2: 6*x + 2        at 2: 14
    order 3: 6              at 2: 6
    order 4: 0              at 2: 0
    mixed: 2*x + cos(x*y) - x*y*sin(x*y)
    the order does not matter: True
    exp(sin(x)) near 0: x**7/90 - x**6/240 - x**5/15 - x**4/8 + x**2/2 + x + 1
    at 0.1 they differ by 5e-11
"""

import math
from fractions import Fraction

import symdiff as sd


def main() -> None:
    f = sd.parse("x**3 + x**2")
    for order in range(5):
        derivative = f.diff("x", order) if order else f
        print(f"order {order}: {derivative!s:<14} at 2: {derivative(x=2):g}")

    g = sd.parse("sin(x*y) + x**2*y")
    print("mixed:", sd.diff(g, "x", "y"))
    print("the order does not matter:", sd.diff(g, "x", "y") == sd.diff(g, "y", "x"))

    h = sd.parse("exp(sin(x))")
    taylor = sd.parse("0")
    for n in range(8):
        coefficient = Fraction(h.diff("x", n)(x=0)) / math.factorial(n)
        taylor += coefficient * sd.symbols("x") ** n
    print("exp(sin(x)) near 0:", taylor.simplify())
    print(f"at 0.1 they differ by {abs(taylor(x=0.1) - h(x=0.1)):.0e}")


if __name__ == "__main__":
    main()

"""A formula, its derivative as a formula, and its gradient as numbers from the reverse sweep: shown to agree.

The closed form is differentiated and evaluated; the gradient never sees it. Both come from the same
table of partial derivatives, so where they differ, something is broken.

Prints:

    f               at           f there         closed form                      its value  gradient
    3x²             x=3          27.0000  d/dx   6*x                                18.0000   18.0000
    6x² + 2x + 4    x=3          64.0000  d/dx   12*x + 2                           38.0000   38.0000
    x²              x=9          81.0000  d/dx   2*x                                18.0000   18.0000
    x²              x=2           4.0000  d/dx   2*x                                 4.0000    4.0000
    x² + 2x + 1     x=2           9.0000  d/dx   2*x + 2                             6.0000    6.0000
    2x³ + x         x=1           3.0000  d/dx   6*x**2 + 1                          7.0000    7.0000
    x³ + x²         x=2          12.0000  d/dx   3*x**2 + 2*x                       16.0000   16.0000
    sin(x/(2√(2)))  x=100        -0.7158  d/dx   cos(x/(2*sqrt(2)))/(2*sqrt(2))     -0.2469   -0.2469
    sin(x/2**1.5)   x=100        -0.7158  d/dx   cos(x/2**(3/2))/2**(3/2)           -0.2469   -0.2469
    u³ + v² + 4u v  u=3, v=4     91.0000  d/du   3*u**2 + 4*v                       43.0000   43.0000
                                          d/dv   4*u + 2*v                          20.0000   20.0000
    u² + v³ + u v   u=2, v=4     76.0000  d/du   2*u + v                             8.0000    8.0000
                                          d/dv   3*v**2 + u                         50.0000   50.0000
    u v + u²        u=1, v=2      3.0000  d/du   2*u + v                             4.0000    4.0000
                                          d/dv   u                                   1.0000    1.0000
    u v + (u v)²    u=2, v=1      6.0000  d/du   v*(2*u*v + 1)                       5.0000    5.0000
                                          d/dv   u*(2*u*v + 1)                      10.0000   10.0000
    x² + y³         x=2, y=3     31.0000  d/dx   2*x                                 4.0000    4.0000
                                          d/dy   3*y**2                             27.0000   27.0000
    largest relative difference below 1e-15: True
"""

import symdiff as sd

FORMULAS: list[tuple[str, dict[str, float]]] = [
    ("3x²", {"x": 3}),
    ("6x² + 2x + 4", {"x": 3}),
    ("x²", {"x": 9}),
    ("x²", {"x": 2}),
    ("x² + 2x + 1", {"x": 2}),
    ("2x³ + x", {"x": 1}),
    ("x³ + x²", {"x": 2}),
    ("sin(x/(2√(2)))", {"x": 100}),
    ("sin(x/2**1.5)", {"x": 100}),
    ("u³ + v² + 4u v", {"u": 3, "v": 4}),
    ("u² + v³ + u v", {"u": 2, "v": 4}),
    ("u v + u²", {"u": 1, "v": 2}),
    ("u v + (u v)²", {"u": 2, "v": 1}),
    ("x² + y³", {"x": 2, "y": 3}),
]


def main() -> None:
    worst = 0.0
    print(f"{'f':<16}{'at':<12}{'f there':>8}  {'':<6} {'closed form':<32}{'its value':>10}{'gradient':>10}")
    for text, point in FORMULAS:
        f = sd.parse(text)
        there = f.at(point)
        first = f"{text:<16}{', '.join(f'{name}={x}' for name, x in point.items()):<12}{there.value:>8.4f}"
        for name in f.variables:
            derivative = f.diff(name)
            value = derivative(point)
            print(f"{first:<36}  d/d{name:<3} {derivative!s:<32}{value:>10.4f}{there.grad[name]:>10.4f}")
            worst = max(worst, abs(value / there.grad[name] - 1))
            first = ""
    print("largest relative difference below 1e-15:", worst < 1e-15)


if __name__ == "__main__":
    main()

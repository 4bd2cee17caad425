"""Functions over ranges: x² and relu, with their derivatives at every point of a grid.

`value_and_grad` gives the derivative at each point. `vjp` pulls a cotangent back through the formula: with
ones it is the gradient of the sum of all values, which for a formula applied point by point is the same array
(the "sum trick" of autograd tutorials). A parameter shared by all points gets the sum of what they say.

Prints:

           x       x²       2x     relu    relu'
      -10.000  100.000  -20.000    0.000    0.000
       -7.778   60.494  -15.556    0.000    0.000
       -5.556   30.864  -11.111    0.000    0.000
       -3.333   11.111   -6.667    0.000    0.000
       -1.111    1.235   -2.222    0.000    0.000
        1.111    1.235    2.222    1.111    1.000
        3.333   11.111    6.667    3.333    1.000
        5.556   30.864   11.111    5.556    1.000
        7.778   60.494   15.556    7.778    1.000
       10.000  100.000   20.000   10.000    1.000
    the sum trick gives the same slopes: True
    d(sum of a*x + b)/da = 5000.0 (the sum of x), /db = 1000 (the number of points)
"""

import numpy as np

import symdiff as sd


def main() -> None:
    square = sd.compile("x**2")
    relu = sd.compile("relu(x)")
    x = np.linspace(-10.0, 10.0, 10)
    values, (slopes,) = square.value_and_grad(x)
    bends, (steps,) = relu.value_and_grad(x)
    print("       x       x²       2x     relu    relu'")
    for row in zip(x, values, slopes, bends, steps, strict=True):
        print("".join(f"{number:9.3f}" for number in row))

    x = np.linspace(-20.0, 20.0, 20)
    _, (slopes,) = square.value_and_grad(x)
    _, (pulled,) = square.vjp((x,), np.ones_like(x))
    print("the sum trick gives the same slopes:", np.array_equal(slopes, pulled))

    x = np.linspace(0.0, 10.0, 1000)
    line = sd.compile("a*x + b", args=("a", "b", "x"), wrt=("a", "b"))
    _, (a, b) = line.vjp((2.0, 1.0, x), np.ones_like(x))
    print(f"d(sum of a*x + b)/da = {a:.1f} (the sum of x), /db = {b:.0f} (the number of points)")


if __name__ == "__main__":
    main()

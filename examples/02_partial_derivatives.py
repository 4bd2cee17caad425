"""Partial derivatives: one sweep gives all of them, and they say how the value changes in any direction.

A step h away along a unit direction w, the value changes by about h * (gradient . w); halving h four times
over shows the difference quotient closing in on that product, which `jvp` computes without the gradient.

Prints:

    df/du = 3*u**2 + 4*v
    df/dv = 4*u + 2*v
    f(3, 4) = 91, gradient (43, 20)
    slope along (cos 30°, sin 30°): 47.239092
      difference quotient, h = 0.1    48.118793
      difference quotient, h = 0.01   47.326478
      difference quotient, h = 0.001  47.247825
    steepest slope 47.423623, in the direction of the gradient
"""

import math

import symdiff as sd


def main() -> None:
    f = sd.parse("u**3 + v**2 + 4*u*v")
    for name, partial in sd.gradient(f).items():
        print(f"df/d{name} = {partial}")

    u, v = 3.0, 4.0
    there = f.at(u=u, v=v)
    print(f"f({u:g}, {v:g}) = {there.value:g}, gradient ({there.grad['u']:g}, {there.grad['v']:g})")

    F = sd.compile(f)
    w = (math.cos(math.radians(30)), math.sin(math.radians(30)))
    _, slope = F.jvp((u, v), w)
    print(f"slope along (cos 30°, sin 30°): {slope:.6f}")
    for h in (1e-1, 1e-2, 1e-3):
        print(f"  difference quotient, h = {h:<6g} {(F(u + h * w[0], v + h * w[1]) - there.value) / h:.6f}")

    steepest = math.hypot(*there.grad.values())
    print(f"steepest slope {steepest:.6f}, in the direction of the gradient")


if __name__ == "__main__":
    main()

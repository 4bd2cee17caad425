"""Newton's method, twice: with a Jacobian to solve two equations, with a Hessian to find a minimum.

The matrices are closed forms first, so one can read them; compiled functions of packed vectors then do the
work. The number of right digits doubles with each step until none is left to gain.

Prints:

    Where does the circle x² + y² = 4 meet the curve y = 1 - exp(x)?
      J: 2*x        2*y
      J: exp(x)     1
      step 0: (1.000000000000, -1.500000000000), residual 8e-01
      step 1: (1.009370355734, -1.743753096177), residual 6e-02
      step 2: (1.004199420676, -1.729684419123), residual 2e-04
      step 3: (1.004168739139, -1.729637287554), residual 3e-09
      step 4: (1.004168738475, -1.729637287026), residual below 1e-14
    Where is the Rosenbrock function smallest?
      H: 1200*x**2 - 400*y + 2      -400*x
      H: -400*x                     200
      step 0: (-1.200000, +1.000000), value 2e+01
      step 1: (-1.175281, +1.380674), value 5e+00
      step 2: (+0.763115, -3.175034), value 1e+03
      step 3: (+0.763430, +0.582825), value 6e-02
      step 4: (+0.999995, +0.944027), value 3e-01
      step 5: (+0.999996, +0.999991), value 2e-11
      step 6: (+1.000000, +1.000000), value below 1e-14
"""

import numpy as np

import symdiff as sd


def main() -> None:
    print("Where does the circle x² + y² = 4 meet the curve y = 1 - exp(x)?")
    system = sd.parse("[x**2 + y**2 - 4, exp(x) + y - 1]")
    for row in sd.jacobian(system):
        print("  J:", "   ".join(f"{entry!s:<8}" for entry in row).rstrip())
    F = sd.compile(system, args=("x", "y")).packed
    p = np.array([1.0, -1.5])
    for step in range(5):
        residual = np.asarray(F(p))
        print(f"  step {step}: ({p[0]:.12f}, {p[1]:.12f}), residual {shown(np.abs(residual).max())}")
        p -= np.linalg.solve(F.jacobian(p), residual)

    print("Where is the Rosenbrock function smallest?")
    f = sd.parse("(1 - x)**2 + 100*(y - x**2)**2")
    for row in sd.hessian(f):
        print("  H:", "   ".join(f"{entry!s:<24}" for entry in row).rstrip())
    G = sd.compile(f, args=("x", "y")).packed
    p = np.array([-1.2, 1.0])
    for step in range(7):
        value, gradient = G.value_and_grad(p)
        print(f"  step {step}: ({p[0]:+.6f}, {p[1]:+.6f}), value {shown(value)}")
        p -= np.linalg.solve(G.hessian(p), gradient)


def shown(size: float) -> str:
    """A number that goes to 0; what is left in the end is rounding, and differs between machines."""
    return f"{size:.0e}" if size > 1e-14 else "below 1e-14"


if __name__ == "__main__":
    main()

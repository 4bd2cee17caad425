"""Fit a growth curve by Gauss-Newton with Levenberg's damping, against certified answers.

Rat43 of the NIST Statistical Reference Datasets (D. A. Ratkowsky, "Nonlinear Regression Modeling", 1983, ch. 4
and 6): dry weight of onion bulbs and tops over 15 growing periods; difficulty "higher". NIST certifies the least
squares parameters to 11 digits. From the far start (start 1) as from the near one, the exact Jacobian of the
formula leads to them.

Prints:

    from start 1 (100, 10, 1, 1):
      b1 = 699.64151    certified 699.64151    at least 8 digits: True
      b2 = 5.2771253    certified 5.2771253    at least 8 digits: True
      b3 = 0.75962938   certified 0.75962938   at least 8 digits: True
      b4 = 1.2792484    certified 1.2792484    at least 8 digits: True
    from start 2 (700, 5, 0.75, 1.3):
      b1 = 699.64151    certified 699.64151    at least 8 digits: True
      b2 = 5.2771253    certified 5.2771253    at least 8 digits: True
      b3 = 0.75962938   certified 0.75962938   at least 8 digits: True
      b4 = 1.2792484    certified 1.2792484    at least 8 digits: True
"""

import math

import numpy as np
from numpy.typing import NDArray

import symdiff as sd

MODEL = "b1 / (1 + exp(b2 - b3*x))**(1/b4)"
Y = [16.08, 33.83, 65.80, 97.20, 191.55, 326.20, 386.87, 520.53, 590.03, 651.92, 724.93, 699.56, 689.96, 637.56, 717.41]
STARTS = {"start 1": [100.0, 10.0, 1.0, 1.0], "start 2": [700.0, 5.0, 0.75, 1.3]}
CERTIFIED = [6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00]
Vector = NDArray[np.float64]


def fit(x: Vector, y: Vector, start: list[float]) -> tuple[Vector, int]:
    """Return the least squares parameters and the number of steps taken."""
    F = sd.compile(MODEL, args=("b1", "b2", "b3", "b4", "x"), wrt=("b1", "b2", "b3", "b4"))
    p = np.array(start)
    value, columns = F.value_and_grad(*p, x)
    damping = 1e-3
    for step in range(1, 201):
        J, residual = np.stack(columns, axis=1), y - value
        scale = np.sqrt(damping) * np.linalg.norm(J, axis=0)
        move = np.linalg.lstsq(np.vstack([J, np.diag(scale)]), np.append(residual, np.zeros(len(p))))[0]
        trial, trial_columns = F.value_and_grad(*(p + move), x)
        if np.sum((y - trial) ** 2) < np.sum(residual**2):
            p, value, columns, damping = p + move, trial, trial_columns, damping / 10
        else:
            damping *= 10
        if np.all(np.abs(move) < 1e-12 * np.abs(p)):
            return p, step
    raise ArithmeticError("no convergence in 200 steps")


def main() -> None:
    x, y = np.arange(1.0, 16.0), np.array(Y)
    for name, start in STARTS.items():
        p, _ = fit(x, y, start)
        print(f"from {name} ({', '.join(f'{b:g}' for b in start)}):")
        for i, (got, want) in enumerate(zip(p, CERTIFIED, strict=True), 1):
            digits = -math.log10(max(abs(got / want - 1), 1e-11))
            print(f"  b{i} = {got:<12.8g} certified {want:<12.8g} at least 8 digits: {digits >= 8}")


if __name__ == "__main__":
    main()

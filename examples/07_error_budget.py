"""What contributes how much to the uncertainty of a result: an error-propagation budget, term by term.

Example H.2 of the "Guide to the Expression of Uncertainty in Measurement" (JCGM 100:2008): the resistance,
reactance and impedance of a circuit element from the amplitudes V and I and the phase phi, whose readings are
correlated. The Guide states R = 127.732(71), X = 219.847(295) and Z = 254.260(236) ohm.

To first order, u² is the sum over all pairs of c_i u_i r_ij c_j u_j, where the sensitivities c are the gradient.

Prints:

    R = V/I * cos(phi)
        dR/dI = -V*cos(phi)/I**2
        dR/dphi = -V*sin(phi)/I
        dR/dV = cos(phi)/I
        127.732 ± 0.070 ohm   correlated:            I -20%  phi +183%  V -63%
        127.732 ± 0.194 ohm   were they independent: I +10%  phi +72%  V +18%
    X = V/I * sin(phi)
        dX/dI = -V*sin(phi)/I**2
        dX/dphi = V*cos(phi)/I
        dX/dV = sin(phi)/I
        219.847 ± 0.296 ohm   correlated:            I +27%  phi +31%  V +42%
        219.847 ± 0.201 ohm   were they independent: I +28%  phi +23%  V +49%
    Z = V/I
        dZ/dI = -V/I**2
        dZ/dV = 1/I
        254.260 ± 0.237 ohm   correlated:            I +40%  V +60%
        254.260 ± 0.204 ohm   were they independent: I +36%  V +64%
"""

import math
from collections.abc import Mapping

import symdiff as sd

MEASURED = {"V": (4.9990, 0.0032), "I": (19.6610e-3, 0.0095e-3), "phi": (1.04446, 0.00075)}
CORRELATIONS = {("V", "I"): -0.36, ("V", "phi"): 0.86, ("I", "phi"): -0.65}
QUANTITIES = {"R": "V/I * cos(phi)", "X": "V/I * sin(phi)", "Z": "V/I"}


def budget(
    formula: str,
    measured: Mapping[str, tuple[float, float]],
    correlations: Mapping[tuple[str, str], float] | None = None,
) -> tuple[float, float, dict[str, float]]:
    """Return the value, its standard uncertainty, and each term's part of the variance.

    ``measured`` maps a name to its value and standard uncertainty; ``correlations`` maps pairs of names to their
    correlation coefficient, 0 where it says nothing. A correlation counts half for either of its two names.
    """
    f = sd.parse(formula)
    there = f.at({name: measured[name][0] for name in f.variables})
    contribution = {name: there.grad[name] * measured[name][1] for name in f.variables}
    parts = {name: c**2 for name, c in contribution.items()}
    for (a, b), r in (correlations or {}).items():
        if a in parts and b in parts:
            parts[a] += r * contribution[a] * contribution[b]
            parts[b] += r * contribution[a] * contribution[b]
    return there.value, math.sqrt(sum(parts.values())), parts


def main() -> None:
    for name, formula in QUANTITIES.items():
        print(f"{name} = {formula}")
        for variable, partial in sd.gradient(sd.parse(formula)).items():
            print(f"    d{name}/d{variable} = {partial}")
        for title, correlations in (("correlated", CORRELATIONS), ("were they independent", {})):
            value, u, parts = budget(formula, MEASURED, correlations)
            terms = "  ".join(f"{variable} {part / u**2:+.0%}" for variable, part in parts.items())
            print(f"    {value:.3f} ± {u:.3f} ohm   {title + ':':<22} {terms}")


if __name__ == "__main__":
    main()

"""Write tests/golden/posterior.csv: ArviZ's R-hat, effective draws and standard error of known series.

Run by hand with arviz 0.23 when a case is added: ``python tests/golden/posterior.py``. Each series is an
AR(1) driven by uniforms of a small linear congruential generator, so that the test can make it again.
"""

import pathlib

import arviz
import numpy as np

CASES = [(0.0, 4, 1000, 0.0), (0.5, 4, 1000, 0.0), (0.95, 4, 1000, 0.0), (-0.6, 4, 500, 0.0)]
CASES += [(0.3, 2, 251, 0.0), (0.3, 2, 40, 0.0), (0.5, 4, 200, 0.8), (0.9, 3, 333, 0.4)]


def series(coefficient: float, chains: int, draws: int, shift: float) -> np.ndarray:
    """Chains by draws; the first chain stands `shift` apart."""
    state, rows = 1, []
    for chain in range(chains):
        value, row = 0.0, []
        for _ in range(draws):
            state = (1103515245 * state + 12345) % 2**31
            value = coefficient * value + state / 2**31 - 0.5
            row.append(value + (shift if chain == 0 else 0.0))
        rows.append(row)
    return np.array(rows)


lines = ["coefficient,chains,draws,shift,r_hat,ess_bulk,ess_tail,standard_error"]
for case in CASES:
    x = series(*case)
    found = [arviz.rhat(x), arviz.ess(x, method="bulk"), arviz.ess(x, method="tail")]
    found.append(arviz.mcse(x, method="mean"))
    lines.append(",".join(f"{float(value):.17g}" for value in (*case, *found)))
pathlib.Path(__file__).with_suffix(".csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

"""How long things last, and what makes them last longer, when some have not ended yet.

Curves: `KaplanMeier`, `NelsonAalen`, `AalenJohansen`. Comparisons: `logrank`, `gray`, `rmst`, `plot`; before
they begin, `sample_size` and `power`.
Regressions: `CoxPH`, `FineGray`, `DiscreteHazard`, and `ExponentialAFT`, `WeibullAFT`, `LogNormalAFT`,
`LogLogisticAFT`, `GeneralizedGammaAFT`, which without columns fit the law of the lifetimes. Scores:
`churn_scores`, and `calibration`, which judges any predicted chances.

All fit arrays, ``fit(durations, events)``, or a frame of any kind,
``fit(frame, duration_col="months", event_col="churned")``.
"""

from salesops._names import listing
from salesops.survival._aft import (
    ExponentialAFT,
    GeneralizedGammaAFT,
    LogLogisticAFT,
    LogNormalAFT,
    WeibullAFT,
)
from salesops.survival._calibration import Calibration, Measured, calibration
from salesops.survival._churn import ChurnScores, churn_scores
from salesops.survival._compare import LogRank, RestrictedMeans, gray, logrank, rmst
from salesops.survival._competing import FineGray
from salesops.survival._cox import Assumptions, CoxPH
from salesops.survival._curves import AalenJohansen, KaplanMeier, NelsonAalen
from salesops.survival._discrete import DiscreteHazard
from salesops.survival._groups import plot
from salesops.survival._power import GroupSizes, power, sample_size

__all__ = [
    "AalenJohansen",
    "Assumptions",
    "Calibration",
    "ChurnScores",
    "CoxPH",
    "DiscreteHazard",
    "ExponentialAFT",
    "FineGray",
    "GeneralizedGammaAFT",
    "GroupSizes",
    "KaplanMeier",
    "LogLogisticAFT",
    "LogNormalAFT",
    "LogRank",
    "Measured",
    "NelsonAalen",
    "RestrictedMeans",
    "WeibullAFT",
    "calibration",
    "churn_scores",
    "gray",
    "logrank",
    "plot",
    "power",
    "rmst",
    "sample_size",
]
__dir__ = listing(__name__)

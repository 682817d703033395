"""How long things last, and what makes them last longer, when some have not ended yet.

Curves: `KaplanMeier`, `NelsonAalen`, `AalenJohansen`. Comparisons: `logrank`, `rmst`. Regressions: `CoxPH`,
and `ExponentialAFT`, `WeibullAFT`, `LogNormalAFT`, `LogLogisticAFT`, `GeneralizedGammaAFT`, which without
columns fit the law of the lifetimes.

All fit arrays, ``fit(durations, events)``, or a frame of any kind,
``fit(frame, duration_col="months", event_col="churned")``.
"""

from salesops.survival._aft import (
    ExponentialAFT,
    GeneralizedGammaAFT,
    LogLogisticAFT,
    LogNormalAFT,
    WeibullAFT,
)
from salesops.survival._compare import LogRank, RestrictedMeans, logrank, rmst
from salesops.survival._cox import Assumptions, CoxPH
from salesops.survival._curves import AalenJohansen, KaplanMeier, NelsonAalen

__all__ = [
    "AalenJohansen",
    "Assumptions",
    "CoxPH",
    "ExponentialAFT",
    "GeneralizedGammaAFT",
    "KaplanMeier",
    "LogLogisticAFT",
    "LogNormalAFT",
    "LogRank",
    "NelsonAalen",
    "RestrictedMeans",
    "WeibullAFT",
    "logrank",
    "rmst",
]

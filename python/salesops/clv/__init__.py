"""Customer lifetime value: who still is a customer, how often it will buy, and what that is worth."""

from __future__ import annotations

from salesops._names import listing
from salesops._progress import ConvergenceWarning
from salesops.clv._compare import Comparison, Selection, compare, evaluate, select
from salesops.clv._contract import SBG, BdW
from salesops.clv._estimator import Summary, from_json, load
from salesops.clv._inference import LikelihoodRatioTest, likelihood_ratio_test
from salesops.clv._models import (
    BGBB,
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    GGompertzNBD,
    ParetoNBD,
    SarmanovParetoNBD,
)
from salesops.clv._posterior import Posterior
from salesops.clv._purchases import PurchaseModel
from salesops.clv._rfm import Rfm, RfmState, rfm
from salesops.clv._spend import GammaGamma
from salesops.clv._tracking import Tracking, tracking

__all__ = [
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "MBGCNBD",
    "MBGNBD",
    "NBD",
    "SBG",
    "BdW",
    "Comparison",
    "ConvergenceWarning",
    "GGompertzNBD",
    "GammaGamma",
    "LikelihoodRatioTest",
    "ParetoNBD",
    "Posterior",
    "PurchaseModel",
    "Rfm",
    "RfmState",
    "SarmanovParetoNBD",
    "Selection",
    "Summary",
    "Tracking",
    "compare",
    "evaluate",
    "from_json",
    "likelihood_ratio_test",
    "load",
    "rfm",
    "select",
    "tracking",
]
__dir__ = listing(__name__)

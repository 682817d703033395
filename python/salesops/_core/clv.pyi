"""
Customer lifetime value (salesops/clv.hpp).
"""

from __future__ import annotations
import collections.abc
import datetime
import numpy
import numpy.typing
import salesops._core.calendar
import salesops._core.issues
import salesops._core.table
import typing

__all__: list[str] = [
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "BdW",
    "FitSummary",
    "GGompertzNBD",
    "GammaGamma",
    "MBGCNBD",
    "MBGNBD",
    "NBD",
    "PacedParetoNBD",
    "ParetoNBD",
    "Rfm",
    "RfmState",
    "SBG",
    "SarmanovParetoNBD",
    "days_in",
    "dect_over_time",
    "fit_bdw",
    "fit_bdw_covariates",
    "fit_bg_bb",
    "fit_bg_cnbd",
    "fit_bg_nbd",
    "fit_bg_nbd_covariates",
    "fit_gamma_gamma",
    "fit_gamma_gamma_covariates",
    "fit_ggompertz_nbd",
    "fit_ggompertz_nbd_covariates",
    "fit_mbg_cnbd",
    "fit_mbg_nbd",
    "fit_mbg_nbd_covariates",
    "fit_nbd",
    "fit_pareto_nbd",
    "fit_pareto_nbd_covariates",
    "fit_pareto_nbd_over_time",
    "fit_sarmanov_pareto_nbd",
    "fit_sbg",
    "fit_sbg_covariates",
    "likelihood_ratio_test",
    "pmf_new_over_time",
    "predict_over_time",
    "simulate_over_time",
]

class GammaGamma:
    """
    How much customers spend a purchase.
    """

    names: typing.ClassVar[tuple] = ("p", "q", "v")
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def expected_spend(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_spend_new(self) -> float: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def simulate(
        self,
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def values(self) -> list[float]: ...

class SBG:
    """
    Contracts with unequal, constant churn.
    """

    names: typing.ClassVar[tuple] = ("alpha", "beta")
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        survivors: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        first_renewal: typing.SupportsFloat | typing.SupportsIndex,
    ) -> float: ...
    def log_p_churn(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_survival(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def residual_lifetime(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def retention(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def simulate(
        self,
        customers: typing.SupportsInt | typing.SupportsIndex,
        renewals: typing.SupportsInt | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def survival(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def survival_given(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def values(self) -> list[float]: ...

class BdW:
    """
    Contracts whose churn changes with age.
    """

    names: typing.ClassVar[tuple] = ("alpha", "beta", "c")
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        survivors: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        first_renewal: typing.SupportsFloat | typing.SupportsIndex,
    ) -> float: ...
    def log_p_churn(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_survival(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def residual_lifetime(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def retention(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def simulate(
        self,
        customers: typing.SupportsInt | typing.SupportsIndex,
        renewals: typing.SupportsInt | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def survival(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def survival_given(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def values(self) -> list[float]: ...

class NBD:
    """
    Customers who never leave.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[NBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def values(self) -> list[float]: ...

class ParetoNBD:
    """
    Customers who may leave at any time.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "s", "beta")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[ParetoNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def values(self) -> list[float]: ...

class SarmanovParetoNBD:
    """
    Customers who buy often and leave sooner, or later.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "s", "beta", "m")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[SarmanovParetoNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def correlation(self) -> float: ...
    @property
    def m_bounds(self) -> tuple[float, float]: ...
    @property
    def values(self) -> list[float]: ...

class BGBB:
    """
    Customers who buy or not at given opportunities.
    """

    names: typing.ClassVar[tuple] = ("alpha", "beta", "gamma", "delta")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[BGBB],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def values(self) -> list[float]: ...

class GGompertzNBD:
    """
    Customers whose risk of leaving changes with age.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "b", "s", "beta")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[GGompertzNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def values(self) -> list[float]: ...

class BGNBD:
    """
    Customers who may leave after a repeat purchase.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "a", "b")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[BGNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def values(self) -> list[float]: ...

class MBGNBD:
    """
    Customers who may leave after any purchase.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "a", "b")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[MBGNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def values(self) -> list[float]: ...

class BGCNBD:
    """
    BG/NBD with regular purchases.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "a", "b")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[BGCNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self,
        values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        k: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def k(self) -> int: ...
    @property
    def values(self) -> list[float]: ...

class MBGCNBD:
    """
    MBG/NBD with regular purchases.
    """

    names: typing.ClassVar[tuple] = ("r", "alpha", "a", "b")
    @staticmethod
    def predict(
        models: collections.abc.Sequence[MBGCNBD],
        of_row: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        t_x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        discount_rate: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
        outcome: bool,
        covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        spend: tuple[
            collections.abc.Sequence[GammaGamma],
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> dict: ...
    def __init__(
        self,
        values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        k: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dert_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dropout_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_likelihood(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def rate_distribution(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        level: typing.SupportsFloat | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> tuple[
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
        numpy.typing.NDArray[numpy.float64],
    ]: ...
    def simulate(
        self,
        T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        keys: typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        horizon: typing.SupportsFloat | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
        threads: typing.SupportsInt | typing.SupportsIndex,
        times: bool,
    ) -> dict: ...
    @property
    def k(self) -> int: ...
    @property
    def values(self) -> list[float]: ...

class FitSummary:
    """
    Estimates, how sure they are, and what the data can't tell.
    """
    @property
    def aic(self) -> float: ...
    @property
    def bic(self) -> float: ...
    @property
    def coefficients(self) -> int: ...
    @property
    def converged(self) -> bool: ...
    @property
    def correlation(self) -> list[float]: ...
    @property
    def covariance(self) -> list[float]: ...
    @property
    def distinct_rows(self) -> int: ...
    @property
    def estimates(self) -> list[float]: ...
    @property
    def identified_covariance(self) -> list[float]: ...
    @property
    def iterations(self) -> int: ...
    @property
    def log_likelihood(self) -> float: ...
    @property
    def n(self) -> float: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def parameters(self) -> list[str]: ...
    @property
    def posterior(self) -> typing.Any: ...
    @property
    def profile(self) -> list[tuple[float, float]]: ...
    @property
    def reason(self) -> str: ...
    @property
    def standard_errors(self) -> list[float]: ...

class PacedParetoNBD:
    """
    Customers who began on one day.
    """
    def __init__(
        self,
        fit: tuple[
            collections.abc.Sequence[str],
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        ],
        over_time: tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
            collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
            collections.abc.Sequence[str],
        ],
    ) -> None: ...
    def dect(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def dect_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_dropout(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_rate(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def expected_transactions_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def log_p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_at(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_alive_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def p_no_transaction(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...
    def pmf_new(
        self,
        columns: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]],
        threads: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> numpy.typing.NDArray[numpy.float64]: ...

class Rfm:
    """
    One entry a customer.
    """
    def __len__(self) -> int: ...
    def scores(self, groups: typing.SupportsInt | typing.SupportsIndex) -> tuple: ...
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def by_minute(self) -> bool: ...
    @property
    def calibration_end(self) -> tuple[datetime.date, int]: ...
    @property
    def currency(self) -> str: ...
    @property
    def discrete(self) -> bool: ...
    @property
    def has_amount(self) -> bool: ...
    @property
    def holdout_duration(self) -> float: ...
    @property
    def holdout_end(self) -> tuple[datetime.date, int]: ...
    @property
    def issues(self) -> salesops._core.issues.Issues: ...
    @property
    def unit(self) -> str: ...
    @property
    def zone(self) -> str: ...

class RfmState:
    """
    Days of purchase by customer; mergeable.
    """
    @staticmethod
    def from_json(text: str) -> RfmState: ...
    @staticmethod
    def partial(
        transactions: salesops._core.table.Table,
        customer: str,
        time: str,
        amount: str,
        currency: str,
        minor_units: bool,
        zone: salesops._core.calendar.TimeZone,
        by_minute: bool,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> RfmState: ...
    def __init__(self) -> None: ...
    def finish(
        self,
        unit: str,
        discrete: bool,
        calibration_end: tuple[datetime.date, typing.SupportsInt | typing.SupportsIndex] | None,
        holdout_end: tuple[datetime.date, typing.SupportsInt | typing.SupportsIndex] | None,
        observation_end: tuple[datetime.date, typing.SupportsInt | typing.SupportsIndex] | None,
        include_first: bool,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> Rfm: ...
    def merge(self, other: RfmState) -> None: ...
    def regularity(self, method: str) -> tuple[float | None, int]: ...
    def repeat_purchases(
        self,
        ends: collections.abc.Sequence[datetime.date],
        joined_by: tuple[datetime.date, typing.SupportsInt | typing.SupportsIndex],
    ) -> list[int]: ...
    def repeat_times(
        self, unit: str, calibration_end: datetime.date
    ) -> tuple[numpy.typing.NDArray[numpy.uint64], numpy.typing.NDArray[numpy.float64]]: ...
    def to_json(self) -> str: ...
    @property
    def customers(self) -> int: ...
    @property
    def days(self) -> int: ...

def days_in(unit: str) -> float: ...
def dect_over_time(
    fit: tuple[
        collections.abc.Sequence[str],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    ],
    t: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    discount_rate: typing.SupportsFloat | typing.SupportsIndex,
    customers: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    over_time: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def fit_bdw(
    data: collections.abc.Sequence[
        tuple[
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
            typing.SupportsInt | typing.SupportsIndex,
        ]
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, BdW]: ...
def fit_bdw_covariates(
    data: tuple[
        collections.abc.Sequence[
            tuple[
                collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, BdW]: ...
def fit_bg_bb(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, BGBB]: ...
def fit_bg_cnbd(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        typing.SupportsInt | typing.SupportsIndex,
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, BGCNBD]: ...
def fit_bg_nbd(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, BGNBD]: ...
def fit_bg_nbd_covariates(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, BGNBD]: ...
def fit_gamma_gamma(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, GammaGamma]: ...
def fit_gamma_gamma_covariates(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, GammaGamma]: ...
def fit_ggompertz_nbd(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, GGompertzNBD]: ...
def fit_ggompertz_nbd_covariates(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, GGompertzNBD]: ...
def fit_mbg_cnbd(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        typing.SupportsInt | typing.SupportsIndex,
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, MBGCNBD]: ...
def fit_mbg_nbd(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, MBGNBD]: ...
def fit_mbg_nbd_covariates(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, MBGNBD]: ...
def fit_nbd(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, NBD]: ...
def fit_pareto_nbd(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, ParetoNBD]: ...
def fit_pareto_nbd_covariates(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, ParetoNBD]: ...
def fit_pareto_nbd_over_time(
    data: tuple[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
        typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
            collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
            collections.abc.Sequence[str],
        ],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, ParetoNBD]: ...
def fit_sarmanov_pareto_nbd(
    data: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, SarmanovParetoNBD]: ...
def fit_sbg(
    data: collections.abc.Sequence[
        tuple[
            collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
            typing.SupportsInt | typing.SupportsIndex,
        ]
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, SBG]: ...
def fit_sbg_covariates(
    data: tuple[
        collections.abc.Sequence[
            tuple[
                collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
                typing.SupportsInt | typing.SupportsIndex,
            ]
        ],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    start: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    priors: collections.abc.Sequence[
        tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]
    ],
    l2: typing.SupportsFloat | typing.SupportsIndex,
    tolerance: typing.SupportsFloat | typing.SupportsIndex,
    max_iterations: typing.SupportsInt | typing.SupportsIndex,
    profile_level: typing.SupportsFloat | typing.SupportsIndex,
    sampling: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsFloat | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ]
    | None,
    threads: typing.SupportsInt | typing.SupportsIndex,
    progress: typing.Any,
) -> tuple[FitSummary, SBG]: ...
def likelihood_ratio_test(
    fewer: typing.SupportsInt | typing.SupportsIndex,
    smaller: typing.SupportsFloat | typing.SupportsIndex,
    more: typing.SupportsInt | typing.SupportsIndex,
    larger: typing.SupportsFloat | typing.SupportsIndex,
) -> tuple[float, int, float]: ...
def pmf_new_over_time(
    fit: tuple[
        collections.abc.Sequence[str],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    ],
    n: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    t: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    over_time: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def predict_over_time(
    fit: tuple[
        collections.abc.Sequence[str],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    ],
    customers: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    over_time: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    horizon: typing.SupportsFloat | typing.SupportsIndex,
    discount_rate: typing.SupportsFloat | typing.SupportsIndex,
    level: typing.SupportsFloat | typing.SupportsIndex,
    outcome: bool,
    covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    draws: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    spend: tuple[
        collections.abc.Sequence[GammaGamma],
        typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ],
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> dict: ...
def simulate_over_time(
    fit: tuple[
        collections.abc.Sequence[str],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    ],
    T: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    over_time: tuple[
        typing.Annotated[numpy.typing.ArrayLike, numpy.uint64],
        typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
        collections.abc.Sequence[str],
    ],
    horizon: typing.SupportsFloat | typing.SupportsIndex,
    seed: typing.SupportsInt | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
    times: bool,
) -> dict: ...

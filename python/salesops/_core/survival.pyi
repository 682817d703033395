"""
How long things last (salesops/survival.hpp).
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "AalenJohansen",
    "AftModel",
    "BandKind",
    "BaselineAtZero",
    "ChiSquare",
    "Concordance",
    "ConfidenceBand",
    "Contrast",
    "CoxBaseline",
    "CoxModel",
    "CoxRows",
    "CoxTies",
    "DiscreteModel",
    "HazardLink",
    "Incidence",
    "IntervalKind",
    "KaplanMeier",
    "LifetimeLaw",
    "LogRank",
    "MeanEstimate",
    "NelsonAalen",
    "ProportionalHazards",
    "RankWeight",
    "RmstDifference",
    "SurvivalPrediction",
    "TiedEvents",
    "TimeEstimate",
    "TimePrediction",
    "TimeScale",
    "Trial",
    "aalen_johansen",
    "aft",
    "aft_quantile",
    "aft_survival",
    "baseline_at_zero",
    "concordance",
    "confidence_band",
    "cox",
    "discrete_hazard",
    "discrete_survival",
    "fine_gray",
    "gray_test",
    "kaplan_meier",
    "log_rank",
    "nelson_aalen",
    "power",
    "predict_quantile",
    "predict_survival",
    "proportional_hazards_test",
    "rmst_difference",
    "sample_size",
]

class IntervalKind:
    """
    The scale on which an interval is symmetric.

    Members:

      log_log

      log

      plain

      arcsine
    """

    __members__: typing.ClassVar[dict[str, IntervalKind]]
    arcsine: typing.ClassVar[IntervalKind]
    log: typing.ClassVar[IntervalKind]
    log_log: typing.ClassVar[IntervalKind]
    plain: typing.ClassVar[IntervalKind]
    @typing.overload
    def __eq__(self, other: IntervalKind) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: IntervalKind) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class TiedEvents:
    """
    What happens with several events at one time.

    Members:

      together

      in_turn
    """

    __members__: typing.ClassVar[dict[str, TiedEvents]]
    in_turn: typing.ClassVar[TiedEvents]
    together: typing.ClassVar[TiedEvents]
    @typing.overload
    def __eq__(self, other: TiedEvents) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: TiedEvents) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class RankWeight:
    """
    Weight of each event time in log_rank.

    Members:

      log_rank

      wilcoxon

      tarone_ware

      peto

      g_rho
    """

    __members__: typing.ClassVar[dict[str, RankWeight]]
    g_rho: typing.ClassVar[RankWeight]
    log_rank: typing.ClassVar[RankWeight]
    peto: typing.ClassVar[RankWeight]
    tarone_ware: typing.ClassVar[RankWeight]
    wilcoxon: typing.ClassVar[RankWeight]
    @typing.overload
    def __eq__(self, other: RankWeight) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: RankWeight) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class TimeEstimate:
    """
    A time with its interval; None = never reached.
    """
    def __repr__(self) -> str: ...
    @property
    def estimate(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...

class MeanEstimate:
    """
    A mean with standard error and interval.
    """
    def __repr__(self) -> str: ...
    @property
    def estimate(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def std_error(self) -> float: ...

class KaplanMeier:
    """
    Share that lasts beyond each time.
    """
    def at(self, t: typing.SupportsFloat | typing.SupportsIndex) -> float | None: ...
    def quantile(self, probability: typing.SupportsFloat | typing.SupportsIndex) -> TimeEstimate: ...
    def rmst(self, until: typing.SupportsFloat | typing.SupportsIndex) -> MeanEstimate | None: ...
    @property
    def at_risk(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def censored(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def events(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def low(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def rows(self) -> int: ...
    @property
    def std_error(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def survival(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def time(self) -> numpy.typing.NDArray[numpy.float64]: ...

class NelsonAalen:
    """
    Risk gone through by each time.
    """
    @property
    def at_risk(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def censored(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def cumulative_hazard(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def events(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def low(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def rows(self) -> int: ...
    @property
    def std_error(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def time(self) -> numpy.typing.NDArray[numpy.float64]: ...

class Incidence:
    """
    Share that ended by one cause, by time.
    """
    @property
    def events(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def incidence(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def low(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def std_error(self) -> numpy.typing.NDArray[numpy.float64]: ...

class AalenJohansen:
    """
    Share of each outcome by time.
    """
    def at(
        self, t: typing.SupportsFloat | typing.SupportsIndex, cause: typing.SupportsInt | typing.SupportsIndex
    ) -> float | None: ...
    @property
    def at_risk(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def causes(self) -> list[Incidence]: ...
    @property
    def censored(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def rows(self) -> int: ...
    @property
    def survival(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def time(self) -> numpy.typing.NDArray[numpy.float64]: ...

class LogRank:
    """
    Do the groups last equally long?
    """
    @property
    def degrees(self) -> int: ...
    @property
    def expected(self) -> list[float]: ...
    @property
    def observed(self) -> list[float]: ...
    @property
    def p_value(self) -> float: ...
    @property
    def statistic(self) -> float: ...

class BandKind:
    """
    Which band holds the whole curve at once.

    Members:

      hall_wellner

      equal_precision
    """

    __members__: typing.ClassVar[dict[str, BandKind]]
    equal_precision: typing.ClassVar[BandKind]
    hall_wellner: typing.ClassVar[BandKind]
    @typing.overload
    def __eq__(self, other: BandKind) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: BandKind) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class ConfidenceBand:
    """
    A band that holds the whole curve at once.
    """
    @property
    def critical(self) -> float: ...
    @property
    def high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def low(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def time(self) -> numpy.typing.NDArray[numpy.float64]: ...

class Contrast:
    """
    One number against another.
    """
    def __repr__(self) -> str: ...
    @property
    def estimate(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def p_value(self) -> float: ...
    @property
    def std_error(self) -> float: ...

class RmstDifference:
    """
    Two restricted means against each other.
    """
    @property
    def difference(self) -> Contrast: ...
    @property
    def first(self) -> MeanEstimate: ...
    @property
    def ratio(self) -> Contrast: ...
    @property
    def second(self) -> MeanEstimate: ...

class CoxTies:
    """
    Which of several events at one time came first.

    Members:

      efron

      breslow

      exact
    """

    __members__: typing.ClassVar[dict[str, CoxTies]]
    breslow: typing.ClassVar[CoxTies]
    efron: typing.ClassVar[CoxTies]
    exact: typing.ClassVar[CoxTies]
    @typing.overload
    def __eq__(self, other: CoxTies) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: CoxTies) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class TimeScale:
    """
    How the test of proportional hazards reads time.

    Members:

      km

      rank

      identity

      log
    """

    __members__: typing.ClassVar[dict[str, TimeScale]]
    identity: typing.ClassVar[TimeScale]
    km: typing.ClassVar[TimeScale]
    log: typing.ClassVar[TimeScale]
    rank: typing.ClassVar[TimeScale]
    @typing.overload
    def __eq__(self, other: TimeScale) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: TimeScale) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class ChiSquare:
    """
    A chi-square statistic.
    """
    def __repr__(self) -> str: ...
    @property
    def degrees(self) -> int: ...
    @property
    def p_value(self) -> float: ...
    @property
    def statistic(self) -> float: ...

class CoxRows:
    """
    The rows of a proportional-hazards model.
    """
    def __init__(
        self,
        durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
        columns: collections.abc.Sequence[
            tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]
        ],
        entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        strata: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        cluster: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
        ties: CoxTies,
    ) -> None: ...

class CoxBaseline:
    """
    Cumulative hazard of one stratum.
    """
    @property
    def cumulative_hazard(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def stratum(self) -> int: ...
    @property
    def time(self) -> numpy.typing.NDArray[numpy.float64]: ...

class BaselineAtZero:
    """
    Cumulative hazard at x = 0.
    """
    @property
    def cumulative_hazard(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def std_error(self) -> numpy.typing.NDArray[numpy.float64]: ...

class CoxModel:
    """
    What makes things end sooner.
    """
    @property
    def baselines(self) -> list[CoxBaseline]: ...
    @property
    def coefficients(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def converged(self) -> bool: ...
    @property
    def covariance(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def events(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def likelihood_ratio(self) -> ChiSquare: ...
    @property
    def log_likelihood(self) -> float: ...
    @property
    def log_likelihood_null(self) -> float: ...
    @property
    def means(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def rows(self) -> int: ...
    @property
    def score(self) -> ChiSquare: ...
    @property
    def std_errors(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def wald(self) -> ChiSquare: ...

class Concordance:
    """
    How often the higher risk ends first.
    """
    def __repr__(self) -> str: ...
    @property
    def concordant(self) -> float: ...
    @property
    def discordant(self) -> float: ...
    @property
    def estimate(self) -> float: ...
    @property
    def std_error(self) -> float: ...
    @property
    def tied(self) -> float: ...

class ProportionalHazards:
    """
    Do effects change with time?
    """
    @property
    def columns(self) -> list[ChiSquare]: ...
    @property
    def global_test(self) -> ChiSquare: ...

class SurvivalPrediction:
    """
    Curves of new rows, row by row.
    """
    @property
    def high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def low(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def survival(self) -> numpy.typing.NDArray[numpy.float64]: ...

class LifetimeLaw:
    """
    The law of ln T.

    Members:

      exponential

      weibull

      log_normal

      log_logistic

      generalized_gamma
    """

    __members__: typing.ClassVar[dict[str, LifetimeLaw]]
    exponential: typing.ClassVar[LifetimeLaw]
    generalized_gamma: typing.ClassVar[LifetimeLaw]
    log_logistic: typing.ClassVar[LifetimeLaw]
    log_normal: typing.ClassVar[LifetimeLaw]
    weibull: typing.ClassVar[LifetimeLaw]
    @typing.overload
    def __eq__(self, other: LifetimeLaw) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: LifetimeLaw) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class AftModel:
    """
    By what factor each thing stretches time.
    """
    @property
    def aic(self) -> float: ...
    @property
    def bic(self) -> float: ...
    @property
    def converged(self) -> bool: ...
    @property
    def covariance(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def estimates(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def events(self) -> float: ...
    @property
    def likelihood_ratio(self) -> ChiSquare: ...
    @property
    def log_likelihood(self) -> float: ...
    @property
    def log_likelihood_null(self) -> float: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def q(self) -> float: ...
    @property
    def rows(self) -> int: ...
    @property
    def sigma(self) -> float: ...
    @property
    def std_errors(self) -> numpy.typing.NDArray[numpy.float64]: ...

class TimePrediction:
    """
    Times with intervals.
    """
    @property
    def estimate(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def high(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def low(self) -> numpy.typing.NDArray[numpy.float64]: ...

class HazardLink:
    """
    The scale on which columns move the chance to end.

    Members:

      logit

      cloglog
    """

    __members__: typing.ClassVar[dict[str, HazardLink]]
    cloglog: typing.ClassVar[HazardLink]
    logit: typing.ClassVar[HazardLink]
    @typing.overload
    def __eq__(self, other: HazardLink) -> bool: ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __ne__(self, other: HazardLink) -> bool: ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class DiscreteModel:
    """
    The chance to end in the next period.
    """
    @property
    def baseline(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def coefficients(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def converged(self) -> bool: ...
    @property
    def covariance(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def events(self) -> float: ...
    @property
    def joint_covariance(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def log_likelihood(self) -> float: ...
    @property
    def names(self) -> list[str]: ...
    @property
    def notes(self) -> list[str]: ...
    @property
    def period(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def period_end(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def rows(self) -> int: ...
    @property
    def std_errors(self) -> numpy.typing.NDArray[numpy.float64]: ...

class Trial:
    """
    What two groups are expected to show.
    """
    def __init__(
        self,
        treated_share: typing.SupportsFloat | typing.SupportsIndex,
        control_share: typing.SupportsFloat | typing.SupportsIndex,
        hazard_ratio: typing.SupportsFloat | typing.SupportsIndex,
        level: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None: ...

def aalen_johansen(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    level: typing.SupportsFloat | typing.SupportsIndex,
    interval: IntervalKind,
    causes: typing.SupportsInt | typing.SupportsIndex,
) -> AalenJohansen: ...
def aft(
    law: LifetimeLaw,
    lower: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    upper: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    columns: collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    level: typing.SupportsFloat | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> AftModel: ...
def aft_quantile(
    model: AftModel,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    probability: typing.SupportsFloat | typing.SupportsIndex,
    rows: typing.SupportsInt | typing.SupportsIndex,
) -> TimePrediction: ...
def aft_survival(
    model: AftModel,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    times: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    rows: typing.SupportsInt | typing.SupportsIndex,
    since: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
) -> SurvivalPrediction: ...
def baseline_at_zero(model: CoxModel, baseline: CoxBaseline) -> BaselineAtZero: ...
def concordance(
    rows: CoxRows, risk: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]
) -> Concordance: ...
def confidence_band(curve: KaplanMeier, kind: BandKind) -> ConfidenceBand: ...
def cox(
    rows: CoxRows,
    penalty: typing.SupportsFloat | typing.SupportsIndex,
    robust: bool,
    level: typing.SupportsFloat | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> CoxModel: ...
def discrete_hazard(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    columns: collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    periods: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    link: HazardLink,
    level: typing.SupportsFloat | typing.SupportsIndex,
) -> DiscreteModel: ...
def discrete_survival(
    model: DiscreteModel,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    periods: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    since: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
) -> SurvivalPrediction: ...
def fine_gray(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    cause: typing.SupportsInt | typing.SupportsIndex,
    columns: collections.abc.Sequence[tuple[str, typing.Annotated[numpy.typing.ArrayLike, numpy.float64]]],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    level: typing.SupportsFloat | typing.SupportsIndex,
) -> CoxModel: ...
def gray_test(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    groups: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
    cause: typing.SupportsInt | typing.SupportsIndex,
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    rho: typing.SupportsFloat | typing.SupportsIndex,
    strata: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
) -> LogRank: ...
def kaplan_meier(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    level: typing.SupportsFloat | typing.SupportsIndex,
    interval: IntervalKind,
) -> KaplanMeier: ...
def log_rank(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    groups: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weight: RankWeight,
    rho: typing.SupportsFloat | typing.SupportsIndex,
    gamma: typing.SupportsFloat | typing.SupportsIndex,
    strata: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
) -> LogRank: ...
def nelson_aalen(
    durations: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    events: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8],
    entry: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    level: typing.SupportsFloat | typing.SupportsIndex,
    ties: TiedEvents,
) -> NelsonAalen: ...
def power(
    trial: Trial,
    n_treated: typing.SupportsFloat | typing.SupportsIndex,
    n_control: typing.SupportsFloat | typing.SupportsIndex,
) -> float: ...
def predict_quantile(
    model: CoxModel,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    probability: typing.SupportsFloat | typing.SupportsIndex,
    strata: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
) -> numpy.typing.NDArray[numpy.float64]: ...
def predict_survival(
    model: CoxModel,
    x: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    times: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    strata: typing.Annotated[numpy.typing.ArrayLike, numpy.uint32],
    since: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
) -> SurvivalPrediction: ...
def proportional_hazards_test(rows: CoxRows, model: CoxModel, scale: TimeScale) -> ProportionalHazards: ...
def rmst_difference(
    first: KaplanMeier, second: KaplanMeier, until: typing.SupportsFloat | typing.SupportsIndex
) -> RmstDifference | None: ...
def sample_size(
    trial: Trial,
    power: typing.SupportsFloat | typing.SupportsIndex,
    ratio: typing.SupportsFloat | typing.SupportsIndex,
) -> tuple[int, int]: ...

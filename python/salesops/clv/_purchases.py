"""What models of repeat purchases answer: who will still buy, and how often."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from salesops._arguments import checked
from salesops._core import clv as _core
from salesops._core.error import UnitError, UsageError
from salesops.calendar import FiscalCalendar
from salesops.clv import _over_time, _schedule
from salesops.clv._answers import Answers
from salesops.clv._covariates import Design
from salesops.clv._data import Histories, Source, by_name, histories, of_model
from salesops.clv._estimator import Seen
from salesops.clv._explained import Explained
from salesops.clv._pictures import Plots
from salesops.clv._spend import GammaGamma
from salesops.clv._timeline import SeenOverTime
from salesops.clv._units import Discount, Interval, Length, discount_rate, in_unit, said_with_unit

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from salesops.clv._posterior import Posterior


class PurchaseModel(Explained, Answers):
    """Answers of one name for all models.

    The array methods take numbers or arrays that go together (one number for all, or one a row) and give an
    array, or a number when all are numbers. x is the number of repeat purchases, t_x the time of the last,
    T the time seen, both from the first purchase; t a time ahead. Discount rates are per unit of T,
    continuous (BG/BB: per opportunity). Rows that are no history, such as t_x > T or a fractional x, are a
    `UsageError` that counts and lists them.
    """

    _fit_name: ClassVar[str] = ""
    _opportunities: ClassVar[bool] = False
    #: Sign with which γ'z moves ln of each parameter of leaving; empty where covariates are not known.
    _dropout: ClassVar[dict[str, int]] = {}
    #: Whether covariates may change over time.
    _follows: ClassVar[bool] = False

    # ---- fit ----

    @checked
    def fit(
        self,
        data: Any = None,
        y: Any = None,
        *more: Any,
        covariates: Sequence[str] = (),
        dropout_covariates: Sequence[str] = (),
        equal: Sequence[str] = (),
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        weights: Any = None,
        sum_log_gaps: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
        warm_start: bool = False,
    ) -> Self:
        """Find the most likely parameters.

        Parameters
        ----------
        data
            An `Rfm`, or any frame with columns frequency, recency and T (also those of lifetimes and
            pymc-marketing, as they are).
        y, more
            Nothing: scikit-learn passes y=None, and arrays go by name.
        covariates, dropout_covariates
            Columns that move the purchase rate, and leaving (BGNBD, MBGNBD, ParetoNBD, GGompertzNBD):
            numbers, or text, whose categories are compared with the first in alphabetical order. A unit of z
            multiplies the purchase rate by e^γ and, in ParetoNBD and GGompertzNBD, the rate of leaving by
            e^γ; in (M)BGNBD a and b are multiplied by it: the mean probability to leave stays and γ > 0
            narrows its spread. `Rfm.join` adds such columns to an `Rfm`, `Rfm.over_time` those that change
            (ParetoNBD).
        equal
            Columns in both lists whose two coefficients are one.
        x, t_x, T
            Arrays instead of a frame.
        weights
            Customers that each row stands for: an array, or the frame's column of that name.
        sum_log_gaps
            Σ ln of the times between purchases; only the CNBD-k models read it, from the frame too.
        columns
            What the frame calls its columns: ``{"frequency": "orders"}``.
        unit
            Unit of recency and T: minute, hour, day, week, month or year. An `Rfm` knows it.
        warm_start
            Begin at the estimates of the last fit: quick where little is new.
        """
        by_name(y, more, ("x", "t_x", "T"))
        arrays = {"x": x, "t_x": t_x, "T": T, "weights": weights, "sum_log_gaps": sum_log_gaps}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        if self._opportunities and source.discrete is False:
            raise UsageError("BGBB counts opportunities: make the rows with so.clv.rfm(…, discrete=True)")
        found = histories(source, self._opportunities)
        of = source.unit_with(unit)
        design = self._learn(source, covariates, dropout_covariates, equal)
        seen: Seen | SeenOverTime
        if design is not None and design.over_time:
            seen = self._see_over_time(source, found, design)
        else:
            terms = design.read(source) if design else {}
            columns_seen = (found.x, found.t_x, found.T, self._gaps(source), *terms.values())
            seen = Seen(columns_seen, source.array("weights"))
        self.covariates_ = design.state() if design else None
        self._fit_seen(seen, of, warm_start)
        self.longest_T_ = float(found.T.max())
        return self

    def _see_over_time(self, source: Source, found: Histories, design: Design) -> SeenOverTime:
        rows = source.data
        first, times = rows._state.repeat_times(rows.unit, rows.calibration_end)
        laid = design.laid_out(source, 0.0)
        return SeenOverTime((found.x, found.t_x, found.T), source.array("weights"), first, times, laid)

    def _solve(self, seen: Seen | SeenOverTime, options: tuple[Any, ...]) -> tuple[Any, Any]:
        if isinstance(seen, SeenOverTime):
            summary, core = _core.fit_pareto_nbd_over_time(seen.data(), *options)
            return summary, core
        x, t_x, T, gaps, *terms = seen.columns
        rows = (x, t_x, T, seen.weights, gaps)
        design = self._design()
        if design is None:
            summary, core = getattr(_core, self._fit_name)(self._fit_data(rows), *options)
            return summary, core
        by_name = dict(zip(design.labels(list(design.levels)), terms, strict=True))
        parts = [
            [(label, by_name[label]) for label in design.labels(columns)]
            for columns in (design.transaction, design.dropout)
        ]
        data = (rows, *parts, design.labels(design.equal))
        summary, core = getattr(_core, f"{self._fit_name}_covariates")(data, *options)
        return summary, core

    def _learn(
        self, source: Source, covariates: Sequence[str], dropout: Sequence[str], equal: Sequence[str]
    ) -> Design | None:
        if not (covariates or dropout or equal):
            return None
        if not self._dropout:
            raise UsageError(
                f"{type(self).__name__} takes no covariates; BGNBD, MBGNBD, ParetoNBD and GGompertzNBD do"
            )
        design = Design.learn(source, covariates, dropout, equal)
        if design.over_time and not self._follows:
            raise UsageError(
                f"{design.over_time[0]} changes over time, which {type(self).__name__} can't follow; "
                "ParetoNBD does"
            )
        return design

    def _gaps(self, source: Source) -> npt.NDArray[np.float64]:
        import numpy as np

        return np.empty(0)

    def _fit_data(self, columns: tuple[Any, ...]) -> Any:
        return columns

    def _comparable(self) -> bool:
        """Whether the likelihood is that of the purchase times, whole."""
        return True

    # ---- customers that differ in covariates ----

    def _moved(self) -> dict[str, dict[str, int]]:
        return {"transaction": {"alpha": -1}, "dropout": self._dropout}

    def _of_rows(self, source: Source, question: str, *columns: Any) -> npt.NDArray[np.float64]:
        """Ask each row's model one question; `columns` are numbers or have one entry a row."""
        import numpy as np

        design = self._design()
        if design is not None and design.over_time:
            return _over_time.of_rows(self, design, source, question, columns)
        full = np.broadcast_arrays(*columns)
        if design is None:
            answer: npt.NDArray[np.float64] = getattr(self, question)(*full)
            return answer
        kinds, code = self._kinds(source)
        result = np.empty(len(code))
        for place, values in enumerate(kinds):
            rows = code == place
            result[rows] = getattr(self._at(values)[0], question)(*(column[rows] for column in full))
        return result

    def _expected_by(
        self, source: Source, ahead: Sequence[float], rate: float, found: Histories | None
    ) -> Iterator[npt.NDArray[np.float64]]:
        """Discounted purchases of each customer by each of some times after T.

        Those since T of customers with known histories; without them all repeat purchases of one of whom
        nothing but its first purchase is known.
        """
        import numpy as np

        design = self._design()
        if design is not None and design.over_time:
            yield from _over_time.expected_by(self, design, source, ahead, rate, found)
            return
        T = source.column("T") if found is None else found.T
        for time in ahead:
            if found is None:
                yield self._of_rows(source, "expected_transactions_new", np.maximum(0, T + time))
            elif rate == 0:
                yield self._of_rows(source, "expected_transactions", time, found.x, found.t_x, T)
            else:
                yield self._of_rows(source, "dect", time, rate, found.x, found.t_x, T)

    def model_of(
        self, plan: Any = None, /, *, first: Any = None, until: Any = None, **covariates: Any
    ) -> Any:
        """Give the model of customers with these covariates, which answers every question about them.

        Parameters
        ----------
        plan, first, until
            Of a model whose covariates change over time: a frame as for `Rfm.over_time`, with one row a day
            of change (``start``), and the day on which the customers are won; `until` as there. Answers
            reach to the end of the plan.

        Examples
        --------
        >>> import salesops as so
        >>> rows = so.clv.ParetoNBD(r=0.6, alpha=10, s=0.6, beta=12).simulate([30.0] * 600, seed=1)
        >>> rows["channel"] = ["shop", "web"] * 300
        >>> model = so.clv.ParetoNBD().fit(rows, covariates=["channel"])
        >>> abs(model.model_of(channel="shop").alpha / model.alpha_ - 1) < 1e-12
        True
        """
        design = self._design()
        if design is None or not design.over_time:
            if plan is not None:
                raise UsageError("a plan is for models whose covariates change over time")
            named = {"first": first, "until": until}
            return super().model_of(
                **{name: value for name, value in named.items() if value is not None}, **covariates
            )
        return _over_time.planned(self, design, plan, first, until, covariates)

    def _core(self) -> Any:
        design = self._design()
        if design is not None:
            raise UsageError(
                f"{type(self).__name__} depends on {', '.join(design.levels)}: "
                "ask model_of(…) about one customer, predict about many"
            )
        return super()._core()

    # ---- a crowd that behaves so ----

    @checked
    def simulate(self, T: Any, *, horizon: float = 0.0, seed: int = 0) -> dict[str, npt.NDArray[Any]]:
        """Draw customers seen for `T`, as columns that `fit` takes.

        frequency, recency, T, sum_log_gaps, the purchases in (T, T + horizon] as holdout_frequency, and
        whether each is alive at T. The same seed gives the same customers; customer i keeps its luck when
        others come and go.

        Parameters
        ----------
        T
            How long each is seen; or an `Rfm` or frame (of which a column T is enough) whose customers are
            drawn anew, each seen as long and by its own covariates, those over time too.
        horizon
            Goes on so long after T, in its unit.
        """
        columns = self._drawn(T, None, float(horizon), seed, False)
        columns["alive"] = columns["alive"] == 1
        return columns

    def _drawn(
        self, rows: Any, T: Any, horizon: float, seed: int, times: bool
    ) -> dict[str, npt.NDArray[Any]]:
        from salesops.clv import _simulated

        return _simulated.drawn(self, rows, T, horizon, seed, times)

    @checked
    def simulate_transactions(
        self,
        first: Any,
        *,
        until: str | dt.date,
        spend: GammaGamma | None = None,
        unit: str | None = None,
        seed: int = 0,
    ) -> dict[str, npt.NDArray[Any]]:
        """Draw the log of customers won on given days, as columns that `rfm` takes.

        Parameters
        ----------
        first
            Day of each customer's first purchase, for units below a day its time; or an `Rfm`, whose
            customers are drawn anew, each by its own covariates, those over time too.
        until
            Last day, or for such units the last minute.
        spend
            Adds amounts in cents' precision, of the first purchase too.
        unit
            Unit of time of the model's parameters, where no fit told it.

        Returns
        -------
        dict
            customer (0, 1, …), time (a day, or a minute), and with `spend` amount.

        Examples
        --------
        >>> import salesops as so
        >>> model = so.clv.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
        >>> log = model.simulate_transactions(["1997-01-01"] * 3, until="1998-06-30", unit="week", seed=1)
        >>> str(log["time"].min())
        '1997-01-01'
        """
        from salesops.clv import _simulated

        return _simulated.transactions(self, first, until, spend, unit, seed)

    # ---- one table for all customers ----

    @checked
    def predict(
        self,
        data: Any = None,
        *,
        horizon: Length | None = None,
        discount: Discount | None = None,
        spend: GammaGamma | None = None,
        level: float | None = None,
        interval: Interval = "mean",
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        spend_x: Any = None,
        mean_spend: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Any:
        """Forecast each customer: one row each, in the caller's kind of frame.

        Parameters
        ----------
        data
            An `Rfm` or a frame as for `fit`, or the arrays x, t_x, T (and spend_x, mean_spend).
        horizon
            ``"39 weeks"``, ``"1 year"``, a timedelta; beside arrays also a number in the unit of T. None =
            without end, with a discount.
        discount
            Effective rate and its period, ``"10% / year"``; nothing is discounted by default.
        spend
            `GammaGamma`; adds expected_spend a purchase and clv = expected_spend × discounted purchases. Who
            bought again without a mean above 0 gets the expected spend of all; a warning counts such rows.
        level
            Percent of an interval: columns ``<name>_lo_90``, ``<name>_hi_90``; NaN, with a warning, where
            the fit saw nobody buy again.
        interval
            ``mean``: of the expected numbers, which are as uncertain as the parameters. ``outcome``: of what
            the customer will come to, its own chance included, within a finite horizon: 90 % of such
            customers buy as often as the range of expected_transactions says, and are worth what the range
            of clv says. Its ends are of 2,048 drawn futures, so the chance beyond one is right to half a
            point (at a tail of 5 %); ends of several customers must not be added. p_alive and
            expected_spend keep the interval of their parameters.
        unit
            Unit of the rows, when a frame can't tell.

        Returns
        -------
        frame
            customer, p_alive, expected_transactions (without end discounted_transactions), and with `spend`
            expected_spend and clv.
        """
        arrays = {"x": x, "t_x": t_x, "T": T, "spend_x": spend_x, "mean_spend": mean_spend}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        return self._forecast(source, horizon, discount, spend, level, interval, unit)

    @checked
    def total(
        self,
        data: Any = None,
        *,
        horizon: Length | None = None,
        discount: Discount | None = None,
        spend: GammaGamma | None = None,
        level: float | None = None,
        x: Any = None,
        t_x: Any = None,
        T: Any = None,
        spend_x: Any = None,
        mean_spend: Any = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> dict[str, float]:
        """Add up the customers: how many are still there, will buy how often, and are worth how much.

        Parameters
        ----------
        data, horizon, discount, spend, columns, unit
            As for `predict`, whose columns these are the sums of.
        level
            Percent of an interval, of the expected sums. Who misjudges the parameters does so for all
            customers alike, so it is far wider than independent customers would make it; it is not the sum
            of `predict`'s intervals either. NaN, with a warning, where the fit saw nobody buy again.

        Returns
        -------
        dict
            customers (alive), transactions (without end discounted_transactions), and with `spend` clv; with
            `level` also ``<name>_lo_90`` and ``<name>_hi_90``.

        Examples
        --------
        >>> import salesops as so
        >>> rows = so.clv.BGNBD(r=0.6, alpha=5, a=0.8, b=2.5).simulate([30.0] * 500, seed=1)
        >>> model = so.clv.BGNBD().fit(rows)
        >>> sums = model.total(rows, horizon="13 weeks", unit="week", level=90)
        >>> sums["transactions_lo_90"] < sums["transactions"] < sums["transactions_hi_90"]
        True
        """
        arrays = {"x": x, "t_x": t_x, "T": T, "spend_x": spend_x, "mean_spend": mean_spend}
        source = Source(data, arrays, columns, ("x", "t_x", "T"))
        return self._total(source, horizon, discount, spend, level, unit)

    def _total(
        self,
        source: Source,
        horizon: Length | None,
        discount: Discount | None,
        spend: Any,
        level: float | None,
        unit: str | None,
        drawn: Posterior | None = None,
    ) -> dict[str, float]:
        from salesops.clv._forecast import Asked, total

        ahead, rate, _ = self._ahead(source, horizon, discount, unit)
        return total(self, source, Asked(ahead, rate, level, "mean"), spend, drawn)

    def _forecast(
        self,
        source: Source,
        horizon: Length | None,
        discount: Discount | None,
        spend: Any,
        level: float | None,
        interval: Interval,
        unit: str | None,
        drawn: Posterior | None = None,
    ) -> Any:
        from salesops.clv._forecast import Asked, forecast

        ahead, rate, _ = self._ahead(source, horizon, discount, unit)
        return forecast(self, source, Asked(ahead, rate, level, interval), spend, drawn)

    @property
    def plot(self) -> Plots:
        """Pictures of the model: matrix, tracking, frequencies, holdout, clv, alive."""
        return Plots(self)

    @checked
    def clv_schedule(
        self,
        data: Any,
        *,
        horizon: Length | None = None,
        periods: int | None = None,
        every: str = "month",
        calendar: FiscalCalendar | None = None,
        discount: Discount | None = None,
        spend: GammaGamma | None = None,
        each: bool = False,
        as_of: str | dt.date | None = None,
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Any:
        """Spread purchases and value over the periods of a calendar: one row a period.

        Parameters
        ----------
        data
            An `Rfm` or a frame as for `fit`.
        horizon, discount, spend, columns, unit
            As for `predict`, whose one number a customer is the sum of the periods.
        periods
            So many periods instead of a horizon.
        every
            ``day``, ``week``, ``month``, ``quarter``, ``half`` or ``year`` of the calendar. The first period
            begins on the day after the last one seen, and the last ends with the horizon, so both may be
            shorter than the others.
        calendar
            `so.calendar.FiscalCalendar`; by default civil months and years.
        each
            One row a customer and period instead.
        as_of
            The last day seen, where T ends; an `Rfm` knows it.

        Returns
        -------
        frame
            period, start, end (its last day), expected_transactions, and with `spend` revenue, the expected
            amounts as they come, and clv, the same discounted to `as_of`; with a discount alone
            discounted_transactions.
        """
        if spend is not None and not isinstance(spend, GammaGamma):
            raise UsageError("spend= is a fitted so.clv.GammaGamma")
        asked = (horizon, periods, every, calendar, discount, spend, as_of, columns, unit)
        return self._schedule(data, *asked, each=each)

    def _schedule(
        self,
        data: Any,
        horizon: Length | None,
        periods: int | None,
        every: str,
        calendar: FiscalCalendar | None,
        discount: Discount | None,
        spend: Any,
        as_of: str | dt.date | None,
        columns: Mapping[str, str] | None,
        unit: str | None,
        *,
        each: bool = False,
        level: float | None = None,
        drawn: Posterior | None = None,
    ) -> Any:
        source = Source(data, {}, columns, ())
        found = histories(source, self._opportunities)
        ahead, rate, of = self._ahead(source, horizon, discount, unit)
        if (horizon is None) == (periods is None):
            raise UsageError("give a horizon such as '1 year', or the number of periods")
        if ahead is not None and not 0 < ahead < float("inf"):
            raise UsageError("horizon: a schedule needs a time above 0, such as '1 year'")
        if of is None:
            raise UnitError(
                "the model doesn't know its unit of time; fit with unit='week' (or day, month, year)"
            )
        seen = _schedule.last_day(as_of, data)
        how = (of, every, calendar or FiscalCalendar(), self._opportunities)
        if ahead is None:
            ahead = _schedule.length_of(periods or 0, seen, *how)
        cut = _schedule.periods(seen, ahead, *how)
        if drawn is not None:
            return _schedule.by_draws(self, found, cut, rate, spend, level or 90, drawn)
        return _schedule.schedule(self, source, found, cut, rate, spend, each)

    def _ahead(
        self, source: Source, horizon: Length | None, discount: str | None, unit: str | None
    ) -> tuple[float | None, float, str | None]:
        """Horizon and discount rate in the unit of T, which comes with them."""
        of = of_model(self, source, unit)
        if source.table is not None:
            said_with_unit(horizon, of, "horizon")
        ahead = None if horizon is None else in_unit(horizon, of, "horizon", self._opportunities)
        if ahead is not None and self._opportunities and not ahead.is_integer():
            raise UsageError(
                f"horizon={horizon!r}: {type(self).__name__} counts opportunities, so give a whole number"
            )
        return ahead, discount_rate(discount, of, self._opportunities), of

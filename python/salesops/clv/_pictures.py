"""Pictures of lifetime models: each a chart with its finding, definition and numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from salesops._arguments import checked
from salesops._core import clv as _core
from salesops._core.error import UsageError
from salesops.clv._data import Source, histories, of_model
from salesops.clv._rfm import day_of
from salesops.clv._units import Discount, Length, as_text, in_unit
from salesops.plot.base import counted, percent

if TYPE_CHECKING:
    from salesops.clv._purchases import PurchaseModel
    from salesops.clv._spend import GammaGamma
    from salesops.clv._tracking import Tracking
    from salesops.plot import Picture

MOST = 7


class Plots:
    """The pictures of a model; ``model.plot``. They need the extra ``[plot]``."""

    def __init__(self, model: PurchaseModel) -> None:
        self._model = model

    @checked
    def matrix(
        self,
        what: str = "p_alive",
        *,
        T: Length,
        horizon: Length | None = None,
        most: int = 20,
    ) -> Picture:
        """What a model says of customers by frequency and recency, after `T`.

        Parameters
        ----------
        what
            ``p_alive``, or ``expected_transactions`` in the `horizon` to come.
        T
            Time since the first purchase: text, or a number in the unit of the model.
        most
            Largest frequency shown, at most 60.
        """
        import numpy as np

        from salesops import plot

        model = self._model
        if what not in ("p_alive", "expected_transactions"):
            raise UsageError(f"what is 'p_alive' or 'expected_transactions', not {what!r}")
        if not 1 <= most <= 60:
            raise UsageError("most: a frequency from 1 to 60")
        unit = getattr(model, "unit_", None)
        end = in_unit(T, unit, "T", model._opportunities)
        bins = int(end) if model._opportunities else 24
        width = end / bins
        x, bin_of = np.meshgrid(np.arange(most + 1.0), np.arange(bins))
        x, bin_of = x.ravel(), bin_of.ravel()
        t_x = np.where(x == 0, 0.0, (bin_of + (1 if model._opportunities else 0.5)) * width)
        possible = (x > 0) | (bin_of == 0)
        if model._opportunities:
            possible &= x <= t_x
        x, bin_of, t_x = x[possible], bin_of[possible], t_x[possible]
        if what == "p_alive":
            values = model.p_alive(x, t_x, end)
        else:
            if horizon is None:
                raise UsageError("expected_transactions are within a horizon: give horizon='39 weeks'")
            ahead = in_unit(horizon, unit, "horizon", model._opportunities)
            values = model.expected_transactions(ahead, x, t_x, end)
        kind = "share" if what == "p_alive" else ""
        rows = [
            {"x": n - 0.5, "y": place * width, "value": value}
            for n, place, value in zip(x.tolist(), bin_of.tolist(), values.tolist(), strict=True)
        ]
        ahead = as_text(horizon, "horizon")
        words = "Probability to be still a customer" if kind else f"Purchases expected in {ahead}"
        low, high = (plot.compact(f(values.tolist()), kind) for f in (min, max))
        of_unit = _plural(unit)
        return plot.Picture(
            title=f"{words}: {low} to {high}",
            subtitle=f"{type(model).__name__}, {plot.compact(end)} {of_unit} after the first purchase, by "
            "the number of repeat purchases and when the last was. The darker the more.",
            alt=f"{words} by frequency and recency, from {low} to {high}.",
            chart=plot.heat(
                rows,
                x_title="repeat purchases",
                y_title=f"last purchase, in {of_unit} since the first",
                unit=kind,
                steps=(1.0, width),
            ),
            columns=["last purchase", *(str(n) for n in range(0, most + 1, max(1, most // 5)))],
            rows=_grid(rows, width, most, kind),
        )

    def tracking(self, rows: Any, *, every: str = "week", cumulative: bool = False) -> Picture:
        """Purchases by period beside the model's expectation; `tracking` has the numbers."""
        from salesops.clv._tracking import tracking as track

        return track(self._model, rows, every=every).plot(cumulative=cumulative)

    @checked
    def frequencies(self, data: Any, *, columns: Mapping[str, str] | None = None) -> Picture:
        """How many customers made 0, 1, 2, … repeat purchases, beside how many the model expects."""
        model = self._model
        source = Source(data, {}, columns, ())
        of_model(model, source)
        found = histories(source, model._opportunities)
        actual = [float((found.x == n).sum()) for n in range(MOST)]
        expected = [float(model._of_rows(source, "pmf_new", float(n), found.T).sum()) for n in range(MOST)]
        actual.append(len(found.x) - sum(actual))
        expected.append(len(found.x) - sum(expected))
        labels = [*(str(n) for n in range(MOST)), f"{MOST}+"]
        off = sum(abs(a - e) for a, e in zip(actual, expected, strict=True)) / 2 / max(len(found.x), 1)
        return _bars(
            labels,
            actual,
            expected,
            title=f"The histogram that {type(model).__name__} expects differs by {percent(off)} of customers",
            subtitle="Customers by their number of repeat purchases until T, beside the number expected of "
            "customers who came when they did. So many would have to move to another bar.",
            x_title="repeat purchases",
            y_title="customers",
        )

    @checked
    def holdout(
        self,
        data: Any,
        *,
        by: str = "frequency",
        holdout: Length | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Picture:
        """Mean purchases in the holdout, by what was known before it, beside the forecast.

        Parameters
        ----------
        data, holdout, columns
            As for `evaluate`.
        by
            ``frequency``, or ``recency`` in eight equal lengths of time.
        """
        import numpy as np

        from salesops import plot
        from salesops.clv._compare import forecast_of

        model = self._model
        source = Source(data, {}, columns, ())
        found, actual, expected = forecast_of(model, source, holdout)
        if by == "frequency":
            code = np.minimum(found.x, MOST).astype(int)
            labels = [*(str(n) for n in range(MOST)), f"{MOST}+"]
        elif by == "recency":
            width = found.T.max() / 8 or 1.0
            code = np.minimum(found.t_x / width, 7).astype(int)
            labels = [f"{plot.compact(i * width)}–{plot.compact((i + 1) * width)}" for i in range(8)]
        else:
            raise UsageError(f"by is 'frequency' or 'recency', not {by!r}")
        groups = [i for i in range(8) if (code == i).any()]
        means = [[float(of[code == i].mean()) for i in groups] for of in (actual, expected)]
        bias = expected.sum() / actual.sum() - 1 if actual.sum() else float("nan")
        return _bars(
            [labels[i] for i in groups],
            *means,
            title=f"In the holdout {type(model).__name__} expects {expected.sum():,.0f} purchases, "
            f"{actual.sum():,.0f} were made ({'+' if bias > 0 else ''}{percent(bias)})",
            subtitle=f"Mean purchases of a customer in the holdout, by {by} before it.",
            x_title="repeat purchases before"
            if by == "frequency"
            else f"last purchase, in {_plural(getattr(model, 'unit_', None))} since the first",
            y_title="purchases a customer",
            counts=[int((code == i).sum()) for i in groups],
        )

    @checked
    def clv(
        self,
        data: Any,
        *,
        spend: GammaGamma,
        horizon: Length | None = None,
        discount: Discount | None = None,
        currency: str = "",
        columns: Mapping[str, str] | None = None,
        unit: str | None = None,
    ) -> Picture:
        """Which share of the lifetime value each tenth of the customers holds; arguments as `predict`."""
        import numpy as np

        from salesops import plot

        made = self._model.predict(
            data, horizon=horizon, discount=discount, spend=spend, columns=columns, unit=unit
        )
        values = np.sort(np.asarray(made["clv"], dtype=np.float64))[::-1]
        if len(values) < 10 or not np.isfinite(values).all() or not values.sum() > 0:
            raise UsageError("the distribution needs at least ten customers, all with a value that is known")
        tenths = np.array_split(values, 10)
        shares = [float(tenth.sum() / values.sum()) for tenth in tenths]
        names = ["best tenth", "second", "third", *(f"{n}th" for n in range(4, 10)), "last tenth"]
        means = [plot.compact(float(tenth.mean()), currency) for tenth in tenths]
        ahead = "without end" if horizon is None else f"in {as_text(horizon, 'horizon')}"
        how = f"discounted at {discount}" if discount else "not discounted"
        return plot.Picture(
            title=f"The best tenth of customers holds {percent(shares[0], 0)} of the value to come",
            subtitle=f"Share of the expected value of purchases {ahead} ({how}) by tenths of "
            f"{len(values):,} customers; beside it the mean of a customer.",
            alt="; ".join(
                f"{name} {percent(share)}, {mean} a customer"
                for name, share, mean in zip(names, shares, means, strict=True)
            ),
            chart=plot.ranking(
                [
                    {"label": name, "value": share, "note": f"{percent(share)} · {mean}"}
                    for name, share, mean in zip(names, shares, means, strict=True)
                ],
                unit="share",
            ),
            columns=["customers", "share of the value", "mean"],
            rows=[
                [name, percent(share), mean] for name, share, mean in zip(names, shares, means, strict=True)
            ],
        )

    @checked
    def alive(self, purchases: Sequence[str | dt.date], *, until: str | dt.date) -> Picture:
        """One customer's probability of being still one, day by day, through its purchases.

        Parameters
        ----------
        purchases
            Days of all of its purchases, the first one too.
        until
            Last day.
        """
        import numpy as np

        from salesops import plot

        model = self._model
        unit = getattr(model, "unit_", None)
        if unit is None or model._opportunities:
            raise UsageError("the path needs a model in days, weeks, months or years")
        bought_on = [day.date() if type(day) is dt.datetime else day for day in purchases]
        days = sorted(filter(None, {day_of(day, "purchases") for day in bought_on}))
        end = day_of(until, "until")
        if not days or end is None or end <= days[0]:
            raise UsageError("purchases: at least one day before until")
        days = [day for day in days if day <= end]
        length = _core.days_in(unit)
        bought = np.array([(day - days[0]).days for day in days[1:]]) / length
        step = max(1, (end - days[0]).days // 400)
        T = np.unique(
            np.concatenate(
                [np.arange(0, (end - days[0]).days, step) / length, bought, [(end - days[0]).days / length]]
            )
        )
        x = np.searchsorted(bought, T, side="right")
        t_x = np.where(x > 0, np.append(0.0, bought)[x], 0.0)
        p = model.p_alive(x.astype(float), t_x, T)
        line = [
            (days[0] + dt.timedelta(days=round(t * length)), value)
            for t, value in zip(T.tolist(), p.tolist(), strict=True)
        ]
        last = percent(p[-1], 0)
        return plot.Picture(
            title=f"Still a customer on {end}: {last}",
            subtitle=f"{type(model).__name__}: probability of being a customer, from the first purchase on. "
            f"Ticks: its {counted(len(days), 'day')} of purchase.",
            alt=f"After {counted(len(days), 'day')} of purchase the probability is {last} on {end}; it was "
            f"lowest at {percent(p.min(), 0)}.",
            chart=plot.progress({last: line}, marks=days, unit="share"),
            columns=["day of purchase", "just after", "just before the next"],
            rows=_between(days, line),
        )


def tracking(found: Tracking, cumulative: bool) -> Picture:
    """Purchases by period, or up to its end, beside the expectation."""
    import numpy as np

    from salesops import plot

    made = {"actual": found.actual, "expected": found.expected}
    if not cumulative:
        made = {name: np.diff(values, prepend=0) for name, values in made.items()}
    lines = {name: list(zip(found.ends, values.tolist(), strict=True)) for name, values in made.items()}
    split = found.calibration_end < found.ends[-1]
    error = "" if found.error is None else f": running total {percent(found.error)} off in the holdout"
    return plot.Picture(
        title=f"Repeat purchases {'so far' if cumulative else f'a {found.every}'} beside "
        f"{found.model}{error}",
        subtitle=f"Of the customers who came by {found.calibration_end}. Expected are what the model says of "
        "customers by their first purchase alone."
        + (
            "" if found.error is None else " Off: mean of |expected − actual| ÷ actual, both since the start."
        ),
        alt=f"{found.actual[-1]:,.0f} repeat purchases by {found.ends[-1]}, "
        f"{found.expected[-1]:,.0f} expected.",
        chart=plot.progress(
            lines,
            since=found.calibration_end if split else None,
            since_label="forecast",
        ),
        columns=["to", "actual", "expected"],
        rows=[
            [str(end), f"{actual:,.0f}", f"{expected:,.1f}"]
            for end, actual, expected in zip(found.ends, made["actual"], made["expected"], strict=True)
        ],
    )


def _bars(
    labels: list[str],
    actual: list[float],
    expected: list[float],
    *,
    title: str,
    subtitle: str,
    x_title: str,
    y_title: str,
    counts: list[int] | None = None,
) -> Picture:
    from salesops import plot

    rows = [
        {"label": label, "actual": was, "expected": said}
        for label, was, said in zip(labels, actual, expected, strict=True)
    ]
    shown = [
        [label, plot.compact(was), plot.compact(said)]
        for label, was, said in zip(labels, actual, expected, strict=True)
    ]
    if counts is not None:
        shown = [[*cells, f"{n:,}"] for cells, n in zip(shown, counts, strict=True)]
    return plot.Picture(
        title=title,
        subtitle=subtitle,
        alt="; ".join(f"{label}: {was} actual, {said} expected" for label, was, said, *_ in shown),
        chart=plot.versus(rows, x_title=x_title, y_title=y_title),
        columns=[x_title, "actual", "expected", *(["customers"] if counts is not None else [])],
        rows=shown,
    )


def _grid(rows: list[dict[str, Any]], width: float, most: int, unit: str) -> list[list[str]]:
    """Some rows and columns of the matrix as text."""
    from salesops import plot

    by_cell = {(row["x"] + 0.5, round(row["y"] / width)): row["value"] for row in rows}
    across = range(0, most + 1, max(1, most // 5))
    down = sorted({place for _, place in by_cell})
    return [
        [
            f"{plot.compact(place * width)}–{plot.compact((place + 1) * width)}",
            *(plot.compact(by_cell.get((float(n), place)), unit) for n in across),
        ]
        for place in down[:: max(1, len(down) // 8)]
    ]


def _between(days: list[dt.date], line: list[tuple[dt.date, float]]) -> list[list[str]]:
    rows = []
    for day, after in zip(days, [*days[1:], None], strict=True):
        inside = [value for at, value in line if at >= day and (after is None or at < after)]
        rows.append([str(day), percent(inside[0]), percent(inside[-1])])
    return rows


def _plural(unit: str | None) -> str:
    return "units of time" if unit is None else f"{unit}s"

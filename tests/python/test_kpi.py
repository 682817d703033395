"""The shape every KPI keeps, whatever the book: answers, groups, periods, ids, frames, hostile rows."""

import datetime as dt
import inspect
import itertools
import math
import random

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import salesops as so
from salesops import kpi
from salesops.crm import Crm


def is_kpi(name):
    """A function of a book that can list the rows behind its answer."""
    function = getattr(kpi, name)
    asked = list(inspect.signature(function).parameters) if inspect.isfunction(function) else []
    return name != "scorecard" and asked[:1] == ["crm"] and "ids" in asked


NAMES = [name for name in kpi.__all__ if is_kpi(name)]
# What a KPI can't do without, beyond the book.
NEEDS_MARGIN = {"clv_simple", "ltv_cac", "cac_payback"}
# Spend has few columns in common with customers: what rests on it has no groups by names.
UNGROUPED = {"cac", "ltv_cac", "cac_payback"}
CATALOGUE = kpi._kpi.catalogue().to_dict()
BY_VALUE = {
    name for name, has in zip(CATALOGUE["name"], CATALOGUE["weights"], strict=True) if "value" in has.split()
}
# Their rows are of two tables, deals and quotas: `where` chooses deals, and no list of ids holds both.
QUOTA = {"attainment", "attainment_distribution", "pipeline_coverage"}
EARLIER = dt.date(2025, 3, 1)
# Of a period as a whole: no length of time in `by` cuts them.
WHOLE_PERIOD = {"arpa", "linearity", "logo_churn", "logo_retention", "pipeline_coverage", "slippage"}
WHOLE_PERIOD |= {"clv_simple", "snapshot_yield", "velocity"}
TIMELESS = WHOLE_PERIOD | UNGROUPED - {"cac"}


def call(name, crm, **given):
    margin = {"gross_margin": 0.8} if name in NEEDS_MARGIN else {}
    return getattr(kpi, name)(crm, **margin, **given)


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=5, deals=300)


def rows_of(result):
    table = result.to_table().to_dict()
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def check(result, name):
    """What holds of any answer. Returns its rows."""
    assert result.name == name
    assert result.definition
    assert result.unit
    assert result.name in repr(result)
    rows = rows_of(result)
    for row in rows:
        for key, cell in row.items():
            assert not (isinstance(cell, float) and not math.isfinite(cell)), (name, key, cell)
        low, high = (row[next(k for k in row if k.startswith(f"{name}_{end}_"))] for end in ("lo", "hi"))
        assert (low is None) == (high is None)
        if low is not None:
            assert row[name] is not None
            rounding = 1e-12 * max(1, abs(row[name]))
            assert low <= row[name] + rounding
            assert row[name] <= high + rounding
        assert row["n"] >= 0
        assert row["excluded"] >= 0
        # The amounts of a roll-up add up: where there are no deals, they are 0.
        if row["denominator"] == 0 and name != "forecast_rollup":
            assert row[name] is None or result.unit == "count"
    return rows


@pytest.mark.parametrize("name", NAMES)
def test_answers_without_being_asked_more(crm, name):
    result = call(name, crm)
    rows = check(result, name)
    # In the last month, which customers' KPIs look at, nobody may have been won or lost.
    over_the_year = check(call(name, crm, period="2025"), name)
    assert any(row[name] is not None for row in [*rows, *over_the_year])
    assert result.as_of == crm.latest
    if not result.by:
        assert result.value == rows[0][name]
        assert result.n == rows[0]["n"]
        assert isinstance(result.excluded, dict)
        assert isinstance(result.details, dict)


@pytest.mark.parametrize("name", NAMES)
def test_groups_add_up_to_the_whole(crm, name):
    if name in UNGROUPED:
        with pytest.raises(so.UsageError, match="leave out by"):
            call(name, crm, by="owner.team")
        return
    by = "actor.team" if name == "activity" else "owner.team"
    grouped = call(name, crm, by=by)
    whole = check(call(name, crm), name)
    rows = check(grouped, name)
    assert len(rows) > len(whole)
    assert by in grouped.by
    assert sum(row["n"] for row in rows) == sum(row["n"] for row in whole)
    with pytest.raises(so.UsageError, match=r"to_frame\(\)"):
        _ = grouped.value
    with pytest.raises(so.UsageError, match=r"to_frame\(\)"):
        _ = grouped.low


@pytest.mark.parametrize("name", NAMES)
def test_groups_by_month_are_in_order(crm, name):
    if name in UNGROUPED - {"cac"}:
        with pytest.raises(so.UsageError, match="leave out by"):
            call(name, crm, by="month")
        return
    if name in WHOLE_PERIOD:
        with pytest.raises(so.UsageError, match="several periods"):
            call(name, crm, by="month")
        return
    result = call(name, crm, by="month")
    rows = check(result, name)
    # A KPI's own groups (step, band, category) may come before the month or after it.
    others = [tuple(row[k] for k in result.by if k != "month") for row in rows]
    for other in dict.fromkeys(others):
        months = [row["month"] for row, own in zip(rows, others, strict=True) if own == other]
        known = [month for month in months if month is not None]
        assert known == sorted(known)
        assert None not in months[:-1]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in QUOTA])
def test_where_as_text_or_dict_is_the_same(crm, name):
    match call(name, crm, period="2025")._core.table:
        case "lead":
            given = {"source": ["website", "outbound"]}
        case "account":
            given = {"segment": ["smb", "mid"]}
        case _:
            given = {"account.segment": ["smb", "mid"]}
    column, (first, second) = next(iter(given.items()))
    text = f"{column} in ('{first}', '{second}')"
    if name in UNGROUPED:
        with pytest.raises(so.UsageError, match="where"):
            call(name, crm, where=text)
        return
    rows = check(call(name, crm, where=text), name)
    assert rows == rows_of(call(name, crm, where=given))
    alone = [rows_of(call(name, crm, where={column: value})) for value in (first, second)]
    assert sum(r["n"] for r in rows) == sum(r["n"] for part in alone for r in part) > 0
    other = rows_of(call(name, crm, where=f"not ({text}) or {column} is null"))
    whole = rows_of(call(name, crm))
    assert sum(r["n"] for r in rows) + sum(r["n"] for r in other) == sum(r["n"] for r in whole)


def test_a_flag_that_is_text_is_not_compared_with_true():
    book = so.crm.Crm.build({"opportunity": {"opportunity_id": ["a", "b"], "hot": ["Yes", "No"]}})
    with pytest.raises(so.UsageError, match=r"'hot' is text and no flag.*'Yes'"):
        so.kpi.win_rate(book, where="hot = true")
    with pytest.raises(so.UsageError, match="no flag"):
        so.kpi.win_rate(book, where={"hot": False})
    so.kpi.win_rate(book, where={"hot": "Yes"})


@pytest.mark.parametrize("name", NAMES)
def test_periods_in_every_form(crm, name):
    text = call(name, crm, period="2025-Q2")
    pair = call(name, crm, period=(dt.date(2025, 4, 1), "2025-07-01"))
    slash = call(name, crm, period="2025-04-01/2025-07-01")
    rows = check(text, name)
    assert rows == rows_of(pair) == rows_of(slash)
    assert text.period == "2025-Q2"
    several = call(name, crm, period="last 4 quarters")
    assert several.by[:1] == ["period"] or several.by[1:2] == ["period"]
    labels = list(dict.fromkeys(row["period"] for row in check(several, name)))
    assert labels == sorted(labels)
    assert len(labels) == 4
    for label in labels:
        ours = [row for row in rows_of(several) if row["period"] == label]
        alone = rows_of(call(name, crm, period=label))
        assert [row[name] for row in ours] == [row[name] for row in alone]
        assert [row["n"] for row in ours] == [row["n"] for row in alone]
    with pytest.raises(so.UsageError, match="sometime"):
        call(name, crm, period="sometime")


@pytest.mark.parametrize("name", NAMES)
def test_as_of_is_the_book_rewound(crm, name):
    then = call(name, crm, as_of=EARLIER, period="2025-01")
    assert then.as_of.date() == EARLIER
    rows = check(then, name)
    assert rows == rows_of(call(name, crm.as_of(EARLIER), period="2025-01"))


@pytest.mark.parametrize("name", NAMES)
def test_level_widens_the_interval(crm, name):
    wide, narrow = (call(name, crm, level=level, period="2025") for level in (95, 80))
    for ours, theirs in zip(check(narrow, name), check(wide, name), strict=True):
        assert ours[name] == theirs[name]
        low, high = ours[f"{name}_lo_80"], ours[f"{name}_hi_80"]
        if low is not None:
            assert theirs[f"{name}_lo_95"] <= low + 1e-12
            assert high <= theirs[f"{name}_hi_95"] + 1e-12
    for level in (0, 100, -5, math.nan):
        with pytest.raises(so.UsageError, match="level"):
            call(name, crm, level=level)


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_keys_of_the_rows_behind_the_number(crm, name):
    result = call(name, crm, ids=True, period="2025-Q2")
    table = crm.table(result._core.table)
    known = set(table.to_dict()[f"{result._core.table}_id"])
    if result.by:
        check_ids_of_groups(result, known, name)
        return
    assert set(result.ids) <= known
    assert len(result.ids) == result.n


def check_ids_of_groups(result, known, name):
    rows = rows_of(result)
    keys = [tuple(row[column] for column in result.by) for row in rows]
    assert list(result.ids) == [key if len(key) > 1 else key[0] for key in keys]
    for row, listed in zip(rows, result.ids.values(), strict=True):
        assert set(listed) <= known
        assert len(listed) == row["n"]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in QUOTA | UNGROUPED])
def test_ids_of_groups_are_those_of_the_whole(crm, name):
    by = "actor.team" if name == "activity" else "owner.team"
    asked = {"ids": True, "period": "2025-Q2"}
    whole, grouped = call(name, crm, **asked), call(name, crm, by=by, **asked)
    table = crm.table(whole._core.table)
    check_ids_of_groups(grouped, set(table.to_dict()[f"{whole._core.table}_id"]), name)
    listed = [whole.ids] if not whole.by else whole.ids.values()
    assert sorted(itertools.chain(*grouped.ids.values())) == sorted(itertools.chain(*listed))
    with pytest.raises(so.UsageError, match="ids=True"):
        _ = call(name, crm, by=by, period="2025-Q2").ids


@pytest.mark.parametrize("name", NAMES)
def test_frames_of_every_kind(crm, name):
    result = call(name, crm)
    names = result.to_table().names
    for kind, frame in (("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)):
        made = result.to_frame(kind)
        assert isinstance(made, frame)
        assert list(made.column_names if kind == "pyarrow" else made.columns) == names
    assert isinstance(result.to_frame(), pd.DataFrame)
    with pytest.raises(so.UsageError, match="polars"):
        result.to_frame("excel")


def shuffled(frame, seed):
    order = list(range(len(frame)))
    random.Random(seed).shuffle(order)
    return frame.iloc[order].reset_index(drop=True)


def chunked(frame, seed):
    """The same rows as Arrow chunks of any length, each with dictionaries of its own."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    cuts = sorted(random.Random(seed).sample(range(len(frame) + 1), min(3, len(frame))))
    bounds = [0, *cuts, len(frame)]
    return pa.concat_tables([table.slice(a, b - a) for a, b in itertools.pairwise(bounds)])


def same_rows(frame, seed):
    return [shuffled(frame, seed), chunked(shuffled(frame, seed + 1), seed), pl.from_pandas(frame)][seed % 3]


@pytest.fixture(scope="module")
def reordered(tables):
    """The book again: other orders of rows, chunks and kinds of frames."""
    return [
        Crm.build({name: same_rows(frame, seed + i) for i, (name, frame) in enumerate(tables.items())})
        for seed in range(3)
    ]


@pytest.mark.parametrize("asked", [{}, {"by": "month"}, {"weight": "value"}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_order_chunks_frames_and_threads_mean_nothing(tables, crm, reordered, name, asked):
    if (name in TIMELESS and "by" in asked) or ("weight" in asked and name not in BY_VALUE):
        return
    whole = call(name, crm, period="2025", threads=1, **asked)
    ours = check(whole, name)
    for threads, book in enumerate([crm, *reordered], start=1):
        again = call(name, book, period="2025", threads=threads, **asked)
        assert rows_of(again) == ours
        assert [m.details for m in again._core.metrics] == [m.details for m in whole._core.metrics]
        assert [m.excluded for m in again._core.metrics] == [m.excluded for m in whole._core.metrics]


@pytest.mark.parametrize("name", ["win_rate", "sales_cycle", "lead_conversion"])
def test_order_means_nothing_in_any_mode(crm, reordered, name):
    for mode in ("closed_in_period", "created_cohort", "window_cohort", "survival"):
        try:
            ours = rows_of(call(name, crm, mode=mode, by="owner.team"))
        except so.UsageError:
            continue
        assert all(rows_of(call(name, book, mode=mode, by="owner.team")) == ours for book in reordered)


RULES = [
    ("lead_response_time", {"clock": "created"}),
    ("sla_compliance", {"hours_of": "owner.time_zone", "hours": so.calendar.BusinessHours()}),
    ("funnel", {"in_order": True, "mode": "window_cohort", "window_days": 30}),
    ("sales_cycle", {"start": "lead"}),
    ("sales_cycle", {"start": "stage", "from_rank": 2, "mode": "survival"}),
    ("velocity", {"start": "stage", "from_rank": 2, "no_decision": ["price"]}),
    ("pipeline_created", {"start": "stage", "from_rank": 2}),
    ("pushes", {"every": "quarter"}),
    *(("stage_conversion", {"visits": visits}) for visits in ("each", "deal")),
    *(("time_in_stage", {"visits": visits}) for visits in ("first", "latest", "cumulative", "current")),
    ("loss_reasons", {"by": ["open_stage"], "weight": "value"}),
    ("win_rate", {"where": "open_stage in ('proposal', 'negotiation')", "weight": "value"}),
    ("win_rate", {"no_decision": ["no_decision"], "weight": "value"}),
    ("win_rate", {"no_decision": ["no_decision"], "mode": "created_cohort"}),
]


@pytest.mark.parametrize(("name", "asked"), RULES, ids=str)
def test_order_means_nothing_under_any_rule(crm, reordered, name, asked):
    for by in ({}, {"by": "owner.team"}, {"by": "stage_id" if name in WHOLE_PERIOD else "month"}):
        given = by | asked
        whole = call(name, crm, period="2025", threads=1, **given)
        ours = check(whole, name)
        assert any(row["n"] for row in ours)
        for threads, book in enumerate([crm, *reordered], start=1):
            again = call(name, book, period="2025", threads=threads, **given)
            assert rows_of(again) == ours
            assert [m.details for m in again._core.metrics] == [m.details for m in whole._core.metrics]
            assert [m.excluded for m in again._core.metrics] == [m.excluded for m in whole._core.metrics]
    then = call(name, crm, as_of=EARLIER, **asked)
    assert rows_of(then) == rows_of(call(name, crm.as_of(EARLIER), **asked))


@pytest.mark.parametrize("name", NAMES)
def test_intervals_of_few_rows_say_so(crm, name):
    if name in UNGROUPED:
        return
    periods = [{"period": period} for period in ("last 12 months", "last 4 quarters")]
    cuts = periods if name in TIMELESS else [{"by": by} for by in ("month", "quarter")]
    metrics = [m for cut in cuts for m in call(name, crm, **cut)._core.metrics]
    for metric in metrics:
        rows = metric.denominator if name == "loss_reasons" else metric.n
        assert ("fewer than 10 rows" in metric.interval_note) == (metric.low is not None and rows < 10)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_named(crm, name):
    with pytest.raises(so.UsageError, match="table"):
        call(name, Crm.build({"product": {"product_id": ["a"]}}))
    if name not in UNGROUPED:
        with pytest.raises(so.UsageError, match="nobody"):
            call(name, crm, by="nobody")
        with pytest.raises(so.UsageError, match="nobody"):
            call(name, crm, where="nobody = 1")
    with pytest.raises(so.UsageError, match="modes are"):
        call(name, crm, mode="lucky")
    with pytest.raises(AttributeError):
        _ = call(name, crm).nothing


# ---- hostile books ----


SPECIAL = {"lag": 30, "churn_base": "daily_average", "allow_negative": True}


def own_options(name):
    return CATALOGUE["options"][CATALOGUE["name"].index(name)].split()


# Books in which a table, or the one currency, that a KPI needs may be missing.
MAY_REFUSE = {"all null", "mixed currencies", "wrong types", "empty", "far instants"}


@pytest.mark.parametrize("name", NAMES)
def test_hostile_books_have_an_answer_or_a_way_out(hostile, name):
    how, book = hostile
    group = {} if name in TIMELESS else {"by": "month"}
    asked = [
        {},
        {"period": "2025-Q2"},
        {"as_of": EARLIER},
        {"ids": True},
        *({option: value} for option, value in SPECIAL.items() if option in own_options(name)),
        group,
        group | {"period": "last 4 quarters"},
    ]
    if name == "win_rate":
        asked.append({"weight": "value"})
    refusals = []
    for given in asked:
        try:
            check(call(name, book, **given), name)
        except (so.UsageError, so.UnitError) as error:
            refusals.append(str(error))
    assert all(len(text) > 30 for text in refusals), refusals
    # One row, or rows of no known field, are no history.
    without_history = how in {"one row", "hostile strings"} and all("history" in text for text in refusals)
    assert not refusals or how in MAY_REFUSE or without_history, refusals


def test_amounts_of_two_currencies_are_refused(spoiled):
    book = Crm.build(spoiled("mixed currencies"))
    for name, given in (("arpa", {}), ("cac", {"period": "2025"}), ("win_rate", {"weight": "value"})):
        with pytest.raises(so.UnitError, match=r"(JPY|EUR).*convert") as error:
            call(name, book, **given)
        # What where can't choose among isn't named as a way out.
        assert ("where=" in str(error.value)) == (name == "win_rate")
    assert call("lead_conversion", book).value is not None
    assert call("logo_churn", book, period="2025").value is not None


def test_keys_given_twice_count_once(spoiled, crm):
    book = Crm.build(spoiled("duplicate keys"))
    for name in NAMES:
        assert (
            rows_of(call(name, book, period="2025"))[0]["n"]
            == rows_of(call(name, crm, period="2025"))[0]["n"]
        )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text", ["'", "(" * 500, "not " * 500 + "x", "a = 'b' or", "\x00", "source = '" + "x" * 100_000]
)
def test_hostile_expressions(crm, name, text):
    with pytest.raises(so.UsageError) as caught:
        call(name, crm, where=text)
    assert len(str(caught.value)) < 1000


# ---- what is asked wrongly ----


def test_a_misspelt_option_is_an_error(crm):
    with pytest.raises(so.UsageError, match="no option 'perod'; did you mean 'period'"):
        kpi.win_rate(crm, perod="2025-Q3")
    with pytest.raises(so.UsageError, match="no option 'foo'"):
        kpi.scorecard(crm, foo=1)
    with pytest.raises(so.UsageError, match="level: need a number, not str"):
        kpi.win_rate(crm, level="95")


def test_wrong_shapes_are_errors_of_ours(crm):
    with pytest.raises(so.UsageError, match="start, end"):
        kpi.win_rate(crm, period=("2025-01-01", "2025-02-01", "2025-03-01"))
    for bad in (dt.date(2025, 1, 1), 2025, {"2025-01-01", "2025-02-01"}):
        with pytest.raises(so.UsageError, match="start, end"):
            kpi.win_rate(crm, period=bad)
    with pytest.raises(so.UsageError, match="columns have names"):
        kpi.win_rate(crm, where={1: 2})
    with pytest.raises(so.UsageError, match="is a book"):
        kpi.win_rate({"opportunity": []})


def test_a_zone_may_be_a_name(crm):
    assert kpi.win_rate(crm, period="2025-Q3", zone="America/New_York").value is not None


def test_an_instant_within_a_day_is_no_end_of_a_period(crm):
    berlin = dt.timezone(dt.timedelta(hours=2))
    noon = dt.datetime(2025, 4, 1, 12)
    for bad in ("2025-04-01T12:00", noon, pd.Timestamp(noon), dt.datetime(2025, 4, 1, tzinfo=berlin)):
        with pytest.raises(so.UsageError, match="within a day"):
            kpi.win_rate(crm, period=(bad, "2025-07-01"))
        with pytest.raises(so.UsageError, match="within a day"):
            kpi.win_rate(crm, period=("2025-01-01", bad))
    with pytest.raises(so.UsageError, match="no period"):
        kpi.win_rate(crm, period="2025-04-01T12:00/2025-07-01")
    # A midnight of the zone asked begins its day.
    day = dt.datetime(2025, 4, 1, tzinfo=berlin)
    ours = kpi.win_rate(crm, period=(day, "2025-07-01T00:00+02:00"), zone="Europe/Berlin")
    assert ours.period == "2025-04-01/2025-07-01"
    assert ours.n == kpi.win_rate(crm, period="2025-Q2", zone="Europe/Berlin").n
    plain = kpi.win_rate(crm, period=(dt.datetime(2025, 4, 1), "2025-07-01T00:00"))
    assert plain.n == kpi.win_rate(crm, period="2025-Q2").n


def test_hours_are_those_of_the_calendar(crm):
    team = so.calendar.BusinessHours()
    assert "business" in kpi.lead_response_time(crm, hours=team).definition
    assert kpi.sla_compliance(crm, hours=team).value > kpi.sla_compliance(crm).value

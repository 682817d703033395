"""Visits to stages as rows for survival: they agree with the KPIs and with the forecast's own rates."""

import datetime as dt
import pathlib
import random

import numpy as np
import pandas as pd
import pytest
import salesops as so
from salesops import survival

MAPPINGS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"
STAGES = {
    "stage_id": ["qualify", "propose", "won", "lost"],
    "rank": [1, 2, 3, 4],
    "type": ["open", "open", "won", "lost"],
}


@pytest.fixture(scope="module")
def crm():
    return so.datasets.sample_crm(seed=7, deals=2000, reps=8)


@pytest.fixture(scope="module")
def chip(data_dir):
    return so.read(data_dir / "crm" / "chip_pipeline_A", MAPPINGS / "chip.toml", currency="USD")


@pytest.fixture(scope="module")
def maven(data_dir):
    return so.read(data_dir / "crm" / "maven_crm", MAPPINGS / "maven.toml", currency="USD")


def book(deals, changes, stages=STAGES, **tables):
    """A book of deals (a dict a deal) and changes of them (id, day, field, old, new)."""
    rows = {name: [deal.get(name) for deal in deals] for name in dict.fromkeys(k for d in deals for k in d)}
    events = dict(
        zip(["opportunity_id", "at", "field", "old", "new"], zip(*changes, strict=True), strict=True)
    )
    events = {name: list(cells) for name, cells in events.items()} | {"seq": [*range(len(changes))]}
    tables |= {"opportunity": rows, "opportunity_event": events, "stage_def": stages}
    return so.crm.Crm.build(tables, currency="EUR")


def deal(name, created="2025-01-01", stage="qualify", **more):
    return {"opportunity_id": name, "created_at": created, "stage_id": stage, **more}


def stays(crm, **options):
    return so.pipeline.stage_durations(crm, **options).to_frame("pandas")


# ---- as the KPI has it ----


def assert_as_kpi(crm, **options):
    """All visits, and first ones, as `kpi.time_in_stage` counts them."""
    found = so.pipeline.stage_durations(crm, **options)
    frame = found.to_frame("pandas")
    for visits, rows in (("each", frame), ("first", frame[frame.visit == 1])):
        told = so.kpi.time_in_stage(crm, visits=visits, **options)
        assert (rows.ended.sum(), (~rows.ended).sum()) == (told.n, told.censored)
        assert rows.days[rows.ended].sum() == pytest.approx(told.numerator)
        if visits == "each":
            assert found.excluded == told.excluded


def assert_as_kpi_by_stage(crm):
    frame = stays(crm)
    told = so.kpi.time_in_stage(crm, by="stage_id").to_frame("pandas").set_index("stage_id")
    for stage, rows in frame.groupby("stage_id"):
        curve = survival.KaplanMeier().fit(rows, duration_col="days", event_col="ended", entry_col="entry")
        assert curve.median_survival_time_ == pytest.approx(told.survival_median[stage])
        assert rows.days[rows.ended].mean() == pytest.approx(told.time_in_stage[stage])
    assert set(frame.stage_id) == set(told.index[told.n + told.censored > 0])


def test_durations_and_medians_are_those_of_the_kpi(crm):
    assert_as_kpi_by_stage(crm)
    assert_as_kpi(crm, as_of="2025-03-04")


def test_real_versions_agree_with_the_kpi(chip):
    assert_as_kpi_by_stage(chip)
    assert_as_kpi(chip, as_of="2016-03-01")


def wild_book(seed):
    """Whatever a log can do: late, doubled, reversed, silent, of days alone, in three tables."""
    draw = random.Random(seed)
    begin = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    in_days, late = draw.random() < 0.3, draw.choice([0, 0, 60])
    pipelines = draw.choice([(None,), ("a", None), ("a", "b", None)])
    names = ["s1", "s2", "s3", "won", "lost"]
    table = draw.choice(["opportunity_event", "opportunity_snapshot", "opportunity_version"])
    time = {"opportunity_event": "at", "opportunity_snapshot": "snapshot_date"}.get(table, "valid_from")

    def moment(days):
        return begin + dt.timedelta(
            minutes=draw.randrange(days) * 1440 + draw.randrange(1440) * (not in_days)
        )

    deals, changes = [], []
    for number in range(draw.choice([1, 3, 15, 40])):
        at = created = moment(150)
        stage, before = draw.choice([*names, None]), draw.choice(["s1", "s2", None])
        for _ in range(draw.randrange(6)):
            at = at + dt.timedelta(days=draw.randrange(25)) if draw.random() < 0.9 else moment(200)
            stage = draw.choice([*names[:3], *names[:3], "won", "lost", None])
            change = {"opportunity_id": f"d{number}", time: at}
            if table == "opportunity_event":
                change |= {"field": "stage", "new": stage, "old": draw.choice([before, before, None])}
            else:
                change["stage_id"] = stage
            if (at - begin).days >= late:
                changes += [change] * draw.choice([1, 1, 1, 2])
            before = stage
        deals.append(
            deal(f"d{number}", draw.choice([created] * 9 + [None]), draw.choice([stage] * 9 + ["s2"]))
            | {"pipeline_id": draw.choice(pipelines), "is_deleted": draw.random() < 0.05}
            | {"is_closed": draw.choice([None, stage in ("won", "lost"), True])}
            | {
                "is_won": draw.choice([None, None, True, False]),
                "closed_at": draw.choice([None, moment(200)]),
            }
            | {"close_date": draw.choice([None, moment(200).date()])}
        )
    if table == "opportunity_event":
        changes = [change | {"seq": seq} for seq, change in enumerate(changes)]
    defined = [
        {"pipeline_id": pipeline, "stage_id": name, "rank": rank}
        | {"type": draw.choice([name if name in ("won", "lost") else "open"] * 15 + ["won"])}
        for pipeline in draw.choice([pipelines, (None,), ("zz", *pipelines)])
        for rank, name in enumerate(names[: draw.choice([3, 5, 5])])
    ]
    tables = {"opportunity": deals, table: changes, "stage_def": defined}
    return {
        name: {column: [row.get(column) for row in rows] for column in rows[0]}
        for name, rows in tables.items()
        if rows
    }


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_no_log_is_so_wild_that_the_kpi_reads_it_otherwise(first):
    asked = 0
    for seed in range(first, first + 20):
        crm = so.crm.Crm.build(wild_book(seed))
        for options in ({}, {"as_of": dt.datetime(2024, 4, 9, seed % 24)}, {"zone": "America/New_York"}):
            try:
                so.kpi.time_in_stage(crm, **options)
            except so.UsageError:  # no history, or a day that the book doesn't reach
                with pytest.raises(so.UsageError):
                    so.pipeline.stage_durations(crm, **options)
                continue
            assert_as_kpi(crm, **options)
            asked += 1
    assert asked > 30


# ---- as the forecast has it ----

BUCKETS = np.array([0, 7, 14, 21, 35, 63, 98, 189, np.inf])


def occurrence_and_exposure(frame, keys):
    """Moves [stage, bucket, target] and days at risk [stage, bucket]; targets are stages, won, lost."""
    number = {key: place for place, key in enumerate(keys)}
    days, moves = np.zeros((len(keys), 8)), np.zeros((len(keys), 8, len(keys) + 2))
    for row in frame.itertuples():
        state = number[row.pipeline_id, row.stage_id]
        days[state] += np.clip(row.days - BUCKETS[:-1], 0, np.diff(BUCKETS))
        if row.ended:
            ends = {"won": len(keys), "lost": len(keys) + 1}
            target = ends.get(row.outcome, number.get((row.pipeline_id, row.next_stage_id)))
            moves[state, np.searchsorted(BUCKETS, row.days, "right") - 1, target] += 1
    return days, moves


def shrunken_rates(days, moves, kappa):
    """Daily rates as the forecast's kernel draws them together: each bucket leans on the one before."""
    stage_prior = 4.0
    ends = moves.sum(axis=(0, 1))
    ends[:-2] = 0
    pooled = moves.sum(axis=1) + stage_prior * 7 * ends / days.sum()
    rate = 7 * pooled / (days.sum(axis=1) + stage_prior * 7)[:, None]
    rates = np.zeros_like(moves)
    for bucket in range(8):
        rate = (moves[:, bucket] + kappa * rate) / (days[:, bucket] / 7 + kappa)[:, None]
        rates[:, bucket] = rate / 7
    return rates


def chance_to_win(rates, steps):
    """P(won within so many days), of a deal that enters each stage now."""
    stages = len(rates)
    ages = np.arange(190)
    bucket = np.searchsorted(BUCKETS, ages + 0.5, "right") - 1
    bucket[-1] = 7
    total = rates.sum(axis=2)
    stay = np.exp(-total)
    move = rates * ((1 - stay) / np.where(total > 0, total, 1))[:, :, None]
    now = np.zeros((stages, len(ages)))
    for _ in range(steps):
        won = move[:, :, stages] + move[:, :, :stages] @ now[:, 0]
        now = won[:, bucket] + stay[:, bucket] * now[:, np.minimum(ages + 1, len(ages) - 1)]
    return now[:, 0]


def test_the_forecast_tells_the_same_story(crm):
    fit = so.pipeline.forecast(crm, "2025-08-01", ("2025-08-01", "2025-10-31"), draws=100).fit
    told = fit.stages.to_frame("pandas")
    keys = [*zip(told.pipeline_id, told.stage_id, strict=True)]
    frame = stays(crm, as_of="2025-08-01")
    days, moves = occurrence_and_exposure(frame, keys)
    assert days.sum(axis=1) / 7 == pytest.approx(told.exposure_weeks.to_numpy())
    ended = moves.sum(axis=1)
    assert ended[:, -2].tolist() == told.won.tolist()
    assert ended[:, -1].tolist() == told.lost.tolist()
    assert ended[:, :-2].sum(axis=1).tolist() == told.moved.tolist()
    # By bucket, up to the shrinkage: the chance to win follows from the rows alone.
    rates = shrunken_rates(days, moves, fit.kappa)
    assert chance_to_win(rates, 91) == pytest.approx(told.p_win.to_numpy(), abs=1e-9)
    # Durations a week off would be another story.
    shifted = occurrence_and_exposure(frame.assign(days=frame.days + 7), keys)
    assert np.abs(chance_to_win(shrunken_rates(*shifted, fit.kappa), 91) - told.p_win).max() > 0.02


# ---- survival takes the rows ----


def test_hazards_of_a_stage_by_week(crm):
    weeks = stays(crm, stage="proposal", every="week")
    assert set(weeks.weeks % 1) == {0}
    assert weeks.weeks.min() == 1
    named = {"duration_col": "weeks", "entry_col": "entry"}
    model = survival.DiscreteHazard().fit(weeks, event_col="moved_on", formula="pushes", **named)
    hazard = model.predict_hazard({"pushes": [0]}, times=[1, 2, 3]).hazard.tolist()
    at_risk = [(weeks.weeks >= week).sum() for week in (1, 2, 3)]
    seen = [((weeks.weeks == week) & weeks.moved_on).sum() for week in (1, 2, 3)]
    assert hazard == pytest.approx(np.divide(seen, at_risk), abs=0.03)
    paths = survival.AalenJohansen(censored="open").fit(weeks, event_col="outcome", **named)
    curve = survival.KaplanMeier().fit(weeks, event_col="ended", **named)
    assert sum(paths.at(3, cause) for cause in paths.causes_) == pytest.approx(1 - curve.at(3))
    share = survival.FineGray(cause="lost", censored="open").fit(
        weeks, event_col="outcome", formula="pushes", **named
    )
    assert share.coefficients_.keys() == {"pushes"}


def test_a_period_counts_once_it_is_over():
    made = book(
        [deal("a", stage="propose"), deal("b"), deal("c", "2025-01-20")],
        [
            ("a", "2025-01-06", "stage", "qualify", "propose"),
            ("b", "2025-01-19", "stage", "qualify", "propose"),
        ],
    )
    # As of 20 January the third week of a and b still runs: b left in it, and counts for two weeks.
    rows = stays(made, stage="qualify", every="week").set_index("opportunity_id")
    assert rows.weeks.to_dict() == {"a": 1, "b": 2}
    assert rows.outcome.to_dict() == {"a": "moved on", "b": "open"}
    assert rows.next_stage_id["a"] == "propose"
    assert pd.isna(rows.next_stage_id["b"])
    assert pd.isna(rows.left["b"])
    assert so.pipeline.stage_durations(made, every="7d").excluded == {"no_whole_period": 2}
    assert "periods" in stays(made, every="7d")
    assert stays(made, stage="qualify", every="day").days.tolist() == [6, 19]


def test_censoring_in_a_running_week_leaves_the_hazard_unbiased():
    """Of deals that leave at a constant rate the weekly chance is 1 − exp(−7 r), whenever one looks."""
    draw = np.random.default_rng(3)
    n, rate, base = 6000, 0.06, pd.Timestamp("2025-01-01", tz="UTC")
    began = base + pd.to_timedelta(draw.uniform(0, 20, n), "D")
    left = began + pd.to_timedelta(draw.exponential(1 / rate, n), "D")
    end = base + pd.Timedelta(days=20)
    names = [f"d{i}" for i in range(n)]
    seen = left < end
    made = so.crm.Crm.build(
        {
            "opportunity": {
                "opportunity_id": names,
                "created_at": began,
                "stage_id": np.where(seen, "propose", "qualify").tolist(),
            },
            "opportunity_event": {
                "opportunity_id": [name for name, one in zip(names, seen, strict=True) if one],
                "at": left[seen],
                "field": ["stage"] * seen.sum(),
                "old": ["qualify"] * seen.sum(),
                "new": ["propose"] * seen.sum(),
            },
            "stage_def": STAGES,
        }
    )
    rows = stays(made, stage="qualify", every="week", as_of=end.to_pydatetime())
    expected = 1 - np.exp(-7 * rate)
    for week in (1, 2):
        at_risk = rows[rows.weeks >= week]
        hazard = ((at_risk.weeks == week) & at_risk.ended).mean()
        assert abs(hazard - expected) < 4 * np.sqrt(expected * (1 - expected) / len(at_risk))


def test_visits_under_way_are_at_risk_from_since_on(crm):
    whole, late = stays(crm, stage="discovery"), stays(crm, stage="discovery", since="2025-01-01")
    began = pd.Timestamp("2025-01-01", tz="UTC")
    under_way = late[late.entered < began]
    assert len(under_way) > 10
    assert under_way.entry.tolist() == pytest.approx(
        ((began - under_way.entered).dt.total_seconds() / 86400).tolist()
    )
    assert (late.entry[late.entered >= began] == 0).all()
    assert len(late) == (whole.left.isna() | (whole.left > began)).sum()
    survival.KaplanMeier().fit(late, duration_col="days", event_col="ended", entry_col="entry")
    weeks = stays(crm, stage="discovery", since="2025-01-01", every="week")
    assert ((weeks.entry % 1 == 0) & (weeks.entry < weeks.weeks)).all()


def test_visits_are_followed_for_a_while(crm):
    whole, short = stays(crm, every="week"), stays(crm, every="week", until=4)
    assert len(whole) == len(short)
    assert short.weeks.tolist() == whole.weeks.clip(upper=4).tolist()
    assert short.ended.tolist() == (whole.ended & (whole.weeks <= 4)).tolist()
    assert short.left.notna().tolist() == short.ended.tolist()
    late = stays(crm, since="2025-03-01", until=10)
    assert (late.entry < 10).all()
    assert late.days.max() == 10


def test_a_log_that_begins_late_truncates():
    made = book(
        [
            deal("old", stage="propose"),
            deal("first", stage="propose"),
            deal("gone", stage="won", is_won=True, closed_at="2025-01-15"),
            deal("new", "2025-02-12", stage="propose"),
        ],
        [
            ("first", "2025-02-10", "stage", "qualify", "propose"),
            ("new", "2025-02-17", "stage", "qualify", "propose"),
            ("old", "2025-03-01", "stage", "qualify", "propose"),
        ],
    )
    found = so.pipeline.stage_durations(made, stage="qualify")
    assert found.to_frame("pandas").opportunity_id.tolist() == ["new"]
    assert found.excluded == {"entry_unknown": 2}
    assert found.notes == [
        "1 deal closed without a logged change of stage: nobody knows where they stood",
        "2 visits began before the log did: nobody knows when",
    ]
    # The log begins on 10 February: the visit that it saw from then on is at risk at 40 days.
    rows = stays(made, stage="qualify", entry_unknown="created").set_index("opportunity_id")
    assert rows.entry.to_dict() == {"new": 0, "old": 40}
    assert rows.days.to_dict() == {"new": 5, "old": 59}


# ---- what was known at the entry ----


def test_covariates_are_those_of_the_entry():
    made = book(
        [
            deal("a", stage="won", amount=900, close_date="2025-04-20", owner_id="r2", source="web")
            | {"type": "renewal", "closed_at": "2025-04-20", "is_won": True}
        ],
        [
            ("a", "2025-01-10", "close_date", "2025-02-01", "2025-03-01"),
            ("a", "2025-01-20", "stage", "qualify", "propose"),
            ("a", "2025-01-20", "amount", "100", "500"),
            ("a", "2025-02-01", "amount", "500", "900"),
            ("a", "2025-02-02", "close_date", "2025-03-01", "2025-02-20"),
            ("a", "2025-02-03", "close_date", "2025-02-20", "2025-04-20"),
            ("a", "2025-02-04", "owner", "r1", "r2"),
            ("a", "2025-02-05", "stage", "propose", "qualify"),
            ("a", "2025-04-20", "stage", "qualify", "won"),
        ],
    )
    rows = stays(made)
    assert rows.outcome.tolist() == ["moved on", "moved back", "won"]
    assert rows.visit.tolist() == [1, 1, 2]
    assert rows.amount.tolist() == [100, 500, 900]
    assert rows.owner_id.tolist() == ["r1", "r1", "r2"]
    assert rows.pushes.tolist() == [0, 1, 2]
    assert rows.age.tolist() == [0, 19, 35]
    assert rows.source.tolist() == ["web"] * 3
    assert rows.currency.tolist() == ["EUR"] * 3
    assert "type" not in rows
    assert stays(made, allow_current=["opportunity.type"]).type.tolist() == ["renewal"] * 3


def test_what_has_no_history_is_left_out_rather_than_known_in_hindsight():
    made = book([deal("a", amount=900, owner_id="r1")], [("a", "2025-01-20", "stage", "propose", "qualify")])
    assert {"amount", "currency", "owner_id", "pushes"}.isdisjoint(stays(made).columns)
    rows = stays(made, allow_current=["opportunity.amount"])
    assert rows.amount.tolist() == [900, 900]
    assert rows.currency.tolist() == ["EUR"] * 2


def test_nothing_after_as_of_shows(crm):
    then = stays(crm, as_of="2025-02-01")
    both = then.merge(stays(crm), on=["opportunity_id", "stage_id", "visit"], suffixes=("", "_now"))
    assert len(both) == len(then) > 1000
    at = pd.Timestamp("2025-02-01", tz="UTC")
    assert (both.entered <= at).all()
    for name in ("entered", "age", "owner_id", "pushes"):
        assert (both[name] == both[f"{name}_now"]).all()
    done = both.left_now <= at
    assert (both.outcome[done] == both.outcome_now[done]).all()
    assert set(both.outcome[~done]) == {"open"}


# ---- hostile books ----


def test_books_without_a_history_say_so(maven):
    for made in (maven, so.crm.Crm.build({"opportunity": deal_columns(), "stage_def": STAGES})):
        with pytest.raises(so.UsageError, match=r"needs the change history of stages.*kpi\.sales_cycle"):
            so.pipeline.stage_durations(made)
    with pytest.raises(so.UsageError, match="no table 'opportunity'"):
        so.pipeline.stage_durations(so.crm.Crm.build({}))


def deal_columns(stage="qualify", modified="2025-01-02"):
    return {
        "opportunity_id": ["a", "b"],
        "created_at": ["2025-01-01"] * 2,
        "stage_id": [stage, "qualify"],
        "source_modified_at": [modified] * 2,
    }


def test_a_history_that_only_apply_saw_counts():
    made = so.crm.Crm.build({"opportunity": deal_columns(), "stage_def": STAGES})
    made = made.apply({"opportunity": deal_columns("propose", "2025-02-02")})
    assert so.kpi.time_in_stage(made).n == 1
    assert_as_kpi(made)
    events = {"opportunity_id": ["b"], "at": ["2025-03-01"], "field": ["stage"], "old": ["qualify"]}
    logged = so.crm.Crm.build({"opportunity": deal_columns(), "stage_def": STAGES})
    logged = logged.apply({"opportunity_event": events | {"new": ["propose"]}})
    assert_as_kpi(logged)


def test_one_deal_doubled_and_reversed_changes():
    once = [("a", "2025-01-05", "stage", "qualify", "propose")]
    alone = stays(book([deal("a", stage="propose")], once))
    assert alone.outcome.tolist() == ["moved on", "open"]
    assert stays(book([deal("a", stage="propose")], once * 3)).equals(alone)
    back = so.pipeline.stage_durations(
        book(
            [deal("a", "2025-01-10", stage="propose")],
            [*once, ("a", "2025-01-12", "stage", "propose", "qualify")],
        )
    )
    assert back.excluded == {"negative_duration": 1}
    assert back.to_frame("pandas").days.tolist() == [7, 0]


def test_all_open_and_none_at_all():
    open_deals = book(
        [deal("a", stage="propose"), deal("b", stage="propose")],
        [("a", "2025-01-01", "stage", None, "propose"), ("b", "2025-01-31", "stage", None, "propose")],
    )
    found = so.pipeline.stage_durations(open_deals, stage="propose")
    assert found.summary() == "2 visits to open stages, of which 2 still last"
    empty = so.pipeline.stage_durations(open_deals, as_of="2020-01-01")
    assert len(empty) == len(empty.to_frame("pandas")) == 0
    assert empty.stages("pandas").empty
    assert "0 visits" in repr(empty)
    assert "weeks" in stays(open_deals, as_of="2020-01-01", every="week")


def test_a_close_whose_end_nobody_tells():
    made = book(
        [
            deal("a", stage="propose", is_closed=True, closed_at="2025-02-01"),
            deal("b", stage="propose", is_closed=True, is_won=False, closed_at="2025-02-01"),
            deal("c", stage="qualify", is_deleted=True),
        ],
        [
            ("a", "2025-01-05", "stage", "qualify", "propose"),
            ("b", "2025-01-05", "stage", "qualify", "propose"),
            ("c", "2025-01-05", "stage", "propose", "qualify"),
        ],
        stages={"stage_id": ["qualify", "propose"], "rank": [1, 2]},
    )
    found = so.pipeline.stage_durations(made, stage="propose")
    assert found.to_frame("pandas").outcome.tolist() == ["closed", "lost"]
    assert found.excluded == {"deleted": 1}
    assert "closed" in repr(found)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stage": "propsal"}, "no deal was in an open stage of 'propsal'; did you mean 'proposal'"),
        ({"pipeline": "renewal"}, "did you mean 'renewals'"),
        ({"stage": "won"}, "no deal was in an open stage of 'won'"),
        ({"every": "month"}, "every .*not 'month'"),
        ({"every": "36h"}, "blocks are of whole days"),
        ({"until": 0}, "until: need a duration above 0"),
        ({"until": 1.5, "every": "week"}, "until: need a whole number of weeks"),
        ({"until": float("inf"), "every": "week"}, "until: need a whole number of weeks"),
        ({"entry_unknown": "guess"}, "entry_unknown is 'left_out' or 'created'"),
        ({"as_of": "2040-01-01"}, "long after the book's latest row"),
        ({"allow_current": ["type"]}, "'type' is no column"),
        ({"stage": 3}, "stage: need a list"),
    ],
)
def test_slips_are_told_with_the_way_out(crm, options, text):
    with pytest.raises(so.UsageError, match=text):
        so.pipeline.stage_durations(crm, **options)


def test_the_answer_prints_and_comes_in_any_kind(crm):
    found = so.pipeline.stage_durations(crm, every="week", pipeline="sales")
    assert found.to_frame("polars").shape == found.to_frame("pandas").shape
    assert found.to_frame("pyarrow").num_rows == len(found)
    lines = repr(found).splitlines()
    assert [line.split()[1] for line in lines[2:7]] == [
        "qualification",
        "discovery",
        "evaluation",
        "proposal",
        "negotiation",
    ]
    assert "<table" in found._repr_html_()
    told = found.stages("pandas").set_index("stage_id")
    assert told.visits.sum() == len(found)
    assert told.median_weeks["qualification"] >= 1
    assert all(len(line) <= 100 for line in lines)

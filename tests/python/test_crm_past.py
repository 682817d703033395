"""The past of a book whose log is partial, late, absent or at odds with its rows."""

import datetime as dt

import pandas as pd
import pytest
import salesops as so
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops import kpi
from salesops.crm import Crm

UTC = dt.UTC
STAGES = {"stage_id": ["q", "o", "w", "l"], "rank": [1, 2, 3, 4], "type": ["open", "open", "won", "lost"]}
OUTCOME = ["opportunity_id", "is_won", "is_closed", "closed_at"]


def outcomes(crm):
    return crm.table("opportunity").select(OUTCOME).to_pandas().set_index("opportunity_id").sort_index()


def changes(ids, **columns):
    return {"opportunity_id": ids, **columns}


LOGS = {
    "opportunity_event": changes(["a", "a"], at=["2025-01-03", "2025-01-20"], field=["stage"] * 2,
                                 old=["q", "o"], new=["o", "w"]),
    "opportunity_version": changes(["a"] * 3, valid_from=["2025-01-01", "2025-01-03", "2025-01-20"],
                                   stage_id=["q", "o", "w"]),
    "opportunity_snapshot": changes(["a"] * 3, snapshot_date=["2025-01-01", "2025-01-03", "2025-01-22"],
                                    stage_id=["q", "o", "w"]),
}  # fmt: skip


@pytest.mark.parametrize("log", [*LOGS, None])
def test_a_close_that_no_log_knows_is_hidden_until_it_came(log):
    deals = {
        "opportunity_id": ["a", "b"],
        "created_at": ["2025-01-01"] * 2,
        "stage_id": ["w", "l"],
        "closed_at": ["2025-01-20", "2025-02-02"],
        "probability": [1.0, 0.0],
    }
    crm = Crm.build({"opportunity": deals, "stage_def": STAGES, **({log: LOGS[log]} if log else {})})
    then = crm.as_of("2025-01-05")
    assert then.table("opportunity").to_dict()["stage_id"] == ["o" if log else None, None]
    assert then.table("opportunity").to_dict()["closed_at"] == [None, None]
    assert then.table("opportunity").to_dict()["probability"] == [None, None]
    assert kpi.win_rate(crm, as_of="2025-01-05").n == 0
    assert then.issues.count("stage_not_kept") == (1 if log else 2)
    between = crm.as_of("2025-01-21").table("opportunity").to_dict()
    assert between["stage_id"] == ["w", None]
    assert between["is_closed"] == [True, False]
    assert crm.as_of("2025-02-02").table("opportunity").to_dict()["stage_id"] == ["w", "l"]


@pytest.fixture(scope="module")
def tables():
    return {name: table.to_pandas() for name, table in so.datasets.sample_tables(seed=7, deals=500).items()}


def logged(tables, kind, start):
    """The tables with another log: of every other deal, from `start` on, both, none or weekly snapshots."""
    events = tables["opportunity_event"]
    rest = {name: table for name, table in tables.items() if name != "opportunity_event"}
    if kind == "none":
        return rest
    chosen = pd.Series(True, index=events.index)
    if "partial" in kind:
        chosen &= events["opportunity_id"].map(hash_of) % 2 == 0
    if "late" in kind:
        chosen &= pd.to_datetime(events["at"], utc=True) >= start
    return {**rest, "opportunity_event": events[chosen]}


def hash_of(text):
    return sum(map(ord, text))


@pytest.mark.parametrize("kind", ["whole", "partial", "late", "partial late", "none"])
def test_what_was_over_by_then_is_what_a_whole_log_says(tables, kind):
    start, t = pd.Timestamp("2024-07-01", tz=UTC), dt.datetime(2024, 5, 15, tzinfo=UTC)
    whole = Crm.build(tables)
    crm = Crm.build(logged(tables, kind, start))
    truth, told = outcomes(whole.as_of(t)), outcomes(crm.as_of(t))
    # Of a deal that was reopened since, only its log could tell that it had been closed.
    again = truth["is_closed"] & ~told["is_closed"]
    final = outcomes(whole)["closed_at"].reindex(truth.index)
    assert (pd.to_datetime(final[again], utc=True) > t).all()
    assert again.mean() < 0.03
    pd.testing.assert_frame_equal(truth[~again], told[~again])
    for period, at in [("2024-Q2", t), ("2024-Q1", t)]:
        rate, true = kpi.win_rate(crm, period=period, as_of=at), kpi.win_rate(whole, period=period, as_of=at)
        assert true.n - again.sum() <= rate.n <= true.n
    stages = crm.as_of(t).table("opportunity").to_pandas()
    ends = {"won", "lost"}
    types = tables["stage_def"].set_index(["pipeline_id", "stage_id"])["type"]
    kinds = [types.get((p, s)) for p, s in zip(stages["pipeline_id"], stages["stage_id"], strict=True)]
    closed = pd.Series([k in ends for k in kinds], index=stages.index)
    assert (closed == stages["is_closed"]).all()
    assert not stages.loc[~stages["is_closed"], "probability"].isin([0.0, 1.0]).any()


@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["whole", "partial", "late", "none"]),
    day=st.integers(60, 600),
)
@settings(max_examples=25, deadline=None)
def test_another_future_has_the_same_past(tables, seed, kind, day):
    t = pd.Timestamp("2024-01-01", tz=UTC) + pd.Timedelta(days=day)
    random = pd.Series(range(len(tables["opportunity"]))).sample(frac=1, random_state=seed).to_numpy()
    deals, events = tables["opportunity"].copy(), tables["opportunity_event"]
    later = (pd.to_datetime(deals["closed_at"], utc=True) > t).to_numpy() | ~deals["is_closed"].to_numpy(bool)
    # Those that were open at t: a third is open still, a third was won since, a third lost.
    ending = (
        deals["stage_id"]
        .where(deals["is_closed"].astype(bool) & deals["is_won"].astype(bool))
        .dropna()
        .iloc[0]
    )
    losing = (
        deals["stage_id"]
        .where(deals["is_closed"].astype(bool) & ~deals["is_won"].astype(bool))
        .dropna()
        .iloc[0]
    )
    going = deals["stage_id"][~deals["is_closed"].astype(bool)].iloc[0]
    fate = random % 3
    for number, (stage, is_closed, won, p) in enumerate(
        [(going, False, False, 0.4), (ending, True, True, 1.0), (losing, True, False, 0.0)]
    ):
        rows = later & (fate == number)
        deals.loc[rows, ["stage_id", "is_closed", "is_won", "probability"]] = [stage, is_closed, won, p]
        deals.loc[rows, "closed_at"] = t + pd.Timedelta(days=1 + seed % 90) if is_closed else pd.NaT
        deals.loc[rows, "loss_reason"] = "another" if number == 2 else None
    gone = (pd.to_datetime(events["at"], utc=True) > t) & (events.index.to_numpy() % 3 == seed % 3)
    start = pd.Timestamp("2024-07-01", tz=UTC)
    other = {**tables, "opportunity": deals, "opportunity_event": events[~gone]}
    here = Crm.build(logged(tables, kind, start)).as_of(t.to_pydatetime())
    there = Crm.build(logged(other, kind, start)).as_of(t.to_pydatetime())
    pd.testing.assert_frame_equal(outcomes(here), outcomes(there))
    reasons = there.table("opportunity").to_pandas()
    assert not (reasons["loss_reason"] == "another").any()


def test_the_rows_are_the_last_word():
    deals = {
        "opportunity_id": ["a", "b"],
        "created_at": ["2025-01-01"] * 2,
        "stage_id": ["w", "o"],
        "amount": [100, 70],
        "closed_at": ["2025-01-20", None],
        "is_won": [True, False],
        "is_closed": [True, False],
    }
    snapshots = {
        "opportunity_id": ["a", "b"],
        "snapshot_date": ["2025-01-15"] * 2,
        "stage_id": ["q", "q"],
        "amount": [90, 60],
    }
    crm = Crm.build({"opportunity": deals, "opportunity_snapshot": snapshots, "stage_def": STAGES})
    columns = ["stage_id", "amount", "is_won", "is_closed", "closed_at"]
    for t in ("2030-01-01", "2025-01-20"):
        then = crm.as_of(t).table("opportunity").select(columns).to_dict()
        assert then == crm.table("opportunity").select(columns).to_dict()
    assert kpi.average_deal(crm.as_of("2030-01-01")).value == 100
    before = crm.as_of("2025-01-19").table("opportunity").to_dict()
    assert before["stage_id"] == ["q", "q"]
    assert [float(amount) for amount in before["amount"]] == [90, 60]
    # The stay in the stage before the close that no snapshot saw ends with it.
    stay = kpi.time_in_stage(crm, where="opportunity_id = 'a'")
    assert (stay.n, stay.censored, stay.excluded) == (0, 0, {"entry_unknown": 1})
    known = {name: [*column, column[0]] for name, column in snapshots.items()}
    known["snapshot_date"][-1] = "2025-01-01"
    known["stage_id"][-1] = "o"
    crm = Crm.build({"opportunity": deals, "opportunity_snapshot": known, "stage_def": STAGES})
    stay = kpi.time_in_stage(crm, where="opportunity_id = 'a'")
    assert (stay.n, stay.censored, stay.value) == (2, 0, (14 + 5) / 2)


def test_closes_without_a_time_are_told_of():
    deals = {
        "opportunity_id": ["a", "b", "c", "d"],
        "created_at": ["2025-01-01"] * 4,
        "is_won": [True, False, True, False],
        "is_closed": [True, True, True, False],
        "closed_at": ["2025-02-01", None, None, None],
    }
    crm = Crm.build({"opportunity": deals})
    assert crm.issues.count("close_time_unknown") == 2
    assert kpi.win_rate(crm).n == 3
    year = kpi.win_rate(crm, period="2025")
    assert (year.n, year.excluded) == (1, {"time_unknown": 2})
    assert any("no time" in text for text in year.warnings)
    by = kpi.win_rate(crm, period="2025", ids=True)
    assert (by.n, by.excluded) == (1, {"time_unknown": 2})
    # At no earlier day is it known that they had closed.
    past = crm.as_of("2025-01-15").table("opportunity").to_dict()
    assert past["is_closed"] == [False] * 4
    assert past["is_won"] == [False] * 4
    assert outcomes(crm.as_of("2026-01-01"))["is_closed"].tolist() == [True, True, True, False]


def test_a_flag_that_says_not_won_alone_means_open():
    crm = Crm.build({"opportunity": {"opportunity_id": ["a", "b"], "is_won": [True, False]}})
    assert crm.issues.count("not_won_is_open") == 1
    rate = kpi.win_rate(crm)
    assert (rate.value, rate.n) == (1.0, 1)
    assert any("alone means open" in text for text in rate.warnings)


def test_deletions_do_not_reach_back():
    deals = {
        "opportunity_id": ["a", "b", "c"],
        "created_at": ["2025-01-01", "2025-01-01", "2025-06-01"],
        "is_deleted": [True, True, False],
        "source_modified_at": ["2025-03-01", None, None],
    }
    crm = Crm.build({"opportunity": deals})
    deleted = {
        t: crm.as_of(t).table("opportunity").to_dict()["is_deleted"] for t in ("2025-02-01", "2025-04-01")
    }
    assert [bool(flag) for flag in deleted["2025-02-01"]] == [False, False]
    assert [bool(flag) for flag in deleted["2025-04-01"]] == [True, False]
    assert crm.as_of("2025-06-01").table("opportunity").to_dict()["is_deleted"] == [True, True, False]
    assert crm.as_of("2025-02-01").table("opportunity").to_dict()["source_modified_at"] == [None, None]


def test_circles_are_named_and_nobody_vanishes():
    leads = {
        "lead_id": ["a", "b", "c", "d"],
        "created_at": ["2025-01-01"] * 4,
        "converted_at": ["2025-01-02", None, None, None],
        "merged_into": ["b", "a", "d", None],
    }
    accounts = {"account_id": ["x", "y", "z"], "parent_id": ["y", "x", "x"]}
    reps = {"rep_id": ["r", "s"], "manager_id": ["r", "r"]}
    crm = Crm.build({"lead": leads, "account": accounts, "rep": reps})
    summary = crm.issues.summary().to_dict()
    named = {
        (table, column): n
        for table, column, rule, n in zip(
            *(summary[c] for c in ("table", "column", "rule", "n")), strict=True
        )
        if rule == "circle"
    }
    assert named == {("lead", "merged_into"): 2, ("account", "parent_id"): 2, ("rep", "manager_id"): 1}
    result = kpi.lead_conversion(crm)
    assert (result.n, result.excluded) == (3, {"merged": 1})
    # Changes name only the circles they close.
    more = crm.apply({"account": {"account_id": ["z"], "parent_id": ["z"]}})
    assert more.issues.count("circle") == 6


def test_a_merged_account_has_the_segment_of_the_one_that_remained():
    deals = {
        "opportunity_id": ["a", "b"],
        "account_id": ["old", "new"],
        "is_won": [True, True],
        "is_closed": [True] * 2,
    }
    accounts = {"account_id": ["old", "new"], "merged_into": ["new", None], "segment": ["small", "large"]}
    crm = Crm.build({"opportunity": deals, "account": accounts})
    assert kpi.win_rate(crm, by="account.segment").to_table().to_dict()["n"] == [2]
    assert kpi.win_rate(crm, where="account.segment = 'large'").n == 2


@pytest.mark.parametrize(
    ("shares", "issues"),
    [([0.5, 0.5], 0), ([0.5, 0.3], 1), ([0.8, 0.8], 1), ([0.5, None], 1), ([33.33, 66.67], 0)],
)
def test_splits_that_are_not_the_whole_are_named(shares, issues):
    splits = {"opportunity_id": ["a", "a"], "rep_id": ["r", "s"], "pct": shares}
    crm = Crm.build({"opportunity": {"opportunity_id": ["a"]}, "credit_split": splits})
    assert crm.issues.count("split_total") == issues
    overlay = {**splits, "must_total_100": [False, False]}
    crm = Crm.build({"opportunity": {"opportunity_id": ["a"]}, "credit_split": overlay})
    assert crm.issues.count("split_total") == 0


def test_pipeline_created_takes_the_first_amount_known():
    deals = {"opportunity_id": ["a", "b"], "created_at": ["2025-01-01"] * 2, "amount": [120, 50]}
    log = changes(
        ["a", "a", "b"], snapshot_date=["2025-01-06", "2025-01-13", "2025-01-01"], amount=[100, 120, 50]
    )
    crm = Crm.build({"opportunity": deals, "opportunity_snapshot": log})
    made = kpi.pipeline_created(crm, period="2025-Q1")
    assert (made.value, made.n, made.excluded) == (150, 2, {})
    assert made.details["amount_known_later"] == 1
    assert any("first known amount" in text for text in made.warnings)


def test_a_past_weighted_pipeline_does_not_know_the_outcome():
    deals = {
        "opportunity_id": ["a", "b", "c"],
        "created_at": ["2025-01-01"] * 3,
        "stage_id": ["w", "l", "q"],
        "amount": [100, 100, 100],
        "probability": [1.0, 0.0, 0.7],
        "closed_at": ["2025-03-01", "2025-03-02", None],
        "close_date": ["2025-03-01"] * 3,
    }
    log = changes(
        ["a", "b"], at=["2025-03-01", "2025-03-02"], field=["stage"] * 2, old=["q", "q"], new=["w", "l"]
    )
    weights = {**STAGES, "probability": [0.2, 0.5, 1.0, 0.0]}
    crm = Crm.build({"opportunity": deals, "opportunity_event": log, "stage_def": weights})
    then = kpi.weighted_pipeline(crm, as_of="2025-02-01")
    assert (then.value, then.n) == (pytest.approx(60), 3)
    assert any("no history" in text for text in then.warnings)
    assert kpi.weighted_pipeline(crm).value == pytest.approx(70)
    # Without probabilities of stages the deals that closed since have none.
    crm = Crm.build({"opportunity": deals, "opportunity_event": log, "stage_def": STAGES})
    then = kpi.weighted_pipeline(crm, as_of="2025-02-01")
    assert (then.value, then.excluded) == (pytest.approx(70), {"null_probability": 2})
    assert any("present ones" in text for text in then.warnings)


def test_a_stay_that_began_before_the_log_is_not_a_whole_one():
    deals = {
        "opportunity_id": ["old", "early", "new"],
        "created_at": ["2024-01-01", "2024-02-01", "2025-01-10"],
        "stage_id": ["w", "l", "w"],
        "closed_at": ["2025-02-01", "2024-06-01", "2025-01-30"],
    }
    log = changes(
        ["old", "old", "new", "new"],
        at=["2025-01-10", "2025-02-01", "2025-01-20", "2025-01-30"],
        field=["stage"] * 4,
        old=["q", "o", "q", "o"],
        new=["o", "w", "o", "w"],
    )
    crm = Crm.build({"opportunity": deals, "opportunity_event": log, "stage_def": STAGES})
    whole = kpi.time_in_stage(crm)
    assert (whole.n, whole.excluded) == (3, {"entry_unknown": 1})
    assert whole.value == pytest.approx((22 + 10 + 10) / 3)
    assert kpi.time_in_stage(crm, period="2025-Q1").excluded == {"entry_unknown": 1}


def test_few_deals_are_not_judged():
    deals = {
        "opportunity_id": ["a"],
        "created_at": ["2025-01-01"],
        "closed_at": ["2025-01-02"],
        "is_won": [True],
        "is_closed": [True],
        "amount": [5],
    }
    crm = Crm.build({"opportunity": deals}, currency="USD")
    forecast = so.pipeline.forecast(crm, period="2025-Q1")
    assert any("Too few deals to judge" in note for note in forecast.notes)
    assert "sure of" not in forecast.summary()
    low, high = forecast.scenario.interval("company", level=80)
    assert float(high) > 6 * float(low)


def test_notes_of_a_period_long_gone_are_true(tables):
    notes = so.pipeline.forecast(Crm.build(tables), period="2020-Q1").notes
    assert not any("ever lost" in note for note in notes)

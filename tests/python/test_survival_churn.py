"""Scores of who leaves: nothing of the future in them, and a judge who sees when they are wrong."""

import csv
import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
import salesops as so
from salesops import survival

FIRST = np.datetime64("2023-01-01")
SPLIT, HORIZON, UNTIL = "2025-01-01", 90, "2025-12-31"


def customers(rows=3000, seed=3):
    """Customers whose chance to leave depends on seats and plan as a Weibull law says."""
    draw = np.random.default_rng(seed)
    seats, plan = draw.integers(1, 20, rows), draw.choice(["month", "year"], rows)
    life = 500 * np.exp(0.06 * seats + 0.7 * (plan == "year")) * draw.weibull(1.4, rows)
    began = draw.integers(0, 1000, rows)
    left = began + np.maximum(1, np.ceil(life))
    end = np.where(left < 1095, left, np.nan)
    dates = [None if math.isnan(day) else FIRST.astype(object) + dt.timedelta(days=int(day)) for day in end]
    return pd.DataFrame(
        {
            "customer": [f"C{i}" for i in range(rows)],
            "start": FIRST + began.astype("timedelta64[D]"),
            "end": dates,
            "seats": seats,
            "plan": plan,
        }
    )


def scored(frame, model=None, **more):
    how = {"as_of": SPLIT, "until": UNTIL, "horizon": HORIZON, "customer_col": "customer"} | more
    return survival.churn_scores(model or survival.WeibullAFT(), frame, **how)


# ---- scores ----


@pytest.mark.parametrize(
    "model", [survival.WeibullAFT(), survival.CoxPH()], ids=lambda model: type(model).__name__
)
def test_the_right_model_is_calibrated(model):
    found = scored(customers(), model).calibration
    assert found.slope.low < 1 < found.slope.high
    assert found.ratio.low < 1 < found.ratio.high
    assert found.ici < 0.025
    assert found.auc.low > 0.55
    assert found.brier.estimate < found.brier_null
    table = found.to_frame()
    inside = (table.observed_lo_95 <= table.expected) & (table.expected <= table.observed_hi_95)
    assert len(table) == 10
    assert inside.sum() >= 8


def test_scores_given_to_others_are_not_calibrated():
    frame = scored(customers()).to_frame()
    mixed = np.random.default_rng(1).permutation(frame.churn)
    after = np.where(frame.left, 1.0, HORIZON)
    found = survival.calibration(mixed, after, frame.left, horizon=HORIZON)
    assert found.slope.high < 0.5
    assert found.auc.low < 0.5 < found.auc.high
    assert found.ici > 0.02
    assert found.brier_skill < 0


@pytest.mark.parametrize(
    "model", [survival.WeibullAFT(), survival.CoxPH()], ids=lambda model: type(model).__name__
)
def test_the_future_is_not_in_the_scores(model):
    frame = customers(1500)
    before = scored(frame, model)
    other = frame.copy()
    split = dt.date.fromisoformat(SPLIT)
    later = other.end.map(lambda day: day is not None and day > split)
    other.loc[later, "end"] = None  # nobody leaves any more
    other = other[other.start < SPLIT]  # and nobody comes
    other.loc[other.index[other.end.isna()][:50], "end"] = split + dt.timedelta(days=1)
    after = scored(other, model)
    assert np.array_equal(after.to_frame().churn, before.to_frame().churn, equal_nan=True)
    assert after.model.coefficients_ == before.model.coefficients_
    assert after.to_frame().left.sum() == 50 != before.to_frame().left.sum()


def test_a_score_is_the_chance_given_the_age():
    frame = customers(800)
    found = scored(frame)
    table = found.to_frame()
    row = frame.set_index("customer").loc[table.customer[5]]
    age = (np.datetime64(SPLIT) - row.start.to_datetime64()) / np.timedelta64(1, "D")
    assert table.age[5] == age
    now, later = found.model.predict_survival_function(
        {"seats": [row.seats], "plan": [row.plan]}, [age, age + HORIZON]
    ).survival
    assert table.churn[5] == pytest.approx(1 - later / now, abs=1e-12)
    there = (frame.start < SPLIT) & ~(
        frame.end.map(lambda day: day is not None and day <= dt.date(2025, 1, 1))
    )
    assert table.customer.tolist() == frame.customer[there].tolist()


def test_what_ends_on_the_day_is_over_and_other_ends_are_no_churn():
    rows = {
        "start": [0, 0, 0, 0, 0, 5, 9, 2, 1, 0],
        "end": [10, 11, 14, 15, None, 8, None, 6, 4, 16],
        "size": [1, 2, 3, 4, 5, 2, 1, 3, 4, 3],
    }
    how = {"as_of": 10, "horizon": 5, "until": 30, "groups": 2}
    found = survival.churn_scores(survival.ExponentialAFT(), rows, **how)
    assert found.to_frame().left.tolist() == [True, True, True, False, False, False]
    assert found.model.n_events_ == 4
    rows["churn"] = [1, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    other = survival.churn_scores(survival.ExponentialAFT(), rows, churn_col="churn", **how)
    assert other.model.n_events_ == 3
    assert other.to_frame().left.tolist()[0] is True
    assert pd.isna(other.to_frame().left[1])
    assert other.calibration.n_censored == 1


def test_cox_says_nothing_beyond_what_it_has_seen():
    found = scored(customers(1000), survival.CoxPH())
    table = found.to_frame()
    assert found.n_unscored == table.churn.isna().sum() > 0
    assert table.age[table.churn.isna()].min() > table.age[table.churn.notna()].max()
    assert found.calibration.n == len(found) - found.n_unscored
    assert "older than CoxPH" in repr(found)


def test_periods_in_whole_numbers_take_the_discrete_model():
    draw = np.random.default_rng(5)
    began, seats = draw.integers(0, 24, 4000), draw.integers(1, 9, 4000)
    left = began + draw.geometric(0.12 * np.exp(-0.15 * seats))
    rows = {"start": began, "end": np.where(left <= 36, left, 99.0), "seats": seats}
    found = survival.churn_scores(survival.DiscreteHazard(), rows, as_of=24, horizon=3, until=36)
    assert found.calibration.slope.low < 1 < found.calibration.slope.high
    assert found.calibration.ratio.low < 1 < found.calibration.ratio.high


def test_scores_of_today_wait_for_their_judge():
    found = scored(customers(500), as_of=None)
    assert found.calibration is None
    assert found.as_of == dt.date(2025, 12, 31)
    assert "left" not in found.to_frame()
    assert "not judged yet" in repr(found)
    with pytest.raises(so.UsageError, match="as_of at least one horizon before"):
        found.plot()


def quarter(ends):
    """Sixty customers, half of whom left before day 100; `ends` of the others."""
    draw = np.random.default_rng(2)
    size = draw.integers(1, 9, 60)
    early = np.arange(30) % 45 + draw.integers(1, 50, 30)
    return {"start": np.arange(60) % 45, "end": [*early, *ends], "size": size}


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ([None] * 30, "nobody with a score left within 30"),
        (list(range(101, 131)), "nobody with a score was there for 30 more"),
    ],
)
@pytest.mark.parametrize("model", [survival.CoxPH(), survival.WeibullAFT()])
def test_a_quarter_in_which_nobody_or_everybody_left_has_scores(model, ends, why):
    found = survival.churn_scores(model, quarter(ends), as_of=100, horizon=30, until=200)
    assert found.calibration is None
    assert found.to_frame()["left"].tolist() == [ends[0] is not None] * 30
    assert found.n_unscored < 30
    assert f"not judged: {why}" in " ".join(repr(found).split())
    with pytest.raises(so.UsageError, match=why):
        found.plot()


def test_a_law_scores_by_age_alone():
    rows = quarter([None] * 10 + list(range(101, 121)))
    del rows["size"]
    how = {"as_of": 100, "horizon": 30, "until": 200}
    found = survival.churn_scores(survival.WeibullAFT(), rows, **how)
    left = np.array([day < 100 for day in rows["end"][:30]] + [False] * 30)
    law = survival.WeibullAFT().fit(np.where(left, [*rows["end"][:30], *[0] * 30], 100) - rows["start"], left)
    table, shares = found.to_frame(), law.predict_survival_function(times=[70, 100])["survival"]
    assert table["churn"][table["age"] == 70].tolist() == pytest.approx([1 - shares[1] / shares[0]])
    again = survival.churn_scores(survival.WeibullAFT(), rows | {"size": [1] * 60}, formula="1", **how)
    assert again.to_frame()["churn"].tolist() == table["churn"].tolist()
    assert repr(found.calibration) == repr(again.calibration)
    alike = survival.churn_scores(survival.ExponentialAFT(), rows, **how)
    assert alike.calibration is None
    assert "not judged: all of them are alike" in " ".join(repr(alike).split())
    with pytest.raises(so.UsageError, match="CoxPH needs a column beside start, end; a law such as"):
        survival.churn_scores(survival.CoxPH(), rows, **how)


def test_who_left_at_the_start_was_never_there():
    rows = quarter([None] * 30)
    how = {"as_of": 100, "horizon": 30, "until": 200}
    more = {name: [*values, 3, 9] for name, values in rows.items()}
    for model in (survival.WeibullAFT(), survival.CoxPH(), survival.DiscreteHazard()):
        found = survival.churn_scores(model, more, **how)
        assert found.n_no_length == 2
        assert "2 that ended as they began left out" in " ".join(repr(found).split())
        plain = survival.churn_scores(model, rows, **how)
        assert found.to_frame().equals(plain.to_frame())
        assert plain.n_no_length == 0


def test_what_is_wrong_is_told_in_the_columns_and_rows_of_the_frame():
    rows = {"start": [99, 0, 1, 2], "over": [None, 3, 4.5, None], "size": [1, 2, 3, 1]}
    how = {"as_of": 9, "horizon": 2, "until": 20, "end_col": "over"}
    with pytest.raises(so.UsageError, match=r"column 'over' less 'start': 1 of 3 .*\(first: row 2\)"):
        survival.churn_scores(survival.DiscreteHazard(), rows, **how)
    with pytest.raises(so.UsageError, match=r"column 'size': 1 of 3 rows are null \(first: row 3\)"):
        survival.churn_scores(survival.CoxPH(), rows | {"size": [None, 2.0, 1.0, None]}, **how)
    with pytest.raises(so.UsageError, match="column 'over': none of 3 rows"):
        survival.churn_scores(survival.WeibullAFT(), rows | {"over": [None] * 4}, **how)


def test_any_kind_of_frame_and_of_dates():
    polars = pytest.importorskip("polars")
    frame = customers(600)
    ends = [None if day is None else str(day) for day in frame.end]
    text = frame.assign(start=frame.start.astype(str), end=pd.Series(ends, dtype=object))
    first, second, third = scored(frame), scored(text), scored(polars.from_pandas(text))
    assert first.to_frame().churn.tolist() == second.to_frame().churn.tolist()
    assert isinstance(third.to_frame(), polars.DataFrame)
    assert third.to_frame()["churn"].to_list() == first.to_frame().churn.tolist()


def declared_frames():
    """Customers whose plans are declared, the year first, in a frame of each kind that can."""
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = customers(600)
    order = ["never", "year", "month"]
    yield frame.assign(plan=pd.Categorical(frame.plan, order))
    yield {name: frame[name] for name in frame} | {"plan": pd.Categorical(frame.plan, order)}
    yield polars.from_pandas(frame).with_columns(polars.col("plan").cast(polars.Enum(order)))
    codes = [order.index(plan) for plan in frame.plan]
    plans = arrow.DictionaryArray.from_arrays(arrow.array(codes, arrow.int32()), order, ordered=True)
    table = arrow.Table.from_pandas(frame)
    yield table.set_column(table.column_names.index("plan"), "plan", plans)


def test_declared_categories_give_the_reference():
    alphabet = scored(customers(600))
    assert alphabet.model.references_ == {"plan": "month"}
    for rows in declared_frames():
        found = scored(rows)
        assert found.model.references_ == {"plan": "year"}, type(rows)
        churn = np.array(list(found.to_frame()["churn"]), dtype=float)
        assert churn == pytest.approx(alphabet.to_frame().churn.to_numpy(), abs=1e-6)
    numbers = customers(600).assign(plan=lambda rows: pd.Categorical(rows.plan == "year", [True, False]))
    assert scored(numbers).model.references_ == {"plan": True}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "cox"}, "model: need CoxPH"),
        ({"model": survival.KaplanMeier()}, "model: need CoxPH"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": math.inf}, "horizon"),
        ({"as_of": "2030-01-01"}, "as_of: the data end before it"),
        ({"as_of": "2020-01-01"}, "as_of: no customer is there"),
        ({"as_of": 7}, "as_of: a date or text"),
        ({"as_of": "soon"}, "as_of: a date or text"),
        ({"until": "later"}, "until: a date or text"),
        ({"start_col": "begin"}, "begin"),
        ({"start_col": "plan"}, "column 'plan': a row is no date"),
        ({"start_col": "seats"}, "column 'end' must be of the kind of 'seats'"),
        ({"start_col": "end", "end_col": "start"}, "column 'end' is null in row"),
        ({"end_col": "early"}, "column 'early' is before 'start' in 200 rows"),
        ({"churn_col": "seats"}, "seats: "),
        ({"formula": "seats +"}, "formula"),
        ({"formula": "weight"}, "weight"),
        ({"groups": 0}, "groups"),
        ({"level": 100}, "level"),
    ],
)
def test_what_is_refused(change, words):
    frame = customers(200)
    frame["early"] = frame.start - np.timedelta64(1, "D")
    how = {"model": survival.WeibullAFT(), "formula": "seats + plan"} | change
    with pytest.raises(so.UsageError, match=words):
        scored(frame, how.pop("model"), **how)


# ---- the judge ----


def definition(chance, time, ended, horizon):
    """Brier score and AUC, pair by pair, with weights from the curve of the censorings."""
    rows = range(len(time))

    def watched(until):
        share = 1.0
        for at in sorted({time[i] for i in rows if not ended[i] and time[i] < until}):
            lost = sum(time[i] == at and not ended[i] for i in rows)
            # Events come first, so those that end at this time are not at risk to be censored.
            share *= 1 - lost / sum(time[i] > at or (time[i] == at and not ended[i]) for i in rows)
        return share

    cases = {i: 1 / watched(time[i]) for i in rows if ended[i] and time[i] <= horizon}
    controls = {i: 1 / watched(horizon) for i in rows if time[i] >= horizon and i not in cases}
    brier = sum(w * (1 - chance[i]) ** 2 for i, w in cases.items())
    brier += sum(w * chance[j] ** 2 for j, w in controls.items())
    pairs = [(w * v, chance[i], chance[j]) for i, w in cases.items() for j, v in controls.items()]
    auc = sum(w * ((a > b) + 0.5 * (a == b)) for w, a, b in pairs) / sum(w for w, _, _ in pairs)
    return brier / len(time), auc


@pytest.mark.parametrize("seed", range(8))
def test_brier_and_auc_are_their_definitions(seed):
    draw = np.random.default_rng(seed)
    chance = draw.integers(1, 20, 60) / 20
    life, end = np.ceil(draw.exponential(6 / chance)), draw.integers(2, 25, 60)
    time, ended = np.minimum(life, end), life <= end
    found = survival.calibration(chance, time, ended, horizon=12)
    brier, auc = definition(chance.tolist(), time.tolist(), ended.tolist(), 12)
    assert found.brier.estimate == pytest.approx(brier, rel=1e-12)
    assert found.auc.estimate == pytest.approx(auc, rel=1e-12)


def truth(rows, draw, censored):
    """Chances that are right, and what came of them."""
    chance = draw.beta(2, 6, rows)
    life = draw.exponential(-1 / np.log1p(-chance))
    end = draw.uniform(0.1, 2, rows) if censored else np.full(rows, 2.0)
    return chance, np.minimum(life, end), life <= end


def test_censoring_bends_nothing():
    draw = np.random.default_rng(2)
    chance, time, ended = truth(40_000, draw, True)
    found = survival.calibration(chance, time, ended, horizon=1)
    _, whole_time, whole_ended = truth(40_000, np.random.default_rng(2), False)
    whole = survival.calibration(chance, whole_time, whole_ended, horizon=1)
    assert found.n_censored > 10_000 > whole.n_censored == 0
    for name in ("auc", "brier", "observed", "slope"):
        assert getattr(found, name).estimate == pytest.approx(getattr(whole, name).estimate, rel=0.03), name
    plain = ((ended & (time <= 1)) - chance) ** 2
    assert whole.brier.estimate == pytest.approx((((whole_time <= 1) - chance) ** 2).mean(), rel=1e-12)
    assert abs(plain.mean() / whole.brier.estimate - 1) > 0.05  # what leaving censoring aside would say


def test_intervals_hold_the_truth_as_often_as_they_say():
    draw = np.random.default_rng(4)
    chance, time, ended = truth(100_000, draw, False)
    best = survival.calibration(chance, time, ended, horizon=1)
    goals = {"slope": 1.0, "observed": 0.25, "auc": best.auc.estimate, "brier": best.brier.estimate}
    held = dict.fromkeys(goals, 0)
    rounds = 200
    for _ in range(rounds):
        found = survival.calibration(*truth(400, draw, True), horizon=1, groups=2)
        for name, goal in goals.items():
            held[name] += getattr(found, name).low <= goal <= getattr(found, name).high
    # Binomial: 95 % ± 3 standard errors is 90.4 to 99.6 %; weights taken as known make two a little wide.
    assert all(0.904 <= count / rounds <= 0.995 for count in held.values()), held


def test_equal_chances_stay_together_and_a_group_without_events_has_room():
    chance = np.repeat([0.02, 0.5], 40)
    time = np.concatenate([np.full(40, 9.0), np.tile([1.0, 9.0], 20)])
    found = survival.calibration(chance, time, time < 5, horizon=5)
    table = found.to_frame()
    assert table.n.tolist() == [40, 40]
    assert table.observed.tolist() == [0, 0.5]
    assert table.observed_hi_95[0] == pytest.approx(1 - 0.025 ** (1 / 40))
    assert table.expected.tolist() == pytest.approx([0.02, 0.5])


def test_a_group_that_nobody_watched_so_long_has_no_share():
    chance, time = np.repeat([0.1, 0.5], 20), np.concatenate([np.full(20, 3.0), np.tile([1.0, 9.0], 10)])
    ended = np.concatenate([[1], np.zeros(19), np.tile([1, 0], 10)])
    found = survival.calibration(chance, time, ended, horizon=5)
    assert found.to_frame().observed.isna().tolist() == [True, False]
    assert found.to_frame().censored.tolist() == [19, 0]
    assert [row[3] for row in found.plot().rows] == ["–", "0.500"]


def test_the_picture_says_what_it_shows():
    found = scored(customers()).calibration
    picture = found.plot()
    assert f"{found.expected:.1%}".replace("%", " %") in picture.title.replace("\u202f", " ").replace(
        "\xa0", " "
    )
    assert "Kaplan–Meier" in picture.subtitle
    assert len(picture.rows) == 10
    assert picture.svg().startswith("<svg")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predicted": [0.1, 1.2, 0.3, 0.4]}, "predicted: 1 of 4"),
        ({"predicted": [0.1, None, 0.3, 0.4]}, "predicted: 1 of 4"),
        ({"predicted": [0.1, 0.2]}, "equally long"),
        ({"predicted": [0.2] * 4}, "all chances are alike"),
        ({"durations": [1, -2, 3, 4]}, "durations: 1 of 4"),
        ({"events": [1, 2, 0, 0]}, "neither 0 nor 1"),
        ({"horizon": 0.5}, "no row ended within"),
        ({"horizon": 9}, "no row is watched to"),
        ({"horizon": -1}, "horizon"),
        ({"groups": 0}, "groups"),
        ({"level": 0}, "level"),
    ],
)
def test_what_the_judge_refuses(change, words):
    given = {
        "predicted": [0.1, 0.2, 0.3, 0.4],
        "durations": [1, 2, 3, 4],
        "events": [0, 1, 0, 0],
        "horizon": 3,
    }
    given |= change
    with pytest.raises(so.UsageError, match=words):
        survival.calibration(given.pop("predicted"), given.pop("durations"), given.pop("events"), **given)


# ---- real and sample customers ----


def test_telephone_customers(data_dir):
    """Telco has one snapshot and no calendar: every other customer is held out, which is no split in time."""
    path = data_dir / "ops" / "subscriptions" / "ibm_telco_churn.csv"
    with open(path, newline="", encoding="utf-8") as file:
        frame = pd.DataFrame(list(csv.DictReader(file)))
    frame["tenure"], frame["churned"] = frame.tenure.astype(float), frame.Churn == "Yes"
    frame = frame[frame.tenure > 0]
    held_out = frame.index % 2 == 1
    formula = "Contract + InternetService + PaymentMethod + PaperlessBilling + Partner"
    model = survival.CoxPH().fit(
        frame[~held_out], duration_col="tenure", event_col="churned", formula=formula
    )
    rows = frame[held_out]
    chance = 1 - model.predict_survival_function(rows, times=12).survival
    found = survival.calibration(chance, rows.tenure, rows.churned, horizon=12)
    assert (found.n, found.n_events, found.n_censored) == (3519, 517, 539)
    # It orders well and spreads its chances too little: hazards of contracts are not proportional.
    assert found.auc.estimate == pytest.approx(0.871, abs=0.001)
    assert found.expected == pytest.approx(0.171, abs=0.001)
    assert found.observed.estimate == pytest.approx(0.156, abs=0.001)
    assert found.slope.low > 1.1
    assert found.brier.estimate == pytest.approx(0.0989, abs=0.0001)


@pytest.mark.parametrize(("day", "auc"), [("2025-01-01", 0.757), ("2025-07-01", 0.670)])
def test_subscriptions_of_the_sample_book(day, auc):
    """Contracts for a year end at their birthdays, so the course of the risk differs by interval."""
    crm = so.datasets.sample_crm(seed=7, deals=5000)
    rows = crm.table("subscription").to_pandas()
    rows = rows.merge(crm.table("account").to_pandas()[["account_id", "region"]], on="account_id")
    how = {"as_of": day, "horizon": 180, "until": "2026-01-01", "formula": "region", "groups": 5}
    found = survival.churn_scores(survival.CoxPH(), rows, strata="interval", **how)
    assert found.calibration.auc.estimate == pytest.approx(auc, abs=0.001)
    assert found.calibration.auc.low > 0.55
    assert found.calibration.ratio.low < 1
    with pytest.raises(so.UsageError, match="strata: WeibullAFT has none"):
        survival.churn_scores(survival.WeibullAFT(), rows, strata="interval", **how)


def test_names_of_categories_are_whole_in_a_forest():
    way = ["credit card", "credit card (charged automatically)"]
    rows = {"months": [1, 2, 3, 4, 5, 6], "left": [1, 1, 0, 1, 1, 1], "payment": way * 3}
    model = survival.CoxPH().fit(rows, duration_col="months", event_col="left")
    marks = model.plot().chart.to_dict()["layer"][2]
    assert marks["data"]["values"][0]["label"].replace("\n", " ") == f"payment={way[1]}"
    assert marks["encoding"]["y"]["axis"]["labelLimit"] == 0

"""Pictures of lifetime models: the numbers drawn are those of the model, and say so in words."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import salesops as so

TRUE = so.clv.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
SPEND = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)


@pytest.fixture(scope="module")
def rows():
    born = np.datetime64("1997-01-01") + np.random.default_rng(1).integers(0, 84, 2000)
    log = TRUE.simulate_transactions(born, until="1998-06-30", spend=SPEND, unit="week", seed=3)
    return so.clv.rfm(
        pd.DataFrame(log),
        amount="amount",
        unit="week",
        calibration_end="1997-09-30",
        holdout_end="1998-06-30",
    )


@pytest.fixture(scope="module")
def model(rows):
    return so.clv.ParetoNBD().fit(rows)


@pytest.fixture(scope="module")
def pictures(rows, model):
    return {
        "matrix": model.plot.matrix("p_alive", T="39 weeks"),
        "expected": model.plot.matrix("expected_transactions", T="39 weeks", horizon="39 weeks"),
        "tracking": model.plot.tracking(rows),
        "cumulative": model.plot.tracking(rows, cumulative=True),
        "frequencies": model.plot.frequencies(rows),
        "by frequency": model.plot.holdout(rows),
        "by recency": model.plot.holdout(rows, by="recency"),
        "clv": model.plot.clv(rows, spend=SPEND, discount="10% / year", currency="USD"),
        "alive": model.plot.alive(["1997-01-05", "1997-02-01", "1997-03-20"], until="1998-06-30"),
        "new": model.plot.alive([dt.date(1997, 1, 5)], until=dt.date(1998, 6, 30)),
    }


def test_each_shows_as_svg_with_a_text_twin(pictures):
    for name, picture in pictures.items():
        shown = picture._repr_mimebundle_()
        assert shown["image/svg+xml"].startswith("<svg"), name
        assert len(shown["image/svg+xml"]) < 120_000, name
        assert shown["text/plain"].splitlines()[0] == picture.title
        assert picture.alt
        assert picture.rows
        assert all(len(row) == len(picture.columns) for row in picture.rows)


def test_the_matrix_is_the_models(model, pictures):
    data = pictures["matrix"].chart.to_dict()["layer"][0]["data"]["values"]
    assert len(data) == 20 * 24 + 1
    for cell in (data[0], data[100], data[-1]):
        n = cell["x"] + 0.5  # cells begin half a purchase to the left
        t_x = cell["y"] + 39 / 48 if n else 0
        assert cell["value"] == pytest.approx(model.p_alive(n, t_x, 39))
    top = max(cell["value"] for cell in data)
    assert f"{top * 100:.1f} %" in pictures["matrix"].title
    ahead = pictures["expected"].chart.to_dict()["layer"][0]["data"]["values"]
    assert ahead[100]["value"] == pytest.approx(
        model.expected_transactions(39, ahead[100]["x"] + 0.5, ahead[100]["y"] + 39 / 48, 39)
    )


def test_frequencies_add_up_to_all_customers(rows, model, pictures):
    data = pictures["frequencies"].chart.to_dict()["layer"][0]["data"]["values"]
    for name in ("actual", "expected"):
        assert sum(row[name] for row in data) == pytest.approx(len(rows))
    x, T = rows["frequency"], rows["T"]
    assert [row["actual"] for row in data[:3]] == [(x == n).sum() for n in range(3)]
    assert [row["expected"] for row in data[:3]] == pytest.approx(
        [model.pmf_new(n, T).sum() for n in range(3)]
    )


def test_the_holdout_by_recency_keeps_every_customer(rows, pictures):
    cells = pictures["by recency"].rows
    assert sum(int(row[3].replace(",", "")) for row in cells) == len(rows)
    total = rows["holdout_frequency"].sum()
    assert f"{total:,.0f} were made" in pictures["by recency"].title
    assert f"{total:,.0f} were made" in pictures["by frequency"].title


def test_tracking_draws_what_its_frame_holds(rows, model, pictures):
    table = so.clv.tracking(model, rows).to_frame()
    shown = [[row[0], float(row[1].replace(",", ""))] for row in pictures["tracking"].rows]
    assert shown == [[str(end), actual] for end, actual in zip(table["end"], table["actual"], strict=True)]
    assert float(pictures["cumulative"].rows[-1][1].replace(",", "")) == table["actual"].sum()
    months = so.clv.tracking(model, rows, every="month")
    assert str(months.ends[0]) == "1997-01-31"
    assert len(months.ends) == 18
    assert months.actual[-1] == table["actual"].sum()
    daily = so.clv.tracking(model, rows, every="day")
    assert daily.actual[6::7].tolist() == table["actual_cumulative"].tolist()


def test_the_best_tenth_holds_its_share(rows, model, pictures):
    values = model.predict(rows, discount="10% / year", spend=SPEND)["clv"].sort_values(ascending=False)
    share = values.head(200).sum() / values.sum()
    assert (
        pictures["clv"].title == f"The best tenth of customers holds {share * 100:.0f} % of the value to come"
    )
    assert sum(float(row[1].rstrip("%")) for row in pictures["clv"].rows) == pytest.approx(100, abs=0.5)


def test_the_path_rises_at_purchases_and_falls_between(model, pictures):
    line = pictures["alive"].chart.to_dict()["layer"][0]["data"]["values"]
    by_day = {row["day"]: row["value"] for row in line}
    assert by_day["1997-02-01"] > by_day["1997-01-31"]
    weeks = 541 / 7
    assert by_day["1998-06-30"] == pytest.approx(model.p_alive(2, 74 / 7, weeks))
    assert f"{by_day['1998-06-30'] * 100:.0f} %" in pictures["alive"].title
    assert pictures["alive"].rows[0][0] == "1997-01-05"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p, r: p.matrix("clv", T=39), "'p_alive' or"),
        (lambda p, r: p.matrix("expected_transactions", T=39), "give horizon="),
        (lambda p, r: p.matrix(T=39, most=500), "from 1 to 60"),
        (lambda p, r: p.holdout(r, by="age"), "'frequency' or 'recency'"),
        (lambda p, r: p.tracking(r, every="fortnight"), "'day', 'week' or 'month'"),
        (lambda p, r: p.tracking(r.to_frame()), "give the Rfm"),
        (lambda p, r: p.alive(["1998-01-01"], until="1997-01-01"), "before until"),
        (lambda p, r: p.clv(r.to_frame().head(3), spend=SPEND, horizon="1 year"), "at least ten customers"),
    ],
)
def test_wrong_pictures_say_what_is_wrong(rows, model, call, words):
    with pytest.raises(so.UsageError, match=words):
        call(model.plot, rows)


def test_donors_have_a_matrix_too():
    donors = so.clv.BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    cells = donors.plot.matrix("p_alive", T=6, most=6).chart.to_dict()["layer"][0]["data"]["values"]
    assert len(cells) == 1 + 21
    assert max(cell["value"] for cell in cells) == pytest.approx(1)


def test_words_claim_no_more_than_is_drawn(rows, model, pictures):
    data = pictures["frequencies"].chart.to_dict()["layer"][0]["data"]["values"]
    off = sum(abs(row["actual"] - row["expected"]) for row in data) / 2 / len(rows)
    assert pictures["frequencies"].title == (
        f"The histogram that ParetoNBD expects differs by {off * 100:.1f} % of customers"
    )
    assert "its 1 day of purchase" in pictures["new"].subtitle
    assert "After 1 day of purchase" in pictures["new"].alt
    assert "its 3 days of purchase" in pictures["alive"].subtitle

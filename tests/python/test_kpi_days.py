"""What is known as a day alone is that day in any zone."""

import datetime as dt

import pandas as pd
import pytest
import salesops as so

ZONES = ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Europe/London"]


DAYS = ["2025-03-31", "2025-04-01", "2025-04-30"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "closes",
    [
        {"closed_at": DAYS},
        {"closed_at": pd.to_datetime(DAYS)},
        {"closed_at": [dt.date.fromisoformat(day) for day in DAYS]},
        {"close_date": DAYS},
        {"close_date": DAYS, "closed_at": [None, None, None]},
    ],
    ids=["texts", "timestamps", "dates", "close date", "close date beside nothing"],
)
def test_days_stay_in_their_period(closes, zone):
    frame = pd.DataFrame(
        {"opportunity_id": ["a", "b", "c"], "is_won": True, "is_closed": True, "amount": 10.0}
    )
    crm = so.crm.Crm.build({"opportunity": frame.assign(created_at="2025-01-01", **closes)})
    months = so.kpi.win_rate(crm, by="month", zone=zone).to_frame("pandas")
    assert dict(zip(months["month"], months["n"], strict=True)) == {"2025-03": 1, "2025-04": 2}
    asked = {"period": "2025-Q2", "zone": zone}
    assert so.kpi.win_rate(crm, **asked).n == 2
    assert so.kpi.win_rate(crm, as_of=crm.latest, **asked).n == 2
    assert so.kpi.win_rate(crm, as_of="2025-04-01", **asked).n == 1
    card = so.kpi.scorecard(crm, **asked).to_frame("pandas").set_index("kpi")
    assert card.loc["win_rate", "n"].max() == 2
    cycle = so.kpi.sales_cycle(crm, period="2025-Q2", zone=zone)
    assert cycle.n == 2
    assert {
        row["created_at"].day for row in so.crm.Crm.table(crm, "opportunity").to_pandas().to_dict("records")
    } == {1}


@pytest.mark.parametrize("zone", ZONES)
def test_times_of_day_move_with_the_zone(zone):
    """One time that isn't midnight, and the column holds instants."""
    frame = pd.DataFrame({"opportunity_id": ["a", "b"], "is_won": True, "is_closed": True})
    frame["closed_at"] = pd.to_datetime(["2025-04-01 00:00", "2025-06-01 12:00"], utc=True)
    crm = so.crm.Crm.build({"opportunity": frame})
    local = pd.Timestamp("2025-04-01", tz="UTC").tz_convert(zone)
    months = so.kpi.win_rate(crm, by="month", zone=zone).to_frame("pandas")
    assert f"{local:%Y-%m}" in set(months["month"])


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_a_history_stay_days(zone):
    frame = pd.DataFrame({"opportunity_id": ["a"], "stage_id": ["Won"], "created_at": ["2025-01-10"]})
    events = pd.DataFrame(
        {
            "opportunity_id": "a",
            "field": "stage",
            "at": ["2025-02-01", "2025-04-01"],
            "old": ["New", "Talk"],
        }
    ).assign(new=["Talk", "Won"])
    stages = pd.DataFrame(
        {"stage_id": ["New", "Talk", "Won"], "type": ["open", "open", "won"], "rank": [1, 2, 3]}
    )
    crm = so.crm.Crm.build({"opportunity": frame, "opportunity_event": events, "stage_def": stages})
    assert so.kpi.win_rate(crm, period="2025-Q2", zone=zone).n == 1
    assert so.kpi.win_rate(crm, period="2025-Q1", zone=zone).n == 0
    assert so.kpi.sales_cycle(crm, period="2025-Q2", zone=zone).value == pytest.approx(81, abs=0.1)
    there = crm.with_days_in(zone)
    assert there.as_of(there.latest).table("opportunity").to_dict()["stage_id"] == ["Won"]
    if there.latest != crm.latest:
        with pytest.raises(so.UsageError, match="as it was read"):
            there.apply({"opportunity": frame})


def test_forecasts_and_reports_count_days_alike(tmp_path):
    """A deal won on the last day of March isn't April's, whoever asks where."""
    rows = []
    for i in range(60):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=7 * i)
        rows.append(
            {"opportunity_id": f"d{i}", "created_at": str(day), "close_date": str(day + dt.timedelta(30))}
        )
    deals = pd.DataFrame(rows).assign(is_closed=True, amount=100.0)
    deals["is_won"] = [i % 2 == 0 for i in range(60)]
    deals.loc[0, ["close_date", "is_won"]] = ["2025-03-31", True]
    crm = so.crm.Crm.build({"opportunity": deals}, currency="USD")
    day = "2025-04-15"
    here, there = (
        so.pipeline.forecast(crm, as_of=day, period="2025-Q2", draws=200, zone=zone).to_frame("pandas")
        for zone in ("UTC", "America/New_York")
    )
    assert (here["won_to_date"] == there["won_to_date"]).all()
    page = so.report.render(crm, day, "2025-Q1", zone="America/New_York")
    assert "2025-Q1" in page

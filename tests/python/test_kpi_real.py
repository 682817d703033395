"""Why naive averages mislead, on real books: each test shows a trap, and the number that holds."""

import csv
import datetime as dt
import pathlib
import statistics

import pytest
from salesops import csv as tables
from salesops import ingest, kpi
from salesops.crm import Crm

MAPPINGS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def columns(rows, **names):
    """Columns under new names; empty cells are nulls."""
    return {new: [row[old] or None for row in rows] for new, old in names.items()}


# ---- leads that become sellers (Olist) ----


@pytest.fixture(scope="module")
def olist(data_dir):
    leads = rows_of(data_dir / "ops/leads/olist_mql.csv")
    won = {row["mql_id"]: row["won_date"] for row in rows_of(data_dir / "ops/leads/olist_closed_deals.csv")}
    # First contacts have a day but no time of day, so wins are taken by their day too.
    return [(row["mql_id"], row["first_contact_date"], won.get(row["mql_id"], "")[:10]) for row in leads]


@pytest.fixture(scope="module")
def olist_crm(olist):
    ids, created, won = zip(*olist, strict=True)
    lead = {"lead_id": list(ids), "created_at": list(created), "converted_at": [w or None for w in won]}
    return Crm.build({"lead": lead})


# Wins are at the midnight that begins their day: this instant knows those of May the 31st.
MAY_END = "2018-05-31"


def days_to_win(olist, until="9999"):
    day = dt.date.fromisoformat
    return [(day(won) - day(created)).days for _, created, won in olist if won and won <= until]


def test_conversion_of_the_whole_book(olist_crm):
    result = kpi.lead_conversion(olist_crm)
    assert (result.numerator, result.denominator) == (842, 8000)
    assert result.value == 0.10525


def test_trap_cycle_of_closed_deals_only(olist, olist_crm):
    then = kpi.lead_conversion(olist_crm, as_of=MAY_END)
    assert (then.numerator, then.denominator) == (665, 8000)
    cycles, later = days_to_win(olist, MAY_END), days_to_win(olist)
    assert statistics.mean(cycles) == pytest.approx(21.97, abs=0.01)
    assert statistics.mean(later) == pytest.approx(48.44, abs=0.005)
    assert statistics.median(later) == 14
    # The core names the naive mean so; the lead won two days before its first contact is counted apart.
    curve = kpi.lead_conversion(olist_crm, as_of=MAY_END, mode="survival")
    assert curve.excluded == {"converted_before_created": 1}
    forward = [days for days in cycles if days >= 0]
    assert len(forward) == len(cycles) - 1 == curve.details["with_outcome"]
    assert curve.details["naive_mean"] == pytest.approx(statistics.mean(forward), rel=1e-12)


@pytest.mark.parametrize(("days", "published", "realised"), [(30, 0.0698, 0.0694), (90, 0.0876, 0.0865)])
def test_trap_open_leads_left_out_where_survival_is_honest(olist_crm, days, published, realised):
    then = kpi.lead_conversion(olist_crm, as_of=MAY_END, mode="survival", window_days=days)
    assert then.n == 7999
    assert then.low < realised < then.high
    # The published curve counts the reversed lead as won at once: it multiplies the rest by 1 - 1/8000.
    assert 1 - (1 - then.value) * (1 - 1 / 8000) == pytest.approx(published, abs=6e-5)
    later = kpi.lead_conversion(olist_crm, mode="window_cohort", window_days=days)
    assert later.value == pytest.approx(realised, abs=6e-5)


def test_survival_at_half_a_year(olist, olist_crm):
    then = kpi.lead_conversion(olist_crm, as_of=MAY_END, mode="survival", window_days=180)
    assert 1 - (1 - then.value) * (1 - 1 / 8000) == pytest.approx(0.0953, abs=6e-5)
    assert sum(days <= 180 for days in days_to_win(olist)) / 8000 == pytest.approx(0.0969, abs=6e-5)
    # The youngest leads are less than 180 days old at the end of the book: counted apart, not as lost.
    later = kpi.lead_conversion(olist_crm, mode="window_cohort", window_days=180)
    assert later.n + later.excluded["younger_than_window"] == 8000
    assert then.low < later.value < then.high


def test_trap_young_cohort(olist_crm):
    may = kpi.lead_conversion(olist_crm, period="2018-05", as_of=MAY_END)
    assert (may.numerator, may.denominator) == (70, 1303)
    assert may.value == pytest.approx(0.054, abs=5e-4)
    assert any("young" in warning for warning in may.warnings)
    assert kpi.lead_conversion(olist_crm, period="2018-05").value == pytest.approx(0.100, abs=5e-4)


def test_trap_period_ratio(olist_crm):
    ratio = kpi.lead_conversion(olist_crm, period="2018-05", mode="closed_in_period")
    assert (ratio.numerator, ratio.denominator) == (122, 1303)
    assert ratio.value == pytest.approx(0.0936, abs=5e-5)
    assert any("mixes cohorts" in warning for warning in ratio.warnings)


def test_cohorts_by_month(olist_crm):
    rows = kpi.lead_conversion(olist_crm, by="month").to_table().to_dict()
    share = dict(zip(rows["month"], rows["lead_conversion"], strict=True))
    published = {"2018-01": 13.3, "2018-02": 14.5, "2018-03": 14.2, "2018-04": 13.5, "2018-05": 10.0}
    assert {month: round(100 * share[month], 1) for month in published} == published


# ---- answers to leads ----


@pytest.fixture(scope="module")
def answered(data_dir):
    rows = rows_of(data_dir / "ops/leads/lead_response_synthetic.csv")
    # The published bands are those of the minutes as printed, to a tenth; the exact times differ a little.
    for row in rows:
        wait = dt.timedelta(minutes=float(row["response_time_mins"]))
        row["touched"] = (dt.datetime.fromisoformat(row["lead_time"]) + wait).isoformat()
        row["converted"] = row["touched"] if row["ordered"] == "1" else ""
    lead = columns(rows, lead_id="lead_id", created_at="lead_time", converted_at="converted")
    touch = columns(rows, activity_id="lead_id", lead_id="lead_id", at="touched")
    return Crm.build({"lead": lead, "activity": touch | {"direction": ["out"] * len(rows)}})


def test_trap_mean_response_hides_the_slow(answered):
    result = kpi.lead_response_time(answered)
    assert result.details["naive_mean"] == pytest.approx(53.01, abs=0.005)
    assert result.details["median"] == pytest.approx(26.1, abs=1e-6)
    assert result.details["never"] == 0


def test_trap_responders_mean_hides_those_never_answered():
    # The survey of 2011: of the firms asked, 23 % never answered; the mean of the others says nothing of it.
    start = dt.datetime(2011, 3, 1)
    waits = [0.5] * 37 + [98.0] * 40 + [None] * 23
    leads = [f"L{i}" for i in range(100)]
    lead = {"lead_id": leads, "created_at": [start] * 100}
    touched = [(lead_id, start + dt.timedelta(hours=w)) for lead_id, w in zip(leads, waits, strict=True) if w]
    touch = {"lead_id": [i for i, _ in touched], "at": [t for _, t in touched]}
    touch["activity_id"] = [f"A{i}" for i in range(len(touched))]
    result = kpi.lead_response_time(Crm.build({"lead": lead, "activity": touch}), as_of="2011-03-31")
    assert result.value == pytest.approx(0.37)
    assert result.details["never"] == pytest.approx(0.23)
    assert result.details["naive_mean"] == pytest.approx(60 * (37 * 0.5 + 40 * 98) / 77)
    assert result.details["median"] == 98 * 60
    assert "p90" not in result.details


def test_conversion_by_response_band(answered):
    rows = kpi.response_bands(answered).to_table().to_dict()
    bands = [round(value, 4) for value in rows["response_bands"][:5]]
    assert bands == [0.1307, 0.1297, 0.0938, 0.0649, 0.05]
    assert rows["band"][5] == "never"
    assert rows["response_bands"][5] is None
    assert sum(rows["n"]) == 10_000
    assert sum(rows["numerator"]) == 977


# ---- subscriptions ----


def test_trap_data_end_looks_like_churn(data_dir):
    rows = rows_of(data_dir / "ops/subscriptions/mrr_playbook_subscription_periods.csv")
    # The book as it stood in December 2019, before anything began in the new year.
    rows = [row for row in rows if row["start_date"] < "2020"]
    subscription = columns(
        rows, subscription_id="subscription_id", account_id="customer_id", start="start_date", end="end_date"
    ) | {"unit_amount": [float(row["monthly_amount"]) for row in rows]}
    first = {}
    for row in rows:
        first[row["customer_id"]] = min(row["start_date"], first.get(row["customer_id"], "9999"))
    # When each customer was first seen is the only instant of this book: it ends with the last of them.
    account = {"account_id": list(first), "created_at": list(first.values())}
    crm = Crm.build({"subscription": subscription, "account": account}, currency="USD")
    assert crm.latest.date().isoformat() == "2019-12-01"

    # From the first of November to the first of December: the December of the published table.
    december = kpi.logo_retention(crm, period="2019-11")
    assert (december.numerator, december.denominator) == (25, 42)
    assert december.value == pytest.approx(0.595238, abs=5e-7)
    assert kpi.logo_churn(crm, period="2019-11").value == pytest.approx(1 - 25 / 42)
    # Before the month is over, its number is no answer yet and says so.
    assert kpi.logo_retention(crm, period="2019-11", as_of="2019-11-20").state == "incomplete"
    # The last month has no successor: all of it seems to leave, and that is flagged.
    last = kpi.logo_retention(crm, period="2019-12")
    assert (last.numerator, last.denominator) == (0, 28)
    assert last.state == "incomplete"

    june = kpi.logo_retention(crm, period="2019-05")
    assert (june.value, june.state) == (1.0, "")
    # Monthly revenue of the published table, at the start of each month.
    months = ["06", "07", "08", "09", "10", "11"]
    revenue = [kpi.arpa(crm, period=f"2019-{month}").numerator for month in months]
    assert revenue == [1135, 1350, 1240, 1455, 1680, 1840]


def test_trap_the_account_s_flag_against_its_events(data_dir):
    crm = ingest.read(data_dir / "ops/subscriptions", MAPPINGS / "ravenstack.toml", currency="USD")
    flagged = kpi.ratio("flagged", numerator="churn_flag = 'TRUE'", table="account", time="created_at")(crm)
    left = kpi.ratio("left", numerator="churned_at is not null", table="account", time="created_at")(crm)
    assert (flagged.numerator, flagged.denominator, flagged.value) == (110, 500, 0.22)
    assert (left.numerator, left.denominator, left.value) == (352, 500, 0.704)
    # Nor do the two agree account by account: most of those with an event bear no flag.
    both = kpi.ratio(
        "both",
        numerator="churn_flag = 'TRUE'",
        denominator="churned_at is not null",
        table="account",
        time="created_at",
    )(crm)
    assert both.denominator == 352
    assert both.value < 0.5
    # And what was paid says a third thing: accounts hold several subscriptions, and hardly any lost its last.
    book = crm.table("subscription").to_dict()
    assert sum(end is not None for end in book["end"]) == 486
    assert sum(amount == 0 for amount in book["unit_amount"]) == 778
    assert sum(book["unit_amount"]) == 11_338_747
    assert kpi.logo_churn(crm, period="2024").value == paid_churn(book, "2024-01-01", "2025-01-01")


def paid_churn(book, start, end):
    """Accounts with a paid subscription at the start that have none at the end, over the former."""
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)

    def active(day):
        rows = zip(*(book[name] for name in ("account_id", "start", "end", "unit_amount")), strict=True)
        return {
            who
            for who, since, until, paid in rows
            if paid and since <= day and (until is None or day < until)
        }

    return len(active(first) - active(last)) / len(active(first))


def test_cost_of_a_customer():
    # A published case: 494 customers won for 612,405, worth 8,061 each.
    deals = [f"D{i}" for i in range(494)]
    accounts = [f"A{i}" for i in range(494)]
    crm = Crm.build(
        {
            "opportunity": {
                "opportunity_id": deals,
                "account_id": accounts,
                "created_at": ["2023-11-01"] * 494,
                "closed_at": [f"2024-{1 + i % 12:02}-15" for i in range(494)],
                "is_won": [True] * 494,
            },
            "account": {"account_id": accounts},
            "spend": {
                "spend_id": ["S1", "S2"],
                "period_start": ["2024-01-01", "2024-07-01"],
                "amount": [300_000.25, 312_404.75],
            },
            "subscription": {
                "subscription_id": accounts,
                "account_id": accounts,
                "start": ["2023-12-01"] * 494,
                "end": ["2024-06-30"] * 100 + [None] * 394,
                "unit_amount": [500.0] * 494,
            },
        },
        currency="USD",
    )
    cost = kpi.cac(crm, period="2024")
    assert (cost.numerator, cost.denominator) == (612_405, 494)
    assert round(cost.value) == 1240
    assert cost.unit == "USD"
    worth = kpi.clv_simple(crm, period="2024", gross_margin=1.0)
    margin = 8061 / worth.value
    assert 0 < margin < 1
    ratio = kpi.ltv_cac(crm, period="2024", gross_margin=margin)
    assert ratio.details["clv"] == pytest.approx(8061)
    assert round(ratio.value, 1) == 6.5
    payback = kpi.cac_payback(crm, period="2024", gross_margin=margin)
    assert payback.value == pytest.approx(612_405 / 494 / (500 * margin))


# ---- leads with hidden nulls (X Education) ----


def test_trap_placeholders_that_hide_nulls(data_dir):
    raw = tables.read(data_dir / "ops/leads/xeducation_leads.csv").table.to_dict()
    assert sum(column.count(None) for column in raw.values()) == 50_279
    assert sum(column.count("Select") for column in raw.values()) == 13_380
    columns = {"lead_id": "Prospect ID", "source": "Lead Source", "converted_at": []}
    crm = ingest.read(data_dir / "ops/leads", columns=columns, tables={"lead": "xeducation_leads"})
    assert crm.issues.count("placeholder") == 13_380
    lead = crm.table("lead").to_dict()
    assert sum(lead[name].count(None) for name in lead if name != "created_at") == 50_279 + 13_380
    assert not any("Select" in column for column in lead.values())


def test_placeholders_are_no_group_of_their_own(data_dir):
    rows = rows_of(data_dir / "ops/leads/xeducation_leads.csv")
    # The file has no dates: every lead comes on one day, and is converted on the next or not at all.
    day = dt.datetime(2020, 1, 1)
    lead = columns(rows, lead_id="Prospect ID", specialization="Specialization", source="Lead Source") | {
        "created_at": [day] * len(rows),
        "converted_at": [day + dt.timedelta(1) if row["Converted"] == "1" else None for row in rows],
    }
    crm = ingest.read({"lead": lead})
    whole = kpi.lead_conversion(crm)
    assert (whole.numerator, whole.denominator) == (3561, 9240)
    assert whole.value == pytest.approx(0.3854, abs=5e-5)
    shown = kpi.lead_conversion(crm, by="specialization").to_table().to_dict()
    kept = dict(zip(shown["specialization"], shown["n"], strict=True))
    hidden = sum(row["Specialization"] == "Select" for row in rows)
    assert "Select" not in kept
    assert kept[None] == hidden + sum(row["Specialization"] == "" for row in rows)
    by_source = kpi.lead_conversion(crm, by="source").to_table().to_dict()
    rate = dict(zip(by_source["source"], by_source["lead_conversion"], strict=True))
    assert rate["Google"] == pytest.approx(0.3999, abs=5e-5)
    assert rate["Reference"] == pytest.approx(0.9176, abs=5e-5)


# ---- deals (Maven) ----


@pytest.fixture(scope="module")
def maven(data_dir):
    return rows_of(data_dir / "crm/maven_crm/sales_pipeline.csv")


@pytest.fixture(scope="module")
def maven_crm(maven):
    deals = columns(
        maven,
        opportunity_id="opportunity_id",
        account_id="account",
        owner_id="sales_agent",
        created_at="engage_date",
        closed_at="close_date",
        amount="close_value",
    )
    deals["is_won"] = [{"Won": True, "Lost": False}.get(row["deal_stage"]) for row in maven]
    return Crm.build({"opportunity": deals}, currency="USD")


def test_win_rate_leaves_open_deals_out_and_counts_them(maven_crm):
    result = kpi.win_rate(maven_crm)
    assert (result.numerator, result.denominator, result.censored) == (4238, 6711, 2089)
    assert result.value == pytest.approx(0.6315005, abs=5e-8)
    broad = kpi.win_rate(maven_crm, mode="created_cohort")
    assert broad.value == pytest.approx(4238 / 8800)


def test_trap_lost_deals_without_a_value(maven_crm):
    # Lost deals are written down at 0: by value this book could only ever win.
    result = kpi.win_rate(maven_crm, weight="value")
    assert result.numerator == 10_005_534
    assert result.excluded == {"zero_amount": 2473}
    assert result.value is None
    assert result.state == "amounts are known of won deals alone"


@pytest.mark.parametrize("zone", [None, "America/New_York", "Asia/Tokyo"])
def test_value_won_by_quarter(maven_crm, zone):
    # Closes are known as days, which are the same in any zone.
    rows = kpi.win_rate(maven_crm, weight="value", by="quarter", zone=zone).to_table().to_dict()
    won = dict(zip(rows["quarter"], rows["numerator"], strict=True))
    assert won["2017-Q1"] == 1_134_672
    assert won["2017-Q2"] == 3_086_111
    assert won["2017-Q3"] == 2_982_255
    assert won["2017-Q4"] == 2_802_496


def test_mean_cycle_of_won_deals(maven_crm):
    result = kpi.sales_cycle(maven_crm)
    assert result.details["mean"] == pytest.approx(51.78197, abs=5e-6)

"""When a cancelled subscription is over, and what nobody can know of it."""

import pytest
import salesops as so

ENDED = {"end": "2026-02-10"}
MONTH = {"period": "2026-02"}


def book(rows, events=None, **tables):
    """Accounts a, b, … with a subscription each from New Year on, 10 a month."""
    names = [chr(ord("a") + i) for i in range(len(rows))]
    columns = sorted({column for row in rows for column in row})
    subscriptions = {
        "subscription_id": names,
        "account_id": names,
        "start": ["2026-01-01"] * len(rows),
        "unit_amount": [10] * len(rows),
    } | {column: [row.get(column) for row in rows] for column in columns}
    given = {
        "account": {"account_id": names},
        "subscription": subscriptions,
        # The book's latest day is August, whatever becomes of the subscriptions.
        "opportunity": {"opportunity_id": ["d"], "created_at": ["2026-08-01"]},
    }
    if events:
        ids, days, kinds = zip(*events, strict=True)
        given["subscription_event"] = {
            "subscription_id": list(ids),
            "at": list(days),
            "type": list(kinds),
            "seq": list(range(len(ids))),
        }
    return so.crm.Crm.build(given | tables, currency="USD")


CANCELLED = {"status": "canceled", "cancel_at": "2026-02-10T15:00:00"}


@pytest.mark.parametrize(
    ("row", "events"),
    [
        (ENDED, None),
        (CANCELLED, None),
        ({"cancel_at": "2026-02-10T15:00:00"}, None),
        ({}, [("a", "2026-02-10", "cancel")]),
        ({"status": "Cancelled"}, [("a", "2026-02-10", "cancel")]),
    ],
)
def test_a_cancelled_subscription_is_over(row, events):
    crm = book([row, {}], events)
    assert so.kpi.logo_churn(crm, **MONTH).value == 0.5
    assert so.kpi.logo_retention(crm, **MONTH).value == 0.5
    july = so.kpi.arpa(crm, period="2026-07")
    assert (july.value, july.n) == (10, 1)
    made = so.subscription.movements(crm).to_wide()
    assert made["churn"].tolist()[:3] == [0, -10, 0]
    assert made["customers"].tolist()[-1] == 1
    assert crm.issues.count("cancelled_without_end") == 0


def test_a_cancellation_that_is_taken_back_ends_nothing():
    crm = book([{}, {}], [("a", "2026-02-10", "cancel"), ("a", "2026-02-20", "reactivate")])
    assert so.kpi.logo_churn(crm, **MONTH).value == 0
    assert so.kpi.arpa(crm, period="2026-07").n == 2


def test_churn_is_recognised_at_the_end_or_at_the_cancellation():
    paid_up = {"status": "cancelled", "cancel_at": "2026-02-10T15:00:00", "end": "2026-04-01"}
    crm = book([paid_up, {}])
    assert so.kpi.logo_churn(crm, **MONTH).value == 0
    assert so.kpi.logo_churn(crm, **MONTH, churn_at="end").value == 0
    assert so.kpi.logo_churn(crm, period="2026-03").value == 0.5
    assert so.kpi.logo_churn(crm, **MONTH, churn_at="cancel").value == 0.5
    assert so.kpi.logo_retention(crm, **MONTH, churn_at="cancel").value == 0.5
    assert so.kpi.arpa(crm, period="2026-03").n == 2
    assert so.kpi.arpa(crm, period="2026-03", churn_at="cancel").n == 1
    assert so.kpi.clv_simple(crm, **MONTH, gross_margin=0.5, churn_at="cancel").value == 10
    wide = so.subscription.movements(crm, churn_at="cancel").to_wide()
    assert wide["churn"].tolist()[:4] == [0, -10, 0, 0]
    assert so.subscription.movements(crm).to_wide()["churn"].tolist()[:4] == [0, 0, 0, -10]
    frame = {"customer": ["a"], "start": ["2026-01-01"], "amount": [1]}
    with pytest.raises(so.UsageError, match="churn_at is for books"):
        so.subscription.movements(frame, end=None, churn_at="cancel")
    for ask in (so.kpi.logo_churn, so.subscription.movements):
        with pytest.raises(so.UsageError, match="cancel"):
            ask(crm, churn_at="sometime")


def test_a_subscription_that_ended_nobody_knows_when_is_left_out():
    crm = book([{"status": "canceled"}, {}, {"status": "active"}])
    assert crm.issues.count("cancelled_without_end") == 1
    for name in ("logo_churn", "logo_retention", "arpa"):
        result = getattr(so.kpi, name)(crm, **MONTH)
        assert result.n == 2
        assert result.excluded == {"cancelled_without_end": 1}
    made = so.subscription.movements(crm)
    assert made.issues.count("cancelled_without_end") == 1
    assert made.to_wide()["customers"].tolist()[-1] == 2
    # An account with another subscription is still a customer.
    rows = {"subscription_id": ["a2"], "account_id": ["a"], "start": ["2026-01-01"], "unit_amount": [5]}
    assert so.kpi.logo_churn(crm.apply({"subscription": rows}), **MONTH).n == 3
    later = {"subscription_id": ["b"], "status": ["expired"]}
    assert crm.apply({"subscription": later}).issues.count("cancelled_without_end") == 2


def test_a_day_before_the_end_knows_neither_it_nor_its_status():
    crm = book([CANCELLED, {**ENDED, "status": "cancelled"}, {"status": "active"}])
    before = crm.as_of("2026-02-01")
    assert before.table("subscription").to_dict()["status"] == [None, None, "active"]
    assert so.kpi.arpa(before, **MONTH).n == 3
    assert so.kpi.arpa(crm, period="2026-02", as_of="2026-02-01").excluded == {}
    by_event = book([{"status": "cancelled"}, {}], [("a", "2026-02-10", "cancel")])
    assert so.kpi.arpa(by_event, **MONTH, as_of="2026-02-01").n == 2
    # A cancellation tells the end to come.
    paid_up = {"status": "cancelled", "cancel_at": "2026-02-10T15:00:00", "end": "2026-04-01"}
    told = book([paid_up]).as_of("2026-02-20").table("subscription").to_dict()
    assert [str(day) for day in told["end"]] == ["2026-04-01"]
    assert book([paid_up]).as_of("2026-02-10").table("subscription").to_dict()["end"] == [None]


def test_an_unknown_interval_is_no_month():
    crm = book([{"interval": "fortnight"}, {"interval": "month"}, {"interval": "year"}])
    result = so.kpi.arpa(crm, **MONTH)
    assert result.excluded == {"unknown_interval": 1}
    assert (result.n, result.numerator) == (2, pytest.approx(10.83))
    # They stay customers: only what they pay isn't known.
    assert so.kpi.logo_churn(crm, **MONTH).n == 3
    assert so.kpi.clv_simple(crm, **MONTH, gross_margin=0.5).excluded == {"unknown_interval": 1}
    made = so.subscription.movements(crm)
    assert made.issues.count("unknown_interval") == 1
    assert made.to_wide()["customers"].tolist()[-1] == 2
    spend = {"period_start": ["2026-02-01"], "period_end": ["2026-03-01"], "amount": [30]}
    won = {
        "opportunity_id": ["w"],
        "account_id": ["a"],
        "is_won": [True],
        "closed_at": ["2026-02-05"],
        "created_at": ["2026-01-05"],
    }
    with_costs = crm.apply({"spend": spend, "opportunity": won})
    payback = so.kpi.cac_payback(with_costs, **MONTH, gross_margin=0.5)
    assert payback.excluded["unknown_interval"] == 1

"""Facts that can't be, and words that may be meant otherwise: what a book makes of them."""

import pytest
import salesops as so
from salesops.crm import Crm


def won(closed_at, **more):
    n = len(closed_at)
    deals = {"opportunity_id": [f"d{i}" for i in range(n)], "created_at": ["2025-01-01"] * n}
    return deals | {"closed_at": closed_at, "amount": [100.0] * n} | more


DAYS = [f"2025-{1 + i % 9:02d}-{9 + i:02d}" for i in range(20)]

# ---- days that lie ahead ----


def test_a_placeholder_is_no_time_of_a_close():
    flags = {"is_won": [True] * 25, "is_closed": [True] * 25}
    book = Crm.build({"opportunity": won([*DAYS, *["9999-12-31"] * 5], **flags)})
    assert book.issues.count("far_future") == 5
    assert book.issues.count("close_time_unknown") == 5
    assert so.kpi.sales_cycle(book).value < 366
    assert so.kpi.win_rate(book, period="2025").n == 20
    assert so.kpi.win_rate(book, period="2025").excluded == {"time_unknown": 5}
    assert so.kpi.win_rate(book.as_of(book.latest)).n == so.kpi.win_rate(book).n
    # Where the time alone says closed, it says nothing.
    book = Crm.build({"opportunity": won([*DAYS, *["9999-12-31"] * 5])})
    assert so.kpi.win_rate(book).excluded == {"outcome_unknown": 20}
    assert so.kpi.win_rate(book).censored == 5


def test_a_day_long_after_the_rest_is_told():
    def told(days):
        book = Crm.build({"opportunity": won(days, is_won=[True] * len(days))})
        return [
            row
            for row, rule in zip(*(book.issues.to_table().to_dict()[c] for c in ("row", "rule")), strict=True)
            if rule == "long_after_the_rest"
        ]

    assert told([*DAYS[:7], "2052-03-04", *DAYS[7:]]) == [7]
    assert told([*DAYS, "2026-09-30"]) == []  # a year later
    assert told([*DAYS, "2052-03-04", "2052-03-04T10:00"]) == [20, 21]
    assert told([*DAYS, "2051-01-01", "2051-06-04"]) == []  # two of them bear each other out
    assert told(["2025-01-10", "2052-03-04"]) == []  # too few to tell


# ---- ends of periods ----


def quota(*spans, **more):
    starts, ends = zip(*spans, strict=True)
    rows = {"holder_type": ["company"] * len(spans), "period_start": starts, "period_end": ends}
    return rows | {"amount": [1000.0] * len(spans)} | more


def ends_of(book):
    return [day.isoformat() for day in book.table("quota").to_dict()["period_end"]]


@pytest.mark.parametrize(
    ("spans", "ends", "severity"),
    [
        ([("2025-01-01", "2025-03-31")], ["2025-04-01"], "info"),
        ([("2025-01-01", "2025-04-01")], ["2025-04-01"], None),
        ([("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30")], ["2025-04-01", "2025-07-01"], "info"),
        # Weeks: the next one's start tells, the last one says nothing.
        ([("2025-01-06", "2025-01-12"), ("2025-01-13", "2025-01-19")], ["2025-01-13", "2025-01-20"], "info"),
        ([("2025-01-06", "2025-01-13"), ("2025-01-13", "2025-01-20")], ["2025-01-13", "2025-01-20"], None),
        # A half-open period of weeks that happens to end with a month.
        ([("2025-01-30", "2025-04-30"), ("2025-04-30", "2025-07-30")], ["2025-04-30", "2025-07-30"], None),
        # Both ways: half open as they stand, and told.
        (
            [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-07-01")],
            ["2025-03-31", "2025-07-01"],
            "warning",
        ),
        ([("2025-01-01", "9999-12-31")], ["9999-12-31"], None),
    ],
)
def test_last_days_are_known_by_what_stands_beside_them(spans, ends, severity):
    book = Crm.build({"quota": quota(*spans)})
    assert ends_of(book) == ends
    summary = book.issues.summary().to_dict()
    found = dict(zip(summary["rule"], summary["severity"], strict=True))
    assert found.get("inclusive_end") == severity


def test_a_win_on_the_last_day_counts():
    deals = won(["2025-03-31T10:00"], is_won=[True], amount=[500.0])
    book = Crm.build({"opportunity": deals, "quota": quota(("2025-01-01", "2025-03-31"))})
    assert so.kpi.attainment(book, period="2025-Q1").value == 0.5
    # Changes are read as the book is, and rewinding keeps what was read.
    more = quota(("2025-04-01", "2025-06-30"), quota_id=["q2"])
    book = Crm.build({"quota": quota(("2025-01-01", "2025-03-31"), quota_id=["q1"])})
    assert ends_of(book.apply({"quota": more})) == ["2025-04-01", "2025-07-01"]
    assert ends_of(book.as_of("2025-01-01").apply({"quota": more})) == ["2025-04-01", "2025-07-01"]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("spend", {"channel": ["web"] * 2, "amount": [1.0, 2.0]}),
        ("target", {"metric": ["win_rate"] * 2, "value": [0.2, 0.3], "target_id": ["a", "b"]}),
    ],
)
def test_other_periods_are_read_likewise(table, rows):
    spans = {"period_start": ["2025-01-01", "2025-02-01"], "period_end": ["2025-01-31", "2025-02-28"]}
    book = Crm.build({table: rows | spans})
    assert [day.isoformat() for day in book.table(table).to_dict()["period_end"]] == [
        "2025-02-01",
        "2025-03-01",
    ]
    assert book.issues.count("inclusive_end") == 2


# ---- stages by name ----


def test_flags_outweigh_what_a_stage_is_called():
    deals = won(
        ["2025-02-01"] * 4,
        stage_id=["Won", "Closed Lost", "Won", "Lost"],
        is_won=[False, True, None, None],
        is_closed=[True, True, False, None],
    )
    named = Crm.build({"opportunity": deals})
    result = so.kpi.win_rate(named)
    assert (result.numerator, result.denominator, result.censored) == (1, 3, 1)
    assert named.issues.count("stage_type_guessed") == 1
    assert named.issues.count("stage_flag_disagree") == 3
    # A type that is given outweighs the flags.
    stages = {"stage_id": ["Won", "Closed Lost", "Lost"], "type": ["won", "lost", "lost"]}
    given = so.kpi.win_rate(Crm.build({"opportunity": deals, "stage_def": stages}))
    assert (given.numerator, given.denominator, given.censored) == (2, 4, 0)


# ---- money without a currency ----


def test_money_of_no_currency_is_named_when_reading():
    deals = won(["2025-02-01"] * 3, is_won=[True] * 3, currency=["USD", None, None])
    book = Crm.build({"opportunity": deals})
    for ask in (so.kpi.average_deal, so.pipeline.forecast):
        with pytest.raises(so.UnitError, match=r"USD.*currency= when reading") as error:
            ask(book)
        assert "XXX" not in str(error.value)
    assert so.kpi.average_deal(Crm.build({"opportunity": deals}, currency="USD")).value == 100


# ---- no days at all ----


def test_a_book_without_days_has_no_day():
    empty = Crm.build({"opportunity": {"opportunity_id": [], "is_won": []}})
    for text in (repr(so.kpi.win_rate(empty)), repr(so.kpi.scorecard(empty))):
        assert "no dated rows" in text
        assert "1970-01-01" not in text


def test_a_long_expression_is_cut_in_errors():
    book = Crm.build({"opportunity": won(["2025-02-01"], is_won=[True], type=["new"])})
    for where in ("type = '" + "x" * 5000, "é" * 5000 + " = 1", {"type": "x" * 5000}):
        with pytest.raises(so.UsageError) as error:
            so.kpi.win_rate(book, where=where)
        assert len(str(error.value)) < 400
    with pytest.raises(so.UsageError, match="threads: need a whole number from 0"):
        so.kpi.win_rate(book, threads=-1)

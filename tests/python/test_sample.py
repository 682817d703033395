import datetime as dt

import pytest
from salesops import UsageError, datasets, kpi, sample


def test_the_book_has_the_deals_asked_for():
    book = sample.crm(seed=3, deals=50)
    assert book.table("opportunity").num_rows == 50
    assert book.truth.deals.num_rows == 50
    assert set(book.tables) >= {"account", "lead", "opportunity", "opportunity_event", "activity", "quota"}


def test_equal_seeds_give_equal_books():
    first, second = sample.crm(seed=5, deals=200, threads=1), sample.crm(seed=5, deals=200, threads=3)
    assert {name: table.to_dict() for name, table in first.tables.items()} == {
        name: table.to_dict() for name, table in second.tables.items()
    }


def test_dates_are_taken_as_dates_and_as_text():
    day = dt.date(2024, 1, 1)
    early = sample.crm(deals=300, end=day)
    assert (
        early.tables["opportunity"].to_dict()
        == sample.crm(deals=300, end="2024-01-01").tables["opportunity"].to_dict()
    )
    assert 0 < early.table("opportunity").num_rows < 300
    created = early.table("opportunity").to_dict()["created_at"]
    assert max(created).date() < day


def test_money_arrives_in_major_units_beside_its_currency():
    pytest.importorskip("pandas")
    deals = sample.crm(deals=100).table("opportunity").to_pandas()
    assert deals["amount"].min() >= 100
    assert set(deals["currency"]) == {"USD"}


def test_spend_goes_to_channels_that_deals_come_from():
    book = sample.crm(seed=5, deals=600)
    sources = set(book.table("opportunity").to_dict()["source"])
    assert set(book.table("spend").to_dict()["channel"]) == sources - {"customer", None}
    crm = datasets.sample_crm(seed=5, deals=600)
    cost = kpi.cac(crm, period="2025", by="channel").to_table().to_dict()
    priced = [channel for channel, value in zip(cost["channel"], cost["cac"], strict=True) if value]
    assert set(priced) >= {"website", "outbound", "referral", "event", "partner"}


def test_polars_and_arrow_read_every_table():
    polars = pytest.importorskip("polars")
    book = sample.crm(deals=100, foreign_share=0.3)
    for name, table in book.tables.items():
        frame = polars.DataFrame(table)
        assert frame.height == table.num_rows, name
        assert frame.columns == table.names, name
    assert set(book.table("fx_rate").to_dict()["to"]) == {"USD"}


def test_dirt_shows():
    clean, dirty = sample.crm(deals=500), sample.crm(deals=500, dirt=0.1)
    assert dirty.table("opportunity").num_rows > clean.table("opportunity").num_rows
    assert max(dirty.table("opportunity").to_dict()["probability"]) > 1
    assert "A-unknown" in dirty.table("opportunity").to_dict()["account_id"]


@pytest.mark.parametrize(
    "options", [{"deals": -1}, {"start": "2023-13-01"}, {"end": "soon"}, {"reps": 0}, {"currency": "Dollar"}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError):
        sample.crm(**options)

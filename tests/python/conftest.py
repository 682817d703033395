import functools
import gzip
import math
import os
import pathlib

import pandas as pd
import pytest
import salesops as so


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    """Folder of real data sets; tests that need it skip without it, or fail where it is required."""
    folder = os.environ.get("SALESOPS_DATA", "")
    if folder and pathlib.Path(folder).is_dir():
        return pathlib.Path(folder)
    if os.environ.get("SALESOPS_REQUIRE_DATA") == "1":
        pytest.fail("SALESOPS_REQUIRE_DATA=1 but SALESOPS_DATA names no folder")
    pytest.skip("SALESOPS_DATA names no folder")


@functools.cache
def has_zlib() -> bool:
    """Whether this build unpacks gzip; one made without zlib's headers says that it doesn't."""
    try:
        so.csv.read(gzip.compress(b"a\n1\n"))
    except so.UsageError:
        return False
    return True


@pytest.fixture
def zlib() -> None:
    """Skip where the build has no zlib."""
    if not has_zlib():
        pytest.skip("this build has no zlib")


# ---- books as bad as they come ----


def all_null(frame, key):
    return frame.assign(**{column: None for column in frame.columns if column not in key})


KEYS = {
    "activity": ["activity_id"],
    "lead": ["lead_id"],
    "opportunity": ["opportunity_id"],
    "account": ["account_id"],
    "subscription": ["subscription_id"],
    "spend": ["spend_id"],
    "quota": ["quota_id"],
    "target": ["target_id"],
    "opportunity_event": ["opportunity_id", "at"],
    "stage_def": ["pipeline_id", "stage_id"],
    "rep": ["rep_id"],
}


HOSTILE_COLUMNS = (
    *("source", "segment", "status", "type", "owner_id", "account_id", "lead_id", "team_id", "holder_type"),
    *("holder_id", "metric", "scope", "direction", "field", "old", "new"),
)


def spoil(tables, how):
    book = {name: frame.copy() for name, frame in tables.items()}
    numbers = ("amount", "unit_amount", "recurring_amount", "qty", "value", "probability", "rank")
    named = ("at", "start", "end", "period_start", "period_end", "hire_date", "leave_date")
    for name, key in KEYS.items():
        if name not in book:
            continue
        frame = book[name]
        money = [c for c in frame.columns if c in numbers]
        times = [c for c in frame.columns if c.endswith("_at") or c in named]
        match how:
            case "empty":
                book[name] = frame.iloc[:0]
            case "one row":
                book[name] = frame.iloc[:1]
            case "all null":
                book[name] = all_null(frame, key)
            case "not numbers":
                for i, column in enumerate(money):
                    book[name] = book[name].assign(**{column: [math.nan, math.inf, -math.inf][i % 3]})
            case "duplicate keys":
                book[name] = pd.concat([frame, frame.iloc[: len(frame) // 2]])
            case "reversed dates":
                for column in times:
                    if column not in ("created_at", "start", "period_start"):
                        book[name] = book[name].assign(**{column: "2001-02-03"})
            case "negative amounts":
                for column in money:
                    book[name] = book[name].assign(**{column: -book[name][column].astype(float).abs()})
            case "huge amounts":
                for column in money:
                    book[name] = book[name].assign(**{column: 9e15})
            case "amounts at the limit":  # of 64 bits in minor units
                for column in money:
                    book[name] = book[name].assign(**{column: "92233720368547758.07"})
            case "mixed currencies":
                if "currency" in frame:
                    codes = ["EUR" if i % 2 else "JPY" for i in range(len(frame))]
                    book[name] = frame.assign(currency=codes)
            case "wrong types":
                for column in [*money, *times]:
                    book[name] = book[name].assign(**{column: "the day before"})
            case "hostile strings":
                odd = ["'; drop table lead; --", "\x00", "a" * 5000, "𝔘\u202e", "null", " ", "%_", '"']
                for column in HOSTILE_COLUMNS:
                    if column in frame and column not in key:
                        cells = [odd[i % len(odd)] for i in range(len(frame))]
                        book[name] = book[name].assign(**{column: cells})
            case "far instants":
                for column in times:
                    cells = ["0001-01-01", "9999-12-31", "1969-12-31T23:59:59.999999"]
                    book[name] = book[name].assign(**{column: [cells[i % 3] for i in range(len(frame))]})
    return book


HOSTILE = [
    "empty",
    "one row",
    "all null",
    "not numbers",
    "duplicate keys",
    "reversed dates",
    "negative amounts",
    "huge amounts",
    "amounts at the limit",
    "mixed currencies",
    "wrong types",
    "hostile strings",
    "far instants",
]


@pytest.fixture(scope="session")
def tables():
    """The tables of a sample book."""
    return {name: table.to_pandas() for name, table in so.datasets.sample_tables(seed=5, deals=300).items()}


@pytest.fixture(scope="session")
def spoiled(tables):
    """A function that gives these tables, spoiled as its argument says."""
    return functools.partial(spoil, tables)


@pytest.fixture(scope="session", params=HOSTILE)
def hostile(request, spoiled):
    """How a book is spoiled, and the book."""
    return request.param, so.crm.Crm.build(spoiled(request.param))

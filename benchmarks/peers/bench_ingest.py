"""Read a million deals with texts as people write them; against pandas with a parser for each column.

Then a folder of a million deals with their history, as Parquet and as CSV: Polars and DuckDB read the same
files into memory, while `so.read` also checks, links and makes a book that can be rewound.
"""

from __future__ import annotations

import datetime as dt
import pathlib
import tempfile

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import salesops as so
from _bench import measure, report
from salesops import ingest

DEALS = 1_000_000
T = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def main() -> None:
    texts()
    with tempfile.TemporaryDirectory() as path:
        for form in ("parquet", "csv"):
            folder(pathlib.Path(path) / form, form)


def folder(path: pathlib.Path, form: str) -> None:
    """Read deals and their changes from files of one form, and rewind them."""
    path.mkdir()
    tables = so.datasets.sample_tables(seed=7, deals=DEALS, leads_per_deal=0, activities_per_deal=0)
    names = ("opportunity", "opportunity_event", "stage_def")
    for name in names:
        frame = tables[name].to_polars()
        if name == "opportunity_event":  # five or so a deal
            frame = frame.filter(pl.col("field").is_in(["stage", "amount", "close_date"]))
            events = len(frame)
        target = path / f"{name}.{form}"
        frame.write_parquet(target) if form == "parquet" else frame.write_csv(target)
    del tables, frame

    def with_polars() -> dict[str, pl.DataFrame]:
        if form == "parquet":
            return {name: pl.read_parquet(path / f"{name}.{form}") for name in names}
        # Times stay texts: parsing them would take ten times as long.
        return {name: pl.read_csv(path / f"{name}.{form}", infer_schema_length=10_000) for name in names}

    def with_duckdb() -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for name in names:
            connection.execute(
                f"create table {name} as select * from read_{form}_auto('{path / name}.{form}')"
                if form == "csv"
                else f"create table {name} as select * from read_parquet('{path / name}.{form}')"
            )
        return connection

    crm = so.read(path, progress=False)
    total = sum(amount or 0 for amount in crm.table("opportunity").to_dict()["amount"])
    polars, tables_of = with_polars(), with_duckdb()
    same = all(
        crm.table(name).num_rows
        == len(polars[name])
        == tables_of.execute(f"select count(*) from {name}").fetchall()[0][0]
        for name in names
    ) and bool(np.isclose(float(total), float(polars["opportunity"]["amount"].sum())))
    peers = {
        "polars, reads alone": measure(with_polars, repeat=3),
        "duckdb, reads alone": measure(with_duckdb, repeat=3),
    }
    ours = measure(lambda: so.read(path, progress=False), repeat=3)
    report(f"read a folder of {form}, {events:,} history rows", DEALS, ours, peers, same=same)
    report(f"as_of of the book from {form}", DEALS, measure(lambda: crm.as_of(T, progress=False)))


def texts() -> None:
    rng = np.random.default_rng(7)
    cents = rng.integers(0, 10_000_000, DEALS)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, DEALS), unit="D")
    frame = pd.DataFrame(
        {
            "Id": np.char.add("006", np.char.zfill(np.arange(DEALS).astype(str), 12)),
            "StageName": rng.choice(
                ["Prospecting", "Proposal", "Closed Won", "Closed Lost", "Select"], DEALS
            ),
            "Amount": [f"USD {cent / 100:,.2f}" for cent in cents],
            "CloseDate": days.strftime("%d/%m/%Y"),
            "Probability": rng.integers(0, 101, DEALS),
        }
    )

    def with_salesops() -> object:
        return ingest.read_tables({"Opportunity": frame}, "salesforce")

    def with_pandas() -> pd.DataFrame:
        return pd.DataFrame(
            {
                "opportunity_id": frame["Id"].str.strip(),
                "stage_id": frame["StageName"].replace("Select", None),
                "amount": frame["Amount"].str.removeprefix("USD ").str.replace(",", "").astype(float),
                "close_date": pd.to_datetime(frame["CloseDate"], dayfirst=True, format="%d/%m/%Y"),
                "probability": frame["Probability"] / 100,
            }
        )

    found, _ = ingest.read_tables({"Opportunity": frame}, "salesforce")
    ours, theirs = found["opportunity"].to_pandas(), with_pandas()
    same = bool(
        (ours["amount"].astype(float) == theirs["amount"]).all()
        and (pd.to_datetime(ours["close_date"]) == theirs["close_date"]).all()
        and (ours["stage_id"].isna() == theirs["stage_id"].isna()).all()
        and np.array_equal(ours["probability"], theirs["probability"])
    )
    report(
        "map and read five columns",
        DEALS,
        measure(with_salesops),
        {"pandas": measure(with_pandas)},
        same=same,
    )


if __name__ == "__main__":
    main()

"""Cohort grids with revenue beside DuckDB, Polars and pandas; projections with their fans.

    python bench_cohort.py [ROWS]          12,259,199 rows by default

Rows are of a tenth as many customers over 48 months, in random order: whole-number ids as int32, and the same
as texts of 18 characters.
"""

from __future__ import annotations

import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import salesops as so
from _bench import bandwidth_note, measure, peak, report

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdecimal() else 12_259_199
LARGE = min(100_000_000, 8 * ROWS)
US_A_DAY = 86_400_000_000
BEGIN = np.datetime64("2020-01-01T00:00:00", "us").astype(np.int64)
DAYS = 1461


def events(rows: int) -> pl.DataFrame:
    """Customers join over four years and come back the less the longer they are customers."""
    rng = np.random.default_rng(1)
    customers = max(1, rows * 1_250_000 // 12_259_199)
    joined = rng.integers(0, DAYS, customers)
    who = rng.integers(0, customers, rows).astype(np.int32)
    who[:customers] = np.arange(customers)
    since = np.minimum(rng.exponential(200, rows).astype(np.int64), 4 * DAYS)
    day = joined[who] + since
    day = np.where(day < DAYS, day, joined[who] + since % np.maximum(1, DAYS - joined[who]))
    at = BEGIN + day * US_A_DAY + rng.integers(0, US_A_DAY, rows)
    order = rng.permutation(rows)
    amount = rng.integers(1, 20_001, rows) / 100
    return pl.DataFrame({"customer": who[order], "time": at[order], "amount": amount[order]}).with_columns(
        pl.col("time").cast(pl.Datetime("us", "UTC"))
    )


SQL = """
with firsts as (select customer, date_trunc('month', min("time")) as cohort from data group by customer)
select cohort, datediff('month', cohort, date_trunc('month', "time")) as k,
  count(distinct customer) as active, sum(amount) as amount
from data join firsts using (customer) group by all order by all
"""
# Without count(distinct): one row a customer and month first. DuckDB's better way.
SQL_TWO_STEPS = """
with months as (
  select customer, date_trunc('month', "time") as m, sum(amount) as amount from data group by all),
firsts as (select customer, min(m) as cohort from months group by customer)
select cohort, datediff('month', cohort, m) as k, count(*) as active, sum(amount) as amount
from months join firsts using (customer) group by all order by all
"""


def by_polars(data: pl.DataFrame) -> pl.DataFrame:
    months = (
        data.lazy()
        .with_columns(m=pl.col("time").dt.year().cast(pl.Int32) * 12 + pl.col("time").dt.month())
        .group_by("customer", "m")
        .agg(pl.col("amount").sum())
        .with_columns(cohort=pl.col("m").min().over("customer"))
    )
    return (
        months.group_by("cohort", k=pl.col("m") - pl.col("cohort"))
        .agg(active=pl.len(), amount=pl.col("amount").sum())
        .sort("cohort", "k")
        .collect()
    )


def by_pandas(data: pd.DataFrame) -> pd.DataFrame:
    month = data["time"].dt.year * 12 + data["time"].dt.month
    months = data.assign(m=month).groupby(["customer", "m"], as_index=False, sort=False)["amount"].sum()
    months["cohort"] = months.groupby("customer", sort=False)["m"].transform("min")
    months["k"] = months["m"] - months["cohort"]
    return months.groupby(["cohort", "k"]).agg(active=("customer", "size"), amount=("amount", "sum"))


def bench_grid(data: pl.DataFrame, name: str, *, limit: float, also: tuple[str, ...] = ()) -> None:
    rows = len(data)

    def ours() -> so.cohort.Retention:
        return so.cohort.retention(data, amount="amount", currency="USD")

    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.register("source", data.to_arrow())
    # Without a zone: DuckDB cuts those into months much faster.
    connection.execute('create table data as select * replace ("time"::timestamp as "time") from source')
    grid = ours().to_frame().filter(pl.col("active") > 0)
    theirs = pl.from_arrow(connection.sql(SQL_TWO_STEPS).to_arrow_table())
    same = (
        grid["active"].to_list() == theirs["active"].to_list()
        and grid["k"].to_list() == theirs["k"].to_list()
        and np.allclose(grid["amount"].to_numpy(), theirs["amount"].to_numpy(), rtol=1e-9)
    )
    seconds = measure(ours)
    queries = (SQL_TWO_STEPS,) if rows > ROWS else (SQL, SQL_TWO_STEPS)
    took = {"duckdb": min(measure(lambda q=q: connection.sql(q).to_arrow_table(), repeat=3) for q in queries)}
    # Read: ids and times for their ends, then with the amounts' signs, then ids, periods and amounts.
    note = bandwidth_note(rows * (12 + 20 + 13), seconds) if data["customer"].dtype == pl.Int32 else None
    report(f"grid with revenue, {name}", rows, seconds, took, same=same, limit=limit, note=note)
    connection.close()
    if "polars" in also:
        same = grid["active"].to_list() == by_polars(data)["active"].to_list()
        took = {"polars": measure(lambda: by_polars(data), repeat=3)}
        report(f"grid with revenue, {name}", rows, seconds, took, same=same, limit=0.02)
    if "pandas" not in also:
        return
    frame = data.to_pandas()
    same = grid["active"].to_list() == by_pandas(frame)["active"].tolist()
    took = {"pandas": measure(lambda: by_pandas(frame), repeat=1)}
    report(f"grid with revenue, {name}", rows, seconds, took, same=same)
    zone = measure(lambda: so.cohort.retention(data, amount="amount", tz="America/New_York"))
    report("the same in New York", rows, zone)
    week = measure(lambda: so.cohort.retention(data, amount="amount", every="week"))
    report("the same by week", rows, week)
    life = measure(lambda: so.cohort.lifecycle(data))
    report("lifecycle by month", rows, life)
    grr = measure(
        lambda: so.cohort.retention(data, amount="amount", measure="grr_path", interval=None), repeat=3
    )
    report("grr_path (every customer's history)", rows, grr)


def bench_large() -> None:
    """Memory of 50 million rows; time of 100 million beside the better query and Polars."""
    data = events(LARGE // 2)
    added = peak(lambda: so.cohort.retention(data, amount="amount", currency="USD"))
    held = data.estimated_size()
    seconds = measure(lambda: so.cohort.retention(data, amount="amount", currency="USD"), repeat=3)
    note = f"{added / 1e9:.2f} GB at the peak, beside {held / 1e9:.2f} of rows; goal: under 3 GB"
    report("grid with revenue, int32 ids", len(data), seconds, note=note)
    bench_grid(events(LARGE), "int32 ids", limit=0.05, also=("polars",))


def bench_fans() -> None:
    rng = np.random.default_rng(2)
    triangle = []
    for c in range(60):
        theta = rng.beta(0.7, 3.8, 2000)
        left, row = 2000, [2000.0]
        for _ in range(59 - c):
            stays = rng.random(left) > theta[:left]
            theta = theta[:left][stays]
            left = int(stays.sum())
            row.append(float(left))
        triangle.append(row)
    made = so.cohort.Triangle(triangle)
    for fan in ("bootstrap", "posterior"):
        seconds = measure(lambda f=fan: made.project(12, fans=1000, fan=f, profile_level=0), repeat=3)
        report(f"1,000 {fan} fans of a 60 × 60 triangle", 1830, seconds, note="goal: under 1 s")


if __name__ == "__main__":
    numbers = events(ROWS)
    bench_grid(numbers, "int32 ids", limit=0.05, also=("polars", "pandas"))
    texts = numbers.with_columns(("C-" + pl.col("customer").cast(pl.String).str.zfill(16)).alias("customer"))
    bench_grid(texts, "ids of 18 characters", limit=0.2)
    # Polars writes its categories anew for whoever asks; Arrow's own dictionaries are used as they are.
    plain = texts.to_arrow()
    coded = plain.set_column(0, "customer", plain["customer"].dictionary_encode()).combine_chunks()
    report("grid, dictionary ids (Arrow)", ROWS, measure(lambda: so.cohort.retention(coded, amount="amount")))
    bench_fans()
    del numbers, texts, plain, coded
    bench_large()

"""Movements and retention of recurring revenue beside DuckDB and Polars.

    python bench_subscription.py [ROWS]          2,000,000 rows by default

Rows are of a quarter as many customers over 48 months, each for some months at a price, in random order. The
peers compute what dbt packages do, from changes instead of a spine of months: what was paid before, a case of
kinds.
"""

from __future__ import annotations

import datetime as dt
import resource
import sys

import duckdb
import numpy as np
import polars as pl
import salesops as so
from _bench import measure, report

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdecimal() else 2_000_000
MONTHS = 48
FIRST = dt.date(2022, 1, 1)
KINDS = ("new", "reactivation", "expansion", "contraction", "churn")
AS_OF = dt.date(2026, 1, 1)


def subscriptions(rows: int) -> pl.DataFrame:
    """Customers join over four years; a price holds for some months, then another, or a pause."""
    rng = np.random.default_rng(1)
    customers = max(1, rows // 4)
    begin = rng.integers(0, MONTHS * 30, rows)
    length = rng.geometric(1 / 200, rows)
    start = np.datetime64(FIRST) + begin
    return pl.DataFrame(
        {
            "customer": rng.integers(0, customers, rows).astype(np.int32),
            "start": start.astype("datetime64[D]"),
            "end": np.where(rng.random(rows) < 0.25, np.datetime64("NaT"), start + length).astype(
                "datetime64[D]"
            ),
            "amount": rng.integers(100, 50_001, rows) / 100,
        }
    )


# One row a customer and change instead of a spine of all months: the better way of both peers.
SQL = """
with changes as (
  select customer, datediff('month', date '2022-01-01', start) as m, round(amount * 100)::bigint as delta
  from data
  union all
  select customer, datediff('month', date '2022-01-01', "end"), -round(amount * 100)::bigint
  from data where "end" < date '2026-01-01'),
months as (select customer, m, sum(delta)::bigint as delta from changes where m < 48 group by all),
balances as (
  select customer, m, delta, sum(delta) over w - delta as before, sum(delta) over w as after,
    max(after) over (partition by customer order by m
      rows between unbounded preceding and 1 preceding) as ever
  from (select *, sum(delta) over (partition by customer order by m) as after from months)
  window w as (partition by customer order by m))
select m, case when before = 0 and after > 0 and coalesce(ever, 0) = 0 then 'new'
    when before = 0 and after > 0 then 'reactivation' when after = 0 then 'churn'
    when delta > 0 then 'expansion' else 'contraction' end as kind,
  count(*) as n, sum(delta)::bigint as amount
from balances where delta <> 0 group by all order by all
"""


def by_polars(data: pl.DataFrame) -> pl.DataFrame:
    def month(column: str) -> pl.Expr:
        day = pl.col(column)
        return ((day.dt.year() - 2022) * 12 + day.dt.month() - 1).cast(pl.Int32).alias("m")

    cents = (pl.col("amount") * 100).round().cast(pl.Int64)
    lazy = data.lazy()
    changes = pl.concat(
        [
            lazy.select("customer", month("start"), cents.alias("delta")),
            lazy.filter(pl.col("end") < AS_OF).select("customer", month("end"), (-cents).alias("delta")),
        ]
    )
    balances = (
        changes.filter(pl.col("m") < MONTHS)
        .group_by("customer", "m")
        .agg(pl.col("delta").sum())
        .sort("customer", "m")
        .with_columns(after=pl.col("delta").cum_sum().over("customer"))
        .with_columns(
            before=pl.col("after") - pl.col("delta"),
            ever=pl.col("after").shift(1).cum_max().over("customer").fill_null(0),
        )
        .filter(pl.col("delta") != 0)
    )
    came = (pl.col("before") == 0) & (pl.col("after") > 0)
    kind = (
        pl.when(came & (pl.col("ever") == 0)).then(pl.lit("new"))
        .when(came).then(pl.lit("reactivation"))
        .when(pl.col("after") == 0).then(pl.lit("churn"))
        .when(pl.col("delta") > 0).then(pl.lit("expansion"))
        .otherwise(pl.lit("contraction"))
    )  # fmt: skip
    summed = balances.group_by("m", kind=kind).agg(n=pl.len(), amount=pl.col("delta").sum())
    return summed.sort("m", "kind").collect()


def bench_movements(data: pl.DataFrame, name: str, *, limit: float) -> None:
    def ours() -> so.subscription.Movements:
        return so.subscription.movements(data, currency="USD", as_of=AS_OF)

    connection = duckdb.connect()
    connection.register("source", data.to_arrow())
    connection.execute("create table data as from source")
    found = ours().to_frame().filter(pl.col("kind").is_in(KINDS) & (pl.col("n") > 0)).sort("period", "kind")
    cents = (found["amount"] * 100).round().cast(pl.Int64).to_list()
    seconds = measure(ours)
    answers = {
        "duckdb": lambda: pl.from_arrow(connection.sql(SQL).to_arrow_table()),
        "polars": lambda: by_polars(data),
    }
    for peer, ask in answers.items():
        theirs = ask()
        same = found["n"].to_list() == theirs["n"].to_list() and cents == theirs["amount"].to_list()
        report(
            f"movements, {name}", len(data), seconds, {peer: measure(ask, repeat=3)}, same=same, limit=limit
        )


def by_sql_retention(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Net and gross retention over 12 months on a spine: customers × months with revenue."""
    return pl.from_arrow(
        connection.sql("""
        with spine as (select unnest(range(48)) as m),
        paid as (
          select customer, m, sum(round(amount * 100)::bigint)::bigint as mrr from data join spine
          on start <= last_day(date '2022-01-01' + to_months(m::int))
          and coalesce("end", date '9999-12-31') > last_day(date '2022-01-01' + to_months(m::int))
          group by all)
        select a.m + 12 as m, sum(a.mrr)::bigint as base, sum(coalesce(b.mrr, 0))::bigint as now,
          sum(least(a.mrr, coalesce(b.mrr, 0)))::bigint as kept
        from paid a left join paid b on a.customer = b.customer and b.m = a.m + 12
        where a.m < 36 group by all order by all""").to_arrow_table()
    )


def bench_retention(data: pl.DataFrame) -> None:
    def ours() -> so.subscription.Retention:
        return so.subscription.retention(data, currency="USD", as_of=AS_OF, reactivation=True)

    connection = duckdb.connect()
    connection.register("source", data.to_arrow())
    connection.execute("create table data as from source")
    theirs = by_sql_retention(connection)
    wide = ours().to_wide()
    same = (wide["start"] * 100).round().cast(pl.Int64).to_list() == theirs["base"].to_list() and np.allclose(
        wide["grr_point"].to_numpy(), (theirs["kept"] / theirs["base"]).to_numpy(), rtol=1e-12
    )
    took = {"duckdb": measure(lambda: by_sql_retention(connection), repeat=1)}
    report(
        "retention over 12 months, three rules and intervals",
        len(data),
        measure(ours, repeat=3),
        took,
        same=same,
    )


if __name__ == "__main__":
    numbers = subscriptions(ROWS)
    bench_movements(numbers, "int32 ids", limit=0.25)
    texts = numbers.with_columns(("C-" + pl.col("customer").cast(pl.String).str.zfill(16)).alias("customer"))
    bench_movements(texts, "ids of 18 characters", limit=0.5)
    bench_retention(numbers)
    named = numbers.with_columns(
        subscription=pl.col("customer"), seats=pl.lit(3, pl.Int32), plan=pl.lit("pro").cast(pl.Categorical)
    )
    how = {"subscription": "subscription", "quantity": "seats", "plan": "plan", "as_of": AS_OF}
    seconds = measure(lambda: so.subscription.movements(named, **how), repeat=3)
    report("movements with prices apart, overlaps settled", ROWS, seconds)
    seconds = measure(lambda: so.subscription.movements(numbers, window="1d", as_of=AS_OF), repeat=3)
    report("movements change by change", ROWS, seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory {peak:.2f} GB", file=sys.stderr)

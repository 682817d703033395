"""The scorecard by rep and month of a million deals, and the win rate alone, against Polars and DuckDB.

Peers count, add and average; the intervals are ours alone. All run on all CPUs, over the same frames.
"""

import math
import os

import duckdb
import polars as pl
import salesops as so
from _bench import bandwidth_note, measure, report

DEALS = 1_000_000
BY = ["owner", "month"]
MONTH = pl.col("closed_at").dt.truncate("1mo").alias("month")
WON, LOST = pl.col("is_won"), ~pl.col("is_won")
CYCLE = (pl.col("closed_at") - pl.col("created_at")).dt.total_microseconds() / 86_400e6
SCORECARD = [
    WON.sum().alias("won"),
    LOST.sum().alias("lost"),
    pl.len().alias("closed"),
    WON.mean().alias("win_rate"),
    pl.col("amount").filter(WON).sum().alias("won_amount"),
    pl.col("amount").filter(LOST).sum().alias("lost_amount"),
    pl.col("amount").filter(WON).mean().alias("average_deal"),
    pl.col("amount").filter(WON).std().alias("deal_sd"),
    CYCLE.filter(WON).mean().alias("mean_cycle"),
    CYCLE.filter(WON).std().alias("cycle_sd"),
]
SCORECARD_QUERY = """
select owner_id as owner, date_trunc('month', closed_at) as month,
  count(*) filter (is_won) as won, count(*) filter (not is_won) as lost, count(*) as closed,
  avg(is_won::int) as win_rate, coalesce(sum(amount) filter (is_won), 0) as won_amount,
  coalesce(sum(amount) filter (not is_won), 0) as lost_amount, avg(amount) filter (is_won) as average_deal,
  stddev_samp(amount) filter (is_won) as deal_sd,
  avg(epoch_us(closed_at) - epoch_us(created_at)) filter (is_won) / 86400e6 as mean_cycle,
  stddev_samp(epoch_us(closed_at) - epoch_us(created_at)) filter (is_won) / 86400e6 as cycle_sd
from deals where is_closed group by 1, 2
"""
RATE_QUERY = """
select owner_id as owner, date_trunc('month', closed_at) as month, count(*) filter (is_won) as won,
  count(*) as closed, avg(is_won::int) as win_rate
from deals where is_closed group by 1, 2
"""
# What a scan has to read of each deal: status, deletion, owner, close; with creation and amount.
RATE_BYTES, SCORECARD_BYTES = 1 + 1 + 4 + 8, 1 + 1 + 4 + 8 + 8 + 8


def agrees(ours: pl.DataFrame, theirs: pl.DataFrame, columns: list[str]) -> bool:
    """Whether every group has the same numbers."""
    theirs = theirs.with_columns(
        pl.col("owner").cast(pl.String), pl.col("month").dt.strftime("%Y-%m"), pl.exclude("owner", "month")
    )
    both = ours.join(theirs, on=BY, suffix="_peer", nulls_equal=True)
    if not len(both) == len(ours) == len(theirs):
        return False
    return all(
        (a is None or math.isnan(a)) == (b is None or math.isnan(b))
        and (a is None or math.isnan(a) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9))
        for name in columns
        for a, b in zip(both[name].cast(float), both[f"{name}_peer"].cast(float), strict=True)
    )


def main() -> None:
    tables = so.datasets.sample_tables(seed=7, deals=DEALS, reps=400, leads_per_deal=0, activities_per_deal=0)
    names = ("opportunity", "stage_def", "rep", "account", "opportunity_event")
    crm = so.crm.Crm.build({name: tables[name] for name in names if name != "opportunity_event"})
    columns = ["owner_id", "created_at", "closed_at", "is_won", "is_closed", "amount"]
    frame = (
        crm.table("opportunity")
        .select(columns)
        .to_polars()
        .with_columns(pl.col("owner_id").cast(pl.Categorical), pl.col("amount").cast(pl.Float64))
        .rename({"owner_id": "owner"})
    )
    connection = duckdb.connect(config={"threads": len(os.sched_getaffinity(0))})
    connection.register("source", frame.rename({"owner": "owner_id"}).to_arrow())
    connection.execute("create table deals as select * from source")

    def with_polars(expressions: list[pl.Expr]) -> pl.DataFrame:
        return frame.lazy().filter("is_closed").group_by("owner", MONTH).agg(expressions).collect()

    def with_duckdb(query: str) -> object:
        return connection.execute(query).to_arrow_table()

    sums = ["won", "lost", "closed", "win_rate", "won_amount", "lost_amount", "average_deal", "mean_cycle"]
    ours = so.kpi.scorecard(crm, by=BY).to_frame("polars")
    same = all(
        agrees(ours, pl.DataFrame(theirs), sums)
        for theirs in (with_polars(SCORECARD), with_duckdb(SCORECARD_QUERY))
    )
    seconds = measure(lambda: so.kpi.scorecard(crm, by=BY), repeat=15)
    report(
        "scorecard by rep and month, with intervals",
        DEALS,
        seconds,
        {
            "polars": measure(lambda: with_polars(SCORECARD)),
            "duckdb": measure(lambda: with_duckdb(SCORECARD_QUERY)),
        },
        same=same,
        limit=0.2,
        note=bandwidth_note(DEALS * SCORECARD_BYTES, seconds),
    )
    rates = so.kpi.win_rate(crm, by=BY).to_frame("polars").filter(pl.col("n") > 0)
    rates = rates.rename({"numerator": "won", "n": "closed"})
    same = all(
        agrees(rates, pl.DataFrame(theirs), ["won", "closed", "win_rate"])
        for theirs in (with_polars([SCORECARD[0], SCORECARD[2], SCORECARD[3]]), with_duckdb(RATE_QUERY))
    )
    seconds = measure(lambda: so.kpi.win_rate(crm, by=BY), repeat=15)
    report(
        "win rate by rep and month, with intervals",
        DEALS,
        seconds,
        {
            "polars": measure(lambda: with_polars([SCORECARD[0], SCORECARD[2], SCORECARD[3]])),
            "duckdb": measure(lambda: with_duckdb(RATE_QUERY)),
        },
        same=same,
        note=bandwidth_note(DEALS * RATE_BYTES, seconds),
    )
    tracked = so.crm.Crm.build({name: tables[name] for name in names})
    seconds = measure(lambda: so.kpi.scorecard(tracked, by=BY), repeat=15)
    report(
        "scorecard by rep as of the close, and month",
        DEALS,
        seconds,
        note=bandwidth_note(DEALS * SCORECARD_BYTES, seconds),
    )


if __name__ == "__main__":
    main()

"""Win rate, average deal and sales cycle by rep and month of a million deals, against Polars and DuckDB."""

import duckdb
import polars as pl
import salesops as so
from _bench import measure, report

DEALS = 1_000_000
BY = ["owner_id", "month"]
EXPRESSIONS = [
    pl.col("is_won").sum().alias("won"),
    pl.len().alias("closed"),
    pl.col("amount").filter(pl.col("is_won")).sum().alias("won_amount"),
    ((pl.col("closed_at") - pl.col("created_at")).dt.total_microseconds() / 86_400e6)
    .filter(pl.col("is_won"))
    .mean()
    .alias("cycle"),
]
QUERY = """
select owner_id, date_trunc('month', closed_at) as month, count(*) filter (is_won) as won, count(*) as closed,
  sum(amount) filter (is_won) as won_amount,
  avg(epoch_us(closed_at) - epoch_us(created_at)) filter (is_won) / 86400e6 as cycle
from deals where is_closed group by 1, 2
"""


def main() -> None:
    tables = so.datasets.sample_tables(seed=7, deals=DEALS, reps=400, leads_per_deal=0, activities_per_deal=0)
    crm = so.crm.Crm.build({name: tables[name] for name in ("opportunity", "stage_def", "rep", "account")})
    columns = ["owner_id", "created_at", "closed_at", "is_won", "is_closed", "amount"]
    frame = (
        crm.table("opportunity")
        .select(columns)
        .to_polars()
        .with_columns(pl.col("owner_id").cast(pl.Categorical))
    )
    connection = duckdb.connect()
    connection.register("source", frame.to_arrow())
    connection.execute("create table deals as select * from source")

    def with_polars() -> pl.DataFrame:
        month = pl.col("closed_at").dt.truncate("1mo").alias("month")
        return frame.filter(pl.col("is_closed")).group_by("owner_id", month).agg(EXPRESSIONS)

    ours = so.kpi.win_rate(crm, by=BY, where="is_closed").to_frame("polars")
    theirs = with_polars()
    same = ours["numerator"].sum() == theirs["won"].sum() and len(ours) == len(theirs)
    peers = {
        "polars": measure(with_polars),
        "duckdb": measure(lambda: connection.execute(QUERY).to_arrow_table()),
    }
    report(
        "win rate by rep and month, with intervals",
        DEALS,
        measure(lambda: so.kpi.win_rate(crm, by=BY)),
        peers,
        same=same,
    )


if __name__ == "__main__":
    main()

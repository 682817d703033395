"""Build a book of a million deals and rewind it; against the same state from DuckDB and Polars."""

import datetime as dt

import duckdb
import polars as pl
import salesops as so
from _bench import measure, report

DEALS = 1_000_000
T = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def main() -> None:
    tables = so.datasets.sample_tables(seed=7, deals=DEALS, leads_per_deal=0, activities_per_deal=0)
    wanted = {
        name: tables[name] for name in ("opportunity", "opportunity_event", "stage_def", "rep", "account")
    }
    events = wanted["opportunity_event"].num_rows
    report(
        f"build a book, {events:,} history rows", DEALS, measure(lambda: so.crm.Crm.build(wanted), repeat=1)
    )
    crm = so.crm.Crm.build(wanted)

    # The peers rebuild the stage alone; we rebuild every tracked column, keys and checks.
    frame = wanted["opportunity_event"].select(["opportunity_id", "at", "field", "new"]).to_polars()
    deals = wanted["opportunity"].select(["opportunity_id", "created_at"]).to_polars()

    def with_polars() -> pl.DataFrame:
        known = frame.filter((pl.col("field") == "stage") & (pl.col("at") <= T)).sort(
            "at", maintain_order=True
        )
        last = known.group_by("opportunity_id").agg(pl.col("new").last())
        return deals.filter(pl.col("created_at") <= T).join(last, on="opportunity_id", how="left")

    connection = duckdb.connect()
    connection.register("events", frame.rename({"at": "changed_at"}).to_arrow())
    connection.register("deals", deals.to_arrow())

    def with_duckdb() -> pl.DataFrame:
        result = connection.execute(
            "select d.opportunity_id, l.stage from deals d"
            " left join (select opportunity_id, arg_max(new, changed_at) stage"
            " from events where field = 'stage' and changed_at <= ? group by 1) l using (opportunity_id)"
            " where d.created_at <= ?",
            [T, T],
        ).to_arrow_table()
        return pl.DataFrame(result)

    def stages(result: pl.DataFrame, column: str) -> dict[str, int]:
        counts = result.group_by(column).len()
        return dict(zip(counts[column].cast(pl.String).to_list(), counts["len"].to_list(), strict=True))

    ours = stages(crm.as_of(T).table("opportunity").select(["stage_id"]).to_polars(), "stage_id")
    same = ours == stages(with_polars(), "new") == stages(with_duckdb(), "stage")
    peers = {"polars (stage only)": measure(with_polars), "duckdb (stage only)": measure(with_duckdb)}
    report("as_of, all tracked columns", DEALS, measure(lambda: crm.as_of(T)), peers, same=same)


if __name__ == "__main__":
    main()

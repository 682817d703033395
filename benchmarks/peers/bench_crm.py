"""Build a book of a million deals, rewind it (against DuckDB and Polars), and apply changes to it.

Changes have no peer but the book built anew: the lines of `apply` print that as their peer.
"""

from __future__ import annotations

import datetime as dt
import statistics
import time

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
    build = measure(lambda: so.crm.Crm.build(wanted), repeat=1)
    report(f"build a book, {events:,} history rows", DEALS, build)
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
    apply_changes(crm, wanted, build)


def apply_changes(crm: so.crm.Crm, tables: dict[str, so.Table], build: float) -> None:
    """Changes of one row and of a thousand, each on top of the last, as exports come in."""
    deals = tables["opportunity"].to_polars()
    events = tables["opportunity_event"]
    kind = deals["stage_id"].dtype

    def changed(first: int, rows: int, at: dt.datetime) -> pl.DataFrame:
        """Deals all over the book, a unit of money dearer and in another stage from `at` on."""
        frame = deals.gather_every(len(deals) // rows, first % (len(deals) // rows)).head(rows)
        return frame.with_columns(
            pl.col("amount") + 1,
            pl.lit("negotiation").cast(kind).alias("stage_id"),
            pl.lit(at).alias("source_modified_at"),
        )

    def new(number: int, at: dt.datetime) -> pl.DataFrame:
        return changed(number, 1, at).with_columns(pl.lit(f"new {number}").alias("opportunity_id"))

    def event(number: int, at: dt.datetime) -> pl.DataFrame:
        return events.slice(number * 997, 1).to_polars().with_columns(pl.lit(at).alias("at"))

    tasks = {
        "one changed deal": lambda i, at: {"opportunity": changed(i * 997, 1, at)},
        "one new deal": lambda i, at: {"opportunity": new(i, at)},
        "one new history row": lambda i, at: {"opportunity_event": event(i, at)},
        "1,000 changed deals": lambda i, at: {"opportunity": changed(i, 1000, at)},
    }
    for task, change in tasks.items():
        grown, times = crm, []
        changes = [change(i, crm.latest + dt.timedelta(hours=1 + i)) for i in range(15)]
        for rows in changes:
            begin = time.perf_counter()
            grown = grown.apply(rows)
            times.append(time.perf_counter() - begin)
        peers, same = {"the book built anew": build}, agree(crm, grown, anew(tables, changes))
        report(f"apply {task}, the first", DEALS, times[0], peers, same=same)
        report(f"apply {task}, the next", DEALS, statistics.median(times[1:]), peers, same=same, limit=0.02)


def anew(tables: dict[str, so.Table], changes: list[dict[str, pl.DataFrame]]) -> so.crm.Crm:
    """The book of the tables as the changes leave them."""
    changed = {name: table.to_polars() for name, table in tables.items()}
    for name in changes[0]:
        changed[name] = pl.concat([changed[name], *(rows[name] for rows in changes)], how="diagonal_relaxed")
    deals = changed["opportunity"].unique("opportunity_id", keep="last", maintain_order=True)
    return so.crm.Crm.build(changed | {"opportunity": deals})


def agree(before: so.crm.Crm, grown: so.crm.Crm, other: so.crm.Crm) -> bool:
    """Whether the book is as one built anew, with its scorecard, and the past of its old deals as before."""

    def rows(crm: so.crm.Crm, name: str) -> pl.DataFrame:
        frame = crm.table(name).to_polars().with_columns(pl.col(pl.Categorical).cast(pl.String))
        return frame.select(sorted(frame.columns)).sort(pl.all())

    names = ("opportunity", "opportunity_event")
    today = all(rows(grown, name).equals(rows(other, name)) for name in names)
    past = rows(before.as_of(T), "opportunity")
    kept = rows(grown.as_of(T), "opportunity").join(past, on="opportunity_id", how="semi")
    cards = [so.kpi.scorecard(crm, by="owner").to_table().to_dict() for crm in (grown, other)]
    return today and kept.select(past.columns).sort(pl.all()).equals(past) and cards[0] == cards[1]


if __name__ == "__main__":
    main()

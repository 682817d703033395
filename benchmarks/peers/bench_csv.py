"""Reading and writing a mixed file of deals, beside Polars, PyArrow and DuckDB."""

from __future__ import annotations

import importlib.util
import pathlib
import random
import tempfile
from collections.abc import Callable
from typing import Any

from _bench import measure, report
from salesops import csv

ROWS = 2_000_000


def make(path: pathlib.Path) -> None:
    """Deals with ids, names, stages, amounts, days, instants and quoted notes; seeded."""
    rng = random.Random(7)
    stages = ["Prospecting", "Engaging", "Proposal", "Won", "Lost"]
    names = [f"Customer {i}, Ltd." if i % 4 == 0 else f"Customer {i}" for i in range(20_000)]
    with path.open("w") as out:
        out.write("deal,customer,stage,amount,quantity,created,changed,note\n")
        for i in range(ROWS):
            name = rng.choice(names)
            name = f'"{name}"' if "," in name else name
            day = f"20{rng.randrange(18, 26)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
            at = f"{day}T{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}Z"
            note = '"said ""call back"""' if i % 50 == 0 else "" if i % 3 else f"note {rng.randrange(500)}"
            amount = f"{rng.randrange(10_000_000) / 100:.2f}"
            row = f"D-{i:08},{name},{rng.choice(stages)},{amount},{rng.randrange(100)},{day},{at},{note}\n"
            out.write(row)


def readers(path: pathlib.Path) -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {}
    try:
        import polars as pl

        found["polars"] = lambda: pl.read_csv(path, try_parse_dates=True).to_arrow()
    except ImportError:
        pass
    try:
        from pyarrow import csv as arrow_csv

        found["pyarrow"] = lambda: arrow_csv.read_csv(path)
    except ImportError:
        pass
    try:
        import duckdb

        found["duckdb"] = lambda: duckdb.sql(f"from read_csv('{path}')").to_arrow_table()
    except ImportError:
        pass
    return found


def facts(table: Any) -> tuple[int, int, int, int]:
    """What every reader must agree on: rows, cents, pieces, distinct customers."""
    import pyarrow.compute as pc

    cents = pc.sum(pc.cast(pc.round(pc.multiply(table["amount"], 100)), "int64")).as_py()
    return len(table), cents, pc.sum(table["quantity"]).as_py(), pc.count_distinct(table["customer"]).as_py()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "deals.csv"
        make(path)
        result = csv.read(path)
        ours = measure(lambda: csv.read(path))
        want = facts(result.table.to_arrow())
        for peer, read in readers(path).items():
            same = facts(read()) == want
            report("read csv", ROWS, ours, {peer: measure(read)}, same=same, limit=1.5)
        ours = measure(lambda: csv.read(path, threads=1))
        report(f"read csv, one thread ({path.stat().st_size / ours / 1e6:.0f} MB/s)", ROWS, ours)

        copy = pathlib.Path(folder) / "copy.csv"
        ours = measure(lambda: csv.write(result.table, copy))
        if importlib.util.find_spec("polars") is None:
            report("write csv", ROWS, ours)
            return
        frame = result.table.to_polars()
        peer_copy = pathlib.Path(folder) / "peer.csv"
        peer_time = measure(lambda: frame.write_csv(peer_copy))
        same = facts(csv.read(copy).table.to_arrow()) == want == facts(csv.read(peer_copy).table.to_arrow())
        report("write csv", ROWS, ours, {"polars": peer_time}, same=same, limit=1.5)


if __name__ == "__main__":
    main()

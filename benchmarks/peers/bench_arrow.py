"""Import and export of 10 million rows: seconds against PyArrow's own way, and peak memory on top."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _bench import measure, peak, report
from salesops._core.table import Table

ROWS = 10_000_000


def line(task: str, call, peers=None, same: bool = True) -> None:
    """Report the time of a task and its peak memory."""
    note = f"{peak(call) / 1e6:.1f} MB at the peak"
    report(task, ROWS, measure(call, repeat=3), peers or {}, same=same, note=note)


rng = np.random.default_rng(1)
numbers = pa.table({"amount": rng.normal(size=ROWS), "id": np.arange(ROWS)})
chunked = pa.Table.from_batches(numbers.to_batches(max_chunksize=100_000))
stages = pa.array(["new", "qualified", "proposal", "negotiation", "won", "lost"])
few = pa.table({"stage": stages.take(pa.array(rng.integers(0, 6, ROWS)))})
many = pa.table({"customer": pc.cast(pa.array(rng.integers(0, 1_000_000, ROWS)), pa.string())})
ours = Table.from_arrow(few)


def borrowed(data: pa.Table) -> bool:
    """Whether every column lies where its producer put it: nothing was copied."""
    table = Table.from_arrow(data)
    addresses = {name: table.column(name).values().ctypes.data for name in data.column_names}
    return all(data[name].chunk(0).buffers()[1].address == at for name, at in addresses.items())


assert borrowed(numbers), "numbers of one batch were copied"
print("import numbers, one batch: every address is the producer's", file=sys.stderr)
line("import numbers, one batch", lambda: Table.from_arrow(numbers))


def returns(data: pa.Table) -> bool:
    """Whether the rows come back as they went in."""
    return Table.from_arrow(data).to_arrow().cast(data.schema).equals(data)


def encode(data: pa.Table) -> dict[str, float]:
    """Time of PyArrow's own dictionary encoding."""
    return {"pyarrow": measure(lambda: data.column(0).dictionary_encode(), repeat=3)}


combine = {"pyarrow": measure(chunked.combine_chunks, repeat=3)}
line("import numbers, 100 batches", lambda: Table.from_arrow(chunked), combine, returns(chunked))
line("import text, 6 distinct", lambda: Table.from_arrow(few), encode(few), returns(few))
line("import text, 1 million distinct", lambda: Table.from_arrow(many), encode(many), returns(many))
codes = few["stage"].dictionary_encode()
decode = {"pyarrow": measure(lambda: codes.cast(pa.large_string()), repeat=3)}
line("export text", ours.to_arrow, decode, ours.to_arrow()["stage"].equals(codes.cast(pa.large_string())))
line("export codes", lambda: ours.to_arrow(strings="dictionary"))

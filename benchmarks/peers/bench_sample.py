"""Rows a second of the sample generator. It has no peer: nobody else draws a book with its truth."""

from __future__ import annotations

from _bench import measure, report
from salesops import sample

for deals in (5_000, 100_000):
    book = sample.crm(deals=deals)
    rows = sum(table.num_rows for table in book.tables.values())
    report(
        f"sample book of {deals:,} deals",
        rows,
        measure(lambda deals=deals: sample.crm(deals=deals), repeat=3),
    )

"""A book's won deals as contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesops._columns import to_numpy
from salesops._core.error import UsageError
from salesops._core.table import Column, Table
from salesops.calendar import TimeZone
from salesops.crm import Crm
from salesops.subscription._segments import UNKNOWN, instants_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def won_deals(book: Crm, zone: TimeZone) -> Table:
    """Won deals: the day they closed, the day after their term (null without one), what they bring."""
    import numpy as np

    deals = book.table("opportunity") if "opportunity" in book.tables else Table.empty(0)
    lacking = [name for name in ("is_won", "amount", "term_months") if not deals.has(name)]
    if not (deals.has("closed_at") or deals.has("close_date")):
        lacking.append("close_date")
    if lacking:
        raise UsageError(
            f"the book's deals have no {', no '.join(lacking)}; pass a frame of contracts with start, end "
            "and amount instead of the book"
        )
    day = np.full(len(deals), "NaT", dtype="datetime64[D]")
    if deals.has("close_date"):
        day = to_numpy(deals.column("close_date")).astype("datetime64[D]")
    if deals.has("closed_at"):
        at = instants_of(deals.column("closed_at"), zone)
        days = zone.local_days(np.where(at == UNKNOWN, 0, at)).astype("datetime64[D]")
        day = np.where(at == UNKNOWN, day, days)
    terms = to_numpy(deals.column("term_months")).astype(np.float64)
    whole = (terms > 0) & (terms <= 1200) & (terms == np.floor(terms)) & ~np.isnat(day)
    # The same day of the month, or its last.
    month = np.where(whole, day, np.datetime64(0, "D")).astype("datetime64[M]")
    after = month + np.where(whole, terms, 0).astype("timedelta64[M]")
    length = (after + 1).astype("datetime64[D]") - after.astype("datetime64[D]")
    end = after.astype("datetime64[D]") + np.minimum(day - month.astype("datetime64[D]"), length - 1)

    won, amount = deals.column("is_won"), deals.column("amount")
    valid, known = won.valid(), amount.valid()
    rows = np.flatnonzero(won.values() if valid is None else won.values() & valid)
    names, codes = (deals.column(name).to_list() for name in ("opportunity_id", "currency"))
    return Table(
        [
            ("opportunity_id", Column.of_strings([names[i] for i in rows])),
            ("closed", _dates(day[rows], ~np.isnat(day[rows]))),
            ("term_months", _dates(end[rows], whole[rows])),
            ("amount", Column.of("money", amount.values()[rows], None if known is None else known[rows])),
            ("currency", Column.of_strings([codes[i] for i in rows])),
        ]
    )


def _dates(days: npt.NDArray[np.datetime64], valid: npt.NDArray[np.bool_]) -> Column:
    import numpy as np

    return Column.of("date", np.where(valid, days.astype(np.int64), 0).astype(np.int32), valid)

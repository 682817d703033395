"""A seeded CRM book with the truth that no real book tells, for tests, demonstrations and benchmarks."""

from __future__ import annotations

import datetime as dt

from salesops._arguments import checked
from salesops._core.sample import Sample, Truth
from salesops._core.sample import crm as _crm
from salesops._names import listing
from salesops._progress import Wanted, shown

__all__ = ["Sample", "Truth", "crm"]
__dir__ = listing(__name__)


@checked
def crm(
    seed: int = 7,
    deals: int = 5000,
    *,
    start: dt.date | str = "2023-01-01",
    months: int = 36,
    end: dt.date | str | None = None,
    reps: int = 24,
    currency: str = "USD",
    foreign_share: float = 0.0,
    pipelines: int = 2,
    leads_per_deal: float = 1.5,
    activities_per_deal: float = 4.0,
    dirt: float = 0.0,
    threads: int = 0,
    progress: Wanted = None,
) -> Sample:
    """Draw the book of an invented business-to-business seller.

    Parameters
    ----------
    seed
        Equal seeds and options give equal books, on any number of threads.
    deals
        Deals created in the whole window. More deals add accounts and leave the others as they are.
    start, months
        The window in which deals are created.
    end
        The book shows what had happened before this day; by default the window's end. A book with an
        earlier `end` is exactly the past of the later one.
    reps
        Sellers; managers come on top.
    foreign_share
        Share of accounts billed in another currency; adds the table ``fx_rate``.
    pipelines
        2 gives renewals a pipeline of their own.
    leads_per_deal
        Leads that never become a deal, for each deal.
    activities_per_deal
        Mean number of calls, mails, meetings and notes of a deal.
    dirt
        Share of rows to spoil: repeated rows, keys that name nothing, closes before creation,
        probabilities on a 0-100 scale, strings of blanks.
    threads
        0 takes the CPUs this process may use.
    progress
        Called now and then with the share done, 0 to 1. None shows a bar when the work is long and standard
        error is a terminal or a notebook; False shows none.

    Returns
    -------
    Sample
        ``.tables`` by name, as in the data model, and ``.truth``: eventual outcomes, skills, hazards.

    Examples
    --------
    >>> book = crm(seed=7, deals=100)
    >>> book.table("opportunity").num_rows
    100
    """
    with shown(progress, "drawing a sample") as tell:
        return _crm(
            seed,
            deals,
            str(start),
            months,
            None if end is None else str(end),
            reps,
            currency,
            foreign_share,
            pipelines,
            leads_per_deal,
            activities_per_deal,
            dirt,
            threads,
            tell,
        )

"""
Recurring revenue, its movements and what is kept (salesops/subscription.hpp).
"""

from __future__ import annotations
import datetime
import salesops._core.calendar
import salesops._core.crm
import salesops._core.issues
import salesops._core.table
import typing

__all__: list[str] = [
    "Columns",
    "ContractValues",
    "Movements",
    "Options",
    "RenewalOptions",
    "Renewals",
    "Retention",
    "RetentionOptions",
    "State",
    "contract_values",
    "magic_number",
    "renewals",
]

class Columns:
    """
    Where a table of subscriptions keeps what is needed.
    """

    allow_negative: bool
    amount: str
    billing: str
    billing_count: str
    charges: bool
    churn_at: str
    closed: str
    currency: str
    customer: str
    discount: str
    end: str
    end_included: bool
    follow: str
    minor_units: bool
    plan: str
    quantity: str
    start: str
    subscription: str
    trial_end: str
    usual_billing: str
    zone: salesops._core.calendar.TimeZone
    def __init__(self) -> None: ...
    @property
    def closed_by(self) -> int: ...
    @closed_by.setter
    def closed_by(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class Options:
    """
    How revenue is followed.
    """

    calendar: salesops._core.calendar.FiscalCalendar
    every: str
    keep_balances: bool
    keep_movements: bool
    overlaps: str
    rates: salesops._core.table.Table | None
    to: str
    def __init__(self) -> None: ...
    def convert(
        self,
        kind: str,
        max_age: typing.SupportsInt | typing.SupportsIndex | None,
        through: str,
        missing: str,
        day: datetime.date | None,
    ) -> None: ...
    @property
    def as_of(self) -> int | None: ...
    @as_of.setter
    def as_of(self, arg1: typing.SupportsInt | typing.SupportsIndex | None) -> None: ...
    @property
    def grace_us(self) -> int: ...
    @grace_us.setter
    def grace_us(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def max_periods(self) -> int: ...
    @max_periods.setter
    def max_periods(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def window_us(self) -> int | None: ...
    @window_us.setter
    def window_us(self, arg0: typing.SupportsInt | typing.SupportsIndex | None) -> None: ...

class RetentionOptions:
    """
    How revenue is compared.
    """

    interval: str
    options: Options
    reactivation: bool
    def __init__(self) -> None: ...
    @property
    def level(self) -> float: ...
    @level.setter
    def level(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def over(self) -> int: ...
    @over.setter
    def over(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def replicates(self) -> int: ...
    @replicates.setter
    def replicates(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def seed(self) -> int: ...
    @seed.setter
    def seed(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class Movements:
    """
    Recurring revenue and what moved it, by period.
    """

    every: str
    follow: str
    def balances_table(self) -> salesops._core.table.Table: ...
    def long_table(self) -> salesops._core.table.Table: ...
    def moved_table(self) -> salesops._core.table.Table: ...
    def mrr_table(self) -> salesops._core.table.Table: ...
    def quick_ratio(
        self, period: typing.SupportsInt | typing.SupportsIndex, with_reactivation: bool
    ) -> float | None: ...
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def active(self) -> list[int]: ...
    @property
    def amount(self) -> typing.Annotated[list[list[int]], "FixedSize(7)"]: ...
    @property
    def as_of(self) -> int: ...
    @property
    def count(self) -> typing.Annotated[list[list[int]], "FixedSize(7)"]: ...
    @property
    def currency(self) -> str: ...
    @property
    def end(self) -> list[int]: ...
    @property
    def fx(self) -> list[int]: ...
    @property
    def issues(self) -> salesops._core.issues.Issues: ...
    @property
    def kinds(self) -> list[str]: ...
    @property
    def periods(self) -> list[str]: ...
    @property
    def start(self) -> list[int]: ...
    @property
    def starts(self) -> list[datetime.date]: ...
    @property
    def state(self) -> list[str]: ...
    @property
    def window_us(self) -> int | None: ...
    @property
    def zone(self) -> str: ...

class Retention:
    """
    What is left of start cohorts, by period.
    """

    every: str
    follow: str
    def long_table(self) -> salesops._core.table.Table: ...
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def as_of(self) -> int: ...
    @property
    def bases(self) -> list[str]: ...
    @property
    def confidence(self) -> float: ...
    @property
    def currency(self) -> str: ...
    @property
    def customers(self) -> list[int]: ...
    @property
    def issues(self) -> salesops._core.issues.Issues: ...
    @property
    def over(self) -> int: ...
    @property
    def periods(self) -> list[str]: ...
    @property
    def reactivation(self) -> bool: ...
    @property
    def state(self) -> list[str]: ...
    @property
    def zone(self) -> str: ...

class State:
    """
    Subscriptions by customer; mergeable.
    """
    @staticmethod
    def of_book(crm: salesops._core.crm.Crm, columns: Columns, pauses_end: bool) -> State: ...
    @staticmethod
    def partial(
        rows: salesops._core.table.Table, columns: Columns, threads: typing.SupportsInt | typing.SupportsIndex
    ) -> State: ...
    def __init__(self) -> None: ...
    def finish(
        self, options: Options, threads: typing.SupportsInt | typing.SupportsIndex, progress: typing.Any
    ) -> Movements: ...
    def merge(self, other: State) -> None: ...
    def retention(
        self,
        options: RetentionOptions,
        threads: typing.SupportsInt | typing.SupportsIndex,
        progress: typing.Any,
    ) -> Retention: ...
    @property
    def customers(self) -> int: ...
    @property
    def rows(self) -> int: ...

class RenewalOptions:
    """
    How renewals are found.
    """

    options: Options
    def __init__(self) -> None: ...
    @property
    def early_us(self) -> int: ...
    @early_us.setter
    def early_us(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def late_us(self) -> int: ...
    @late_us.setter
    def late_us(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def level(self) -> float: ...
    @level.setter
    def level(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class Renewals:
    """
    What came up for renewal and what was renewed, by period.
    """

    every: str
    follow: str
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def as_of(self) -> int: ...
    @property
    def confidence(self) -> float: ...
    @property
    def currency(self) -> str: ...
    @property
    def issues(self) -> salesops._core.issues.Issues: ...
    @property
    def pending(self) -> list[int]: ...
    @property
    def periods(self) -> list[str]: ...
    @property
    def renewed(self) -> list[int]: ...
    @property
    def state(self) -> list[str]: ...
    @property
    def up(self) -> list[int]: ...
    @property
    def zone(self) -> str: ...

class ContractValues:
    """
    What contracts are worth.
    """
    def __len__(self) -> int: ...
    def to_table(self) -> salesops._core.table.Table: ...
    @property
    def issues(self) -> salesops._core.issues.Issues: ...

def contract_values(
    rows: salesops._core.table.Table,
    columns: Columns,
    one_off: str,
    convention: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> ContractValues: ...
def magic_number(
    revenue: typing.SupportsInt | typing.SupportsIndex,
    revenue_before: typing.SupportsInt | typing.SupportsIndex,
    cost_before: typing.SupportsInt | typing.SupportsIndex,
) -> float | None: ...
def renewals(
    state: State, options: RenewalOptions, threads: typing.SupportsInt | typing.SupportsIndex
) -> Renewals: ...

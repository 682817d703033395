"""Movements by segment: every kind adds up to that of the whole, and `transfer` to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from salesops._core.error import UsageError
from salesops._core.money import Currency
from salesops._core.table import Column, Table
from salesops.subscription import _segments

if TYPE_CHECKING:
    import numpy.typing as npt

    from salesops._core import subscription as _core
    from salesops.subscription._segments import Numbers, Segments

TRANSFER = 7  # after the kinds of the core
NEW, REACTIVATION, EXPANSION, PRICE_UP, CONTRACTION, PRICE_DOWN, CHURN = range(7)


@dataclass
class Moves:
    """Movements of customers: place of the customer and its segment, period, kind, amounts."""

    customer: Numbers
    segment: Numbers
    period: Numbers
    kind: Numbers
    amount: Numbers
    before: Numbers
    after: Numbers

    def take(self, rows: npt.NDArray[Any] | slice) -> Moves:
        """Some of them."""
        return Moves(**{name: values[rows] for name, values in vars(self).items()})


def together(all_moves: list[Moves]) -> Moves:
    """All of them, by segment, customer and period."""
    import numpy as np

    made = Moves(
        **{name: np.concatenate([vars(one)[name] for one in all_moves]) for name in vars(all_moves[0])}
    )
    return made.take(np.lexsort((made.kind, made.period, made.customer, made.segment)))


class Flow:
    """Revenue of each segment and what moved it; arrays are segments × periods, in minor units."""

    def __init__(
        self, segments: Segments, whole: _core.Movements, parts: list[_core.Movements], converted: bool
    ) -> None:
        import numpy as np

        self.by, self.labels, self.periods = segments.by, segments.labels, whole.periods
        self.kinds = [*whole.kinds, "transfer"]
        self.state, self.currency = whole.state, whole.currency
        self._whole, self._parts = whole, parts
        size = len(self.periods)

        def all_of(name: str) -> Numbers:
            made = np.zeros((len(parts), size), dtype=np.int64)
            for row, part in zip(made, parts, strict=True):
                row[size - len(part.periods) :] = getattr(part, name)
            return made

        self.start, self.fx, self.end, self.active = map(all_of, ("start", "fx", "end", "active"))
        self.annual = all_of("annual")
        self._place: dict[Any, int] = {}
        of_whole = self._moves_of(whole, 0)
        moves = [self._moves_of(part, segment) for segment, part in enumerate(parts)]
        self.moves, self.wanderers = shared(
            together(moves or [of_whole.take(slice(0, 0))]), of_whole, size, len(parts)
        )
        self.amount = np.zeros((len(self.kinds), len(parts), size), dtype=np.int64)
        self.count = np.zeros_like(self.amount)
        where = (self.moves.kind, self.moves.segment, self.moves.period)
        np.add.at(self.amount, where, self.moves.amount)
        np.add.at(self.count, where, 1)
        off = np.abs(self.end.sum(axis=0) - np.asarray(whole.end, dtype=np.int64))
        # A conversion rounds what each customer pays in each segment.
        if (off > (self.wanderers * len(parts) if converted else 0)).any():
            raise UsageError(
                f"the segments of '{self.by}' don't add up to the whole: rows of one subscription overlap in "
                "several segments, or grace joins them; end each row where the next begins, leave grace out, "
                "or let rows add up with overlaps='sum'"
            )

    def _moves_of(self, core: _core.Movements, segment: int) -> Moves:
        import numpy as np

        table = core.moved_table()
        lead = len(self.periods) - len(core.periods)
        customer, period, kind, amount, before, after = (table.column(name) for name in table.names)
        return Moves(
            self._places(customer),
            np.full(len(table), segment),
            period.values().astype(np.int64) + lead,
            kind.values().astype(np.int64),
            amount.values(),
            before.values(),
            after.values(),
        )

    def _places(self, customers: Column) -> Numbers:
        """Places of customers among all those seen."""
        import numpy as np

        if customers.type == "string":
            names, codes = customers.dictionary, customers.values()
        else:
            found, codes = np.unique(customers.values(), return_inverse=True)
            names = found.tolist()
        places = np.array([self._place.setdefault(name, len(self._place)) for name in names], dtype=np.int64)
        return places[codes] if len(places) else np.zeros(0, dtype=np.int64)

    # ---- tables ----

    def _grid(self) -> list[tuple[str, Column]]:
        """The segment and period of each row."""
        import numpy as np

        size, n = len(self.periods), len(self.labels)
        table = self._whole.mrr_table()
        places = np.repeat(np.arange(n, dtype=np.int32), size)
        periods = Column.of_codes(np.tile(np.arange(size, dtype=np.int32), n), None, self.periods)
        days = Column.of("date", np.tile(table.column("start_date").values(), n))
        return [
            (self.by, Column.of_codes(places, None, self.labels)),
            ("period", periods),
            ("start_date", days),
        ]

    def _money(self, values: Numbers) -> Column:
        return Column.of("money", values.ravel(), None, 0, self.currency)

    def _states(self) -> Column:
        return Column.of_strings(self.state * len(self.labels))

    def to_table(self) -> Table:
        """One row a segment and period: start, the movements, transfer, fx, end, customers, quick_ratio."""
        columns = [*self._grid(), ("start", self._money(self.start))]
        columns += [(name, self._money(self.amount[i])) for i, name in enumerate(self.kinds)]
        columns += [("fx", self._money(self.fx)), ("end", self._money(self.end))]
        columns.append(("customers", Column.of("int64", self.active.ravel())))
        columns.append(("quick_ratio", share(*self.gains_and_losses())))
        return Table([*columns, ("state", self._states())])

    def gains_and_losses(self, reactivation: bool = True) -> tuple[Numbers, Numbers]:
        """What quick ratios divide; transfers are neither."""
        gains = [NEW, EXPANSION, PRICE_UP, *([REACTIVATION] if reactivation else [])]
        losses = [CONTRACTION, PRICE_DOWN, CHURN]
        return self.amount[gains].sum(axis=0), -self.amount[losses].sum(axis=0)

    def long_table(self) -> Table:
        """Long: segment, period, kind, n, amount, state."""
        import numpy as np

        before = np.hstack([np.zeros((len(self.labels), 1), dtype=np.int64), self.active[:, :-1]])
        before = before[:, : len(self.periods)]
        kinds = ["start", *self.kinds, "fx", "end"]
        n = np.stack([before, *self.count, np.zeros_like(self.fx), self.active], axis=2)
        amounts = np.stack([self.start, *self.amount, self.fx, self.end], axis=2)
        cells = len(self.labels) * len(self.periods)
        rows = np.repeat(np.arange(cells, dtype=np.int32), len(kinds))
        size = max(len(self.periods), 1)
        return Table(
            [
                (self.by, Column.of_codes(rows // size, None, self.labels)),
                ("period", Column.of_codes(rows % size, None, self.periods)),
                ("kind", Column.of_codes(np.tile(np.arange(len(kinds), dtype=np.int32), cells), None, kinds)),
                ("n", Column.of("int64", n.ravel())),
                ("amount", self._money(amounts)),
                ("state", Column.of_strings([self.state[i % size] for i in rows.tolist()])),
            ]
        )

    def mrr_table(self) -> Table:
        """One row a segment and period: mrr, arr, customers, arpa, state."""
        digits = Currency(self.currency).exponent if self.currency else 2
        columns = [*self._grid(), ("mrr", self._money(self.end)), ("arr", self._money(self.annual))]
        columns.append(("customers", Column.of("int64", self.active.ravel())))
        columns.append(("arpa", share(self.end, self.active * 10**digits)))
        return Table([*columns, ("state", self._states())])

    def moved_table(self) -> Table:
        """Segment, customer, period, kind, amount, before, after."""
        import numpy as np

        moves, names = self.moves, list(self._place)
        whole = self._whole.moved_table()
        texts = whole.column(whole.names[0]).type == "string"
        customers = (
            Column.of_codes(moves.customer.astype(np.int32), None, names)
            if texts
            else Column.of("int64", np.array(names, dtype=np.int64)[moves.customer])
        )
        return Table(
            [
                (self.by, Column.of_codes(moves.segment.astype(np.int32), None, self.labels)),
                (whole.names[0], customers),
                ("period", Column.of_codes(moves.period.astype(np.int32), None, self.periods)),
                ("kind", Column.of_codes(moves.kind.astype(np.int32), None, self.kinds)),
                *((name, self._money(getattr(moves, name))) for name in ("amount", "before", "after")),
            ]
        )

    def balances_table(self) -> Table:
        """Segment, customer, period, mrr."""
        tables = [part.balances_table() for part in self._parts]
        return _segments.labelled(self.by, self.labels, tables, self._whole.balances_table())


def share(over: Numbers, under: Numbers) -> Column:
    """A column of ratios; null where there is nothing to divide by."""
    import numpy as np

    known = under.ravel() > 0
    return Column.of("float64", np.where(known, over.ravel() / np.where(known, under.ravel(), 1), 0.0), known)


# ---- customers in several segments ----


def shared(moves: Moves, whole: Moves, periods: int, segments: int) -> tuple[Moves, int]:
    """What moved in each segment so that kinds add up, and how many customers are in several.

    A customer's movement of a period is what it is for the whole customer. Who is new, comes back or leaves
    does so in all segments; else each kind is shared among the segments in proportion to what they gained or
    lost by it. The rest of what a segment gained or lost went from one to another: its transfer.
    """
    import numpy as np

    seen = np.unique(moves.customer * segments + moves.segment)
    names, n = np.unique(seen // segments, return_counts=True)
    names = names[n > 1]
    ours = np.isin(moves.customer, names)
    if not ours.any():
        return moves, 0
    own, of_whole = moves.take(ours), whole.take(np.isin(whole.customer, names))

    # Cells are a customer's period in a segment, groups its period.
    key = own.customer * periods + own.period
    cells, cell = np.unique(key * segments + own.segment, return_inverse=True)
    groups, group = np.unique(cells // segments, return_inverse=True)
    first = np.unique(cell, return_index=True)[1]
    whole_key = of_whole.customer * periods + of_whole.period
    at = np.searchsorted(groups, whole_key)
    there = at < len(groups)
    there[there] = groups[at[there]] == whole_key[there]
    by_kind = np.zeros((TRANSFER, len(groups)), dtype=np.int64)
    np.add.at(by_kind, (of_whole.kind[there], at[there]), of_whole.amount[there])
    change, price = np.zeros(len(cells), dtype=np.int64), np.zeros(len(cells), dtype=np.int64)
    np.add.at(change, cell, own.amount)
    priced = np.isin(own.kind, (PRICE_UP, PRICE_DOWN))
    np.add.at(price, cell[priced], own.amount[priced])

    made = np.zeros((TRANSFER + 1, len(cells)), dtype=np.int64)
    alike = by_kind[[NEW, REACTIVATION, CHURN]] != 0
    for kind, those in zip((NEW, REACTIVATION, CHURN), alike, strict=True):
        made[kind] = np.where(those[group], change, 0)
    others = ~alike.any(axis=0)
    change[~others[group]] = 0
    prices = np.where(others, by_kind[PRICE_UP] + by_kind[PRICE_DOWN], 0)
    rest = -prices
    np.add.at(rest, group, change)
    for up, down, amounts, weights in (
        (PRICE_UP, PRICE_DOWN, prices, (price, change - price)),
        (EXPANSION, CONTRACTION, rest, (change - price, change)),
    ):
        part = portions(amounts, group, weights)
        made[up], made[down] = np.maximum(part, 0), np.minimum(part, 0)
        change = change - part
    made[TRANSFER] = change
    kind_of, place = np.nonzero(made)
    moved = own.take(first[place])
    moved.kind, moved.amount = kind_of, made[kind_of, place]
    return together([moves.take(~ours), moved]), len(names)


def portions(amounts: Numbers, group: Numbers, weights: tuple[Numbers, ...]) -> Numbers:
    """Each group's amount split over its cells by the first weights of its sign; it adds up exactly."""
    import numpy as np

    sign = np.sign(amounts)[group]
    chosen = np.zeros(len(group), dtype=np.int64)
    total = np.zeros(len(amounts), dtype=np.int64)
    for one in (*weights, sign):
        own = np.where((np.sign(one) == sign) & (total[group] == 0), np.abs(one), 0)
        np.add.at(total, group, own)
        chosen += own
    # Whole numbers of Python: products go beyond 64 bits.
    running = np.cumsum(chosen)
    begins = np.searchsorted(group, np.arange(len(amounts)))
    running -= (running[begins] - chosen[begins])[group]
    reached = running.astype(object) * np.abs(amounts)[group] // np.maximum(total, 1)[group].astype(object)
    steps = np.diff(reached, prepend=0)
    steps[begins] = reached[begins]
    split: Numbers = sign * steps.astype(np.int64)
    return split

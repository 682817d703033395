"""A book out of what there is: folders of files, dataframes, databases, exports of a CRM."""

from __future__ import annotations

import copy
import json
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from salesops import calendar
from salesops._arguments import checked
from salesops._arguments import path as path_of
from salesops._core import ingest as _ingest
from salesops._core.crm import data_model as _data_model
from salesops._core.error import UsageError
from salesops._core.ingest import Mapping as CoreMapping
from salesops._core.issues import Issues
from salesops._core.table import Table
from salesops._names import listing
from salesops._progress import Wanted, part, shown, warn
from salesops._sources import Reader
from salesops.crm import Crm

__all__ = ["IssueError", "IssueWarning", "mapping", "presets", "read", "read_tables"]
__dir__ = listing(__name__)

Spec = dict[str, Any]
MappingLike = str | os.PathLike[str] | Mapping[str, Any] | CoreMapping


class IssueWarning(UserWarning):
    """Rows of a source didn't fit; ``.issues`` has them."""

    issues: Issues


class IssueError(UsageError):
    """Rows of a source didn't fit and ``on_issue="raise"`` was asked; ``.issues`` has them."""

    issues: Issues


@checked
def read(
    source: Any,
    mapping: MappingLike | None = None,
    *,
    columns: Mapping[str, Any] | None = None,
    tables: Mapping[str, str] | Iterable[str] | None = None,
    date_order: Literal["dmy", "mdy", "ymd"] | None = None,
    decimal: Literal[".", ","] | None = None,
    tz: Any = None,
    currency: str = "",
    money_unit: Literal["major", "minor"] = "major",
    on_issue: Literal["collect", "warn", "raise"] = "collect",
    progress: Wanted = None,
) -> Crm:
    """Read a book of CRM tables.

    Parameters
    ----------
    source
        A folder of CSV or Parquet files named as their tables, one such file, a dict of table names to
        dataframes, a DuckDB or SQLite file, a database URL (SQLAlchemy), or a connection of DuckDB,
        SQLite, SQLAlchemy, ADBC or any DB-API 2 driver (with `tables`).
    mapping
        ``"salesforce"``, ``"hubspot"``, ``"pipedrive"``, ``"odoo"``, a dict, or a TOML or JSON file. Without
        one, tables and columns have the names of the data model.
    columns
        More columns, ``{"loss_reason": "Loss_Reason__c"}`` or ``{"opportunity.amount": ["TCV", "ACV"]}``.
    tables
        ``{"opportunity": "my_deals"}`` where names differ, or a list of the only tables to read.
    date_order
        The order in dates such as 03/04/2026; without it, a column that leaves it open is null and an issue.
    decimal
        The decimal mark of numbers in text.
    tz
        The zone of times without one, and in which a time is cut to a date (default UTC).
    currency
        ISO 4217 code of amounts that don't name one.
    money_unit
        ``"minor"`` when integers are cents.
    on_issue
        ``"warn"`` or ``"raise"`` when a row didn't fit; ``.issues`` has them in any case.
    progress
        Called now and then with the share done, 0 to 1. None shows a bar when the work is long and standard
        error is a terminal or a notebook; False shows none.

    Examples
    --------
    >>> import salesops as so
    >>> deals = {"Id": ["006A", "006B"], "StageName": ["Closed Won", "New"], "Amount": ["$1,200.50", "-"]}
    >>> crm = so.read({"Opportunity": deals}, "salesforce", currency="USD")
    >>> crm.table("opportunity").to_dict()["amount"]
    [1200.5, None]
    """
    if on_issue not in ("collect", "warn", "raise"):
        raise UsageError(f"on_issue is 'collect', 'warn' or 'raise', not {on_issue!r}")
    with shown(progress, "reading the book") as told:
        found, notes = read_tables(
            source,
            mapping,
            columns=columns,
            tables=tables,
            date_order=date_order,
            decimal=decimal,
            tz=tz,
            progress=part(told, 0, 0.6),
        )
        crm = Crm.build(found, currency=currency, money_unit=money_unit, progress=part(told, 0.6, 1))
        notes.merge(_ingest.check(crm._core))
    crm = Crm(crm._core, notes)
    tell(crm.issues, on_issue)
    return crm


@checked
def read_tables(
    source: Any,
    mapping: MappingLike | None = None,
    *,
    columns: Mapping[str, Any] | None = None,
    tables: Mapping[str, str] | Iterable[str] | None = None,
    date_order: Literal["dmy", "mdy", "ymd"] | None = None,
    decimal: Literal[".", ","] | None = None,
    tz: Any = None,
    progress: Wanted = None,
) -> tuple[dict[str, Table], Issues]:
    """Read tables under the names of the data model, not yet checked against each other; see `read`.

    Examples
    --------
    >>> from salesops import ingest
    >>> tables, issues = ingest.read_tables({"deals": {"id": [7], "title": ["Pumps"]}}, "pipedrive")
    >>> tables["opportunity"].names
    ['opportunity_id', 'name']
    """
    zone = calendar.time_zone(tz) if tz is not None else None
    core = core_mapping(mapping, columns, date_order, decimal, zone.name if zone else None)
    reader = Reader(core, tables)
    zones = [calendar.time_zone(name) for name in _ingest.zones(core)]
    with shown(progress, "reading tables") as tell:
        raw = reader.read(source, part(tell, 0, 0.7))
        for name, wanted in (columns or {}).items():
            if not stands_in(raw, wanted):
                table, _, column = name.rpartition(".")
                reader.issues.add(table, -1, column, "column_not_found")
        found, issues = _ingest.apply(core, raw, zones, part(tell, 0.7, 1))
    reader.issues.merge(issues)
    return found, reader.issues


def presets() -> list[str]:
    """Names of the mappings that come with the library.

    Examples
    --------
    >>> from salesops import ingest
    >>> ingest.presets()
    ['salesforce', 'hubspot', 'pipedrive', 'odoo']
    """
    return _ingest.presets()


def mapping(source: str | os.PathLike[str] | Mapping[str, Any]) -> Spec:
    """Read a mapping as a dict: a preset's name, or a TOML or JSON file.

    Examples
    --------
    >>> from salesops import ingest
    >>> ingest.mapping("pipedrive")["tables"]["stage_def"]["columns"]["rank"]
    ['order_nr']
    """
    if isinstance(source, Mapping):
        return copy.deepcopy(dict(source))
    if isinstance(source, str) and source in _ingest.presets():
        made: Spec = json.loads(_ingest.preset_text(source))
        return made
    path = pathlib.Path(path_of(source, "mapping"))
    if path.suffix not in (".toml", ".json") or not path.is_file():
        raise UsageError(
            f"no mapping '{source}': need one of {', '.join(_ingest.presets())}, "
            "or a TOML or JSON file that is there"
        )
    return from_file(path)


# ---- the mapping ----


def from_file(path: pathlib.Path) -> Spec:
    """Read a TOML or JSON file."""
    import tomllib

    text = path.read_text(encoding="utf-8")
    try:
        made = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        raise UsageError(f"mapping {path.name}: {error}") from error
    if not isinstance(made, dict):
        raise UsageError(f"mapping {path.name}: need a table at the top level")
    return made


def core_mapping(
    source: MappingLike | None,
    columns: Mapping[str, Any] | None,
    date_order: str | None,
    decimal: str | None,
    zone: str | None,
) -> CoreMapping:
    """Put a mapping and the caller's options together."""
    if isinstance(source, CoreMapping):
        if columns or date_order or decimal or zone:
            raise UsageError(
                "a finished Mapping takes no columns=, date_order=, decimal= or tz=; give a dict instead"
            )
        return source
    spec = {} if source is None else mapping(source)
    options = {"date_order": date_order, "decimal": decimal, "zone": zone}
    spec |= {name: value for name, value in options.items() if value is not None}
    for name, wanted in (columns or {}).items():
        extend(spec, name, wanted)
    try:
        text = json.dumps(spec)
    except TypeError as error:
        raise UsageError(f"mapping: {error}; use texts, numbers, true and false") from error
    return CoreMapping.parse(text)


def extend(spec: Spec, name: str, wanted: Any) -> None:
    """Add a column ``"name"`` or ``"table.name"`` to the tables that can have it."""
    table, _, column = name.rpartition(".")
    known = {row[0] for row in _data_model()}
    having = [row[0] for row in _data_model() if row[1] == column]
    if table and table not in known:
        raise UsageError(f"columns: no table '{table}' in '{name}'; tables are {', '.join(sorted(known))}")
    if not table and not having:
        raise UsageError(
            f"columns: the data model has no '{name}'; for a column of your own write \"table.{name}\""
        )
    tables = spec.setdefault("tables", {})
    for target in [table] if table else having:
        entries = tables.setdefault(target, {})
        for entry in entries if isinstance(entries, list) else [entries]:
            there = entry.setdefault("columns", {})
            there[column] = extended(there.get(column), wanted)


def extended(old: Any, wanted: Any) -> Any:
    """Put the caller's columns before those of the mapping."""
    if isinstance(wanted, Mapping):
        return dict(wanted)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if isinstance(old, str):
        return [*names, old]
    if isinstance(old, list):
        return [*names, *old] if all(isinstance(item, str) for item in old) else [{"from": names}, *old]
    if isinstance(old, dict) and "from" in old:
        return {**old, "from": extended(old["from"], names)}
    return names


def stands_in(raw: list[tuple[str, Table]], wanted: Any) -> bool:
    """Whether a source has one of the columns that the caller named; a constant needs none."""
    if isinstance(wanted, Mapping):
        return "from" not in wanted or stands_in(raw, wanted["from"])
    if not isinstance(wanted, str):
        return any(stands_in(raw, each) for each in wanted)

    def key(name: str) -> str:
        return "".join(c for c in name.lower() if c.isalnum())

    return any(key(name) == key(wanted) for _, table in raw for name in table.names)


# ---- issues ----


def tell(issues: Issues, on_issue: str) -> None:
    """Warn or raise if a row didn't fit; notes of severity info are no reason."""
    if on_issue == "collect":
        return
    summary = issues.summary().to_dict()
    lines = zip(*(summary[name] for name in ("table", "column", "rule", "n", "severity")), strict=True)
    told = [
        f"{table}.{column}: {rule} ({n})" for table, column, rule, n, severity in lines if severity != "info"
    ]
    if not told:
        return
    more = f" and {len(told) - 5} more" if len(told) > 5 else ""
    text = "; ".join(told[:5]) + more
    if on_issue == "raise":
        error = IssueError(text)
        error.issues = issues
        raise error
    warning = IssueWarning(text)
    warning.issues = issues
    warn(warning)

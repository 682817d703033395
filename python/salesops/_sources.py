"""Raw tables out of folders, files, frames and database connections."""

from __future__ import annotations

import contextlib
import csv as text_csv
import gzip
import importlib.util
import io
import os
import pathlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from salesops import csv
from salesops._arguments import texts
from salesops._columns import column_from_objects, is_from, is_missing
from salesops._core import csv as _csv
from salesops._core import ingest as _ingest
from salesops._core.error import DataError, UsageError
from salesops._core.issues import Issues
from salesops._core.table import Column, Table
from salesops._frame import to_core
from salesops._progress import Progress

HEAD = 1 << 16
FILES = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet")
Raw = list[tuple[str, Table]]
Fetch = Callable[[str], Table]


class Reader:
    """Reads the tables of a source that a mapping understands."""

    def __init__(self, mapping: _ingest.Mapping, tables: Mapping[str, str] | Iterable[str] | None) -> None:
        self.mapping, self.issues = mapping, Issues()
        self.tell: Progress | None = None
        self.tz = mapping.clock or mapping.zone or None
        if isinstance(tables, str):
            raise UsageError('tables= is a list of table names or {"opportunity": "their_table"}')
        self.renamed = (
            {theirs: ours for ours, theirs in tables.items()} if isinstance(tables, Mapping) else {}
        )
        self.only = None if tables is None or isinstance(tables, Mapping) else texts(tables, "tables")

    def read(self, source: Any, tell: Progress | None = None) -> Raw:
        """Find out what the source is and read it; `tell` hears of each table that is read."""
        self.tell = tell
        if isinstance(source, Mapping):
            return self.frames(source)
        if isinstance(source, str) and "://" in source:
            return self.url(source)
        if isinstance(source, str | os.PathLike):
            return self.path(pathlib.Path(source))
        for library, read in [*self.connections(), ("", self.dbapi)]:
            if is_from(source, library) or (not library and hasattr(source, "cursor")):
                with drivers_told():
                    return read(source)
        raise UsageError(
            f"can't read from {type(source).__module__}.{type(source).__name__}: need a folder or file, "
            'a dict of frames such as {"opportunity": frame}, '
            "or a DuckDB, SQLite, SQLAlchemy or ADBC connection"
        )

    def told(self, done: int, tables: int) -> None:
        """Say how many of the tables are read."""
        if self.tell is not None:
            self.tell(done / tables)

    def connections(self) -> list[tuple[str, Callable[[Any], Raw]]]:
        """Readers of connections by the library they come from."""
        return [
            ("sqlite3", self.sqlite),
            ("duckdb", self.duckdb),
            ("_duckdb", self.duckdb),
            ("sqlalchemy", self.sqlalchemy),
            ("adbc_driver_manager", self.adbc),
        ]

    def wanted(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Pairs of the source's name and the name to read it under, of those that are understood."""
        names = list(names)
        asked = self.only if self.only is not None else list(self.renamed)
        for name in asked:
            if name not in names:
                raise UsageError(
                    f"no table '{name}' in the source; it has: {' '.join(sorted(names)) or 'none'}"
                )
        if self.only is not None:
            return [(name, name) for name in self.only]
        pairs = [(name, self.renamed.get(name, name.rsplit(".", 1)[-1])) for name in names]
        whole = [(name, name if _ingest.understands(self.mapping, name) else short) for name, short in pairs]
        return [(name, as_) for name, as_ in whole if _ingest.understands(self.mapping, as_)]

    # ---- frames and files ----

    def frames(self, source: Mapping[str, Any]) -> Raw:
        """Read a dict of table names to frames."""
        raw = []
        for done, (name, frame) in enumerate(source.items()):
            self.told(done, len(source))
            if not isinstance(name, str):
                raise UsageError(f"the names of tables are texts, not {type(name).__name__}")
            if self.only is None or name in self.only:
                try:
                    raw.append((self.renamed.get(name, name), self.table(frame, name)))
                except (UsageError, DataError) as error:
                    raise type(error)(f"table '{name}': {error}") from error
        return raw

    def table(self, frame: Any, name: str) -> Table:
        """Read one dataframe; a column of a type that can't be read (lists, bytes) is an issue."""
        unread: list[str] = []
        table = to_core(frame, tz=self.tz, unread=unread)
        for column in unread:
            self.issues.add(name, -1, column, "unsupported_type", table.num_rows)
        return table

    def path(self, path: pathlib.Path) -> Raw:
        """Read a folder, a database file or one table."""
        if path.is_dir():
            return self.folder(path)
        if not path.exists():
            raise UsageError(f"no file or folder {path}")
        with path.open("rb") as file:
            head = file.read(16)
        if head.startswith(b"SQLite format 3\0"):
            return self.sqlite_file(path)
        if head[8:12] == b"DUCK":
            return self.duckdb_file(path)
        name = stem(path)
        if name is None:
            raise UsageError(
                f"{path.name}: need a CSV or Parquet file, a DuckDB or SQLite file, or a folder of these"
            )
        return [(self.renamed.get(name, name), self.file(path, self.renamed.get(name, name)))]

    def folder(self, folder: pathlib.Path) -> Raw:
        """Read the files whose names are tables that the mapping or the data model knows; name the others."""
        found = [(stem(path), path) for path in sorted(folder.iterdir()) if path.is_file()]
        named = [(name, path) for name, path in found if name is not None]
        paths = dict(named)
        wanted = self.wanted(paths)
        read = {name for name, _ in wanted}
        for name, path in named:
            if name in read and paths[name] != path:
                raise UsageError(f"two files hold the table '{name}': {path.name} and {paths[name].name}")
        if not wanted:
            others = ", ".join(path.name for _, path in named[:12]) or "no CSV or Parquet files"
            raise UsageError(
                f"no file of {folder} has the name of a table (found {others}); name them as the data model "
                'or the mapping does, or say which is which with tables={"opportunity": "file_stem"}'
            )
        raw = []
        for done, (name, as_) in enumerate(wanted):
            raw.append((as_, self.file(paths[name], as_)))
            self.told(done + 1, len(wanted))
        # A file that is no table goes along empty: applying the mapping names it (`unknown_table`).
        strange = [] if self.only is not None else sorted(set(paths) - read)
        return [*raw, *((name, Table([])) for name in strange)]

    def file(self, path: pathlib.Path, name: str) -> Table:
        """Read one CSV or Parquet file."""
        if path.suffix == ".parquet":
            return self.table(parquet(path), name)
        data = path.read_bytes() if path.stat().st_size < HEAD else None
        head = data if data is not None else first_bytes(path)
        if head.startswith(b"\x1f\x8b"):
            head = unpacked(path, HEAD)
        if not head.strip(b"\0\r\n\t \xef\xbb\xbf"):
            self.issues.add(name, -1, "", "empty_file")
            return Table([])
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            try:
                return self.csv_of(unzipped(path).decode("utf-16").encode(), name)
            except UnicodeError as error:
                raise DataError(f"{path.name}: begins as UTF-16 and isn't; save it as UTF-8") from error
        return self.csv_of(head, name, path)

    def csv_of(self, head: bytes, name: str, path: pathlib.Path | None = None) -> Table:
        """Read CSV below its title lines; `head` is the start of `path`, or all there is."""
        text = head.decode(errors="replace").removeprefix("\ufeff")
        skip = _ingest.title_lines(self.mapping, text)
        below = text.split("\n", skip)[skip]
        delimiter, names = header(below)
        texts = _ingest.text_columns(self.mapping, name, list(dict.fromkeys(names)))
        source: str | bytes = head if path is None else str(path)
        if skip:
            whole = head if path is None else unzipped(path)
            source = whole.split(b"\n", skip)[skip]
            self.issues.add(name, 0, "", "title_row", skip)
        result = csv.read(
            source,
            delimiter=delimiter,
            types=dict.fromkeys(texts, "string"),
            on_ragged="issue",
            strip_guard=True,
            name=name,
        )
        self.issues.merge(result.issues)
        return result.table

    # ---- connections ----

    def fetched(self, names: Iterable[str], fetch: Fetch) -> Raw:
        """Read each table that is wanted."""
        wanted = self.wanted(names)
        if not wanted:
            raise UsageError(
                "the source has no table that the mapping or the data model knows; "
                'say which is which with tables={"opportunity": "their_table"}'
            )
        raw = []
        for done, (name, as_) in enumerate(wanted):
            raw.append((as_, fetch(name)))
            self.told(done + 1, len(wanted))
        return raw

    def sqlite_file(self, path: pathlib.Path) -> Raw:
        """Read a SQLite file, opened read-only."""
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return self.sqlite(connection)
        except sqlite3.DatabaseError as error:
            raise DataError(f"{path.name}: {error}") from error
        finally:
            connection.close()

    def sqlite(self, connection: sqlite3.Connection) -> Raw:
        """Read the tables and views of a SQLite connection."""
        listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        names = [str(row[0]) for row in connection.execute(listed)]
        return self.fetched(names, lambda name: from_cursor(connection.execute(select(name))))

    def duckdb_file(self, path: pathlib.Path) -> Raw:
        """Read a DuckDB file, opened read-only."""
        duckdb = need("duckdb", "DuckDB files need duckdb")
        connection = duckdb.connect(str(path), read_only=True)
        try:
            return self.duckdb(connection)
        finally:
            connection.close()

    def duckdb(self, connection: Any) -> Raw:
        """Read the tables and views of a DuckDB connection."""
        listed = (
            "SELECT CASE table_schema WHEN 'main' THEN '' ELSE table_schema || '.' END || table_name "
            "FROM information_schema.tables WHERE table_catalog IN (current_database(), 'temp')"
        )
        names = [str(row[0]) for row in connection.execute(listed).fetchall()]
        return self.fetched(names, lambda name: self.table(connection.sql(select(name)), name))

    def url(self, url: str) -> Raw:
        """Read through SQLAlchemy from a database URL."""
        sqlalchemy = need("sqlalchemy", "database URLs need SQLAlchemy")
        try:
            engine = sqlalchemy.create_engine(url)
        except ImportError as error:
            raise UsageError(
                f"the driver of {url.split(':')[0]} URLs isn't installed ({error}); install it, or read from "
                "an open connection"
            ) from error
        except sqlalchemy.exc.ArgumentError as error:
            raise UsageError(
                f"{url.split(':')[0]}: SQLAlchemy can't make sense of this database URL"
            ) from error
        file = engine.url.database or ""
        # These would make a file that isn't there.
        named = engine.dialect.name in ("sqlite", "duckdb") and file and not file.startswith((":", "file:"))
        if named and not pathlib.Path(file).exists():
            raise UsageError(f"no file {file}: the database of {engine.url} is not there")
        try:
            with drivers_told():
                return self.sqlalchemy(engine)
        finally:
            engine.dispose()

    def sqlalchemy(self, source: Any) -> Raw:
        """Read the tables and views of a SQLAlchemy engine or connection."""
        sqlalchemy = need("sqlalchemy", "this connection needs SQLAlchemy")
        if isinstance(source, sqlalchemy.Engine):
            with source.connect() as connection:
                return self.sqlalchemy(connection)
        inspector = sqlalchemy.inspect(source)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        names += [name for name in self.asked() if "." in name]

        def fetch(name: str) -> Table:
            schema, _, table = name.rpartition(".")
            everything: Any = sqlalchemy.select(sqlalchemy.literal_column("*"))
            table_of = sqlalchemy.table(table, schema=schema or None)
            result = source.execute(everything.select_from(table_of))
            return from_rows(list(result.keys()), result.fetchall())

        return self.fetched(names, fetch)

    def asked(self) -> list[str]:
        """Names of source tables that the caller gave."""
        return list(self.renamed) + list(self.only or [])

    def adbc(self, connection: Any) -> Raw:
        """Read the tables of an ADBC connection (adbc_driver_manager.dbapi)."""

        def fetch(name: str) -> Table:
            with connection.cursor() as cursor:
                cursor.execute(select(name))
                return self.table(cursor.fetch_arrow(), name)

        names = self.asked()
        if not names:
            need(
                "pyarrow",
                "listing the tables of an ADBC connection needs pyarrow (or name them with tables=)",
            )
            catalogs = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
            schemas = [s for c in catalogs for s in c["catalog_db_schemas"] or []]
            names = [t["table_name"] for s in schemas for t in s["db_schema_tables"] or []]
        return self.fetched(names, fetch)

    def dbapi(self, connection: Any) -> Raw:
        """Read the tables that `tables` names from any DB-API 2 connection."""
        if not self.asked():
            raise UsageError(
                f"a {type(connection).__module__} connection doesn't list its tables; name them: "
                'tables={"opportunity": "their_table"}'
            )

        def fetch(name: str) -> Table:
            cursor = connection.cursor()
            try:
                cursor.execute(select(name))
                return from_cursor(cursor)
            finally:
                cursor.close()

        return self.fetched(self.asked(), fetch)


# ---- files ----


def stem(path: pathlib.Path) -> str | None:
    """Name of the table in a file; None for a file of another kind."""
    name = path.name
    for ending in sorted(FILES, key=len, reverse=True):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return None


def first_bytes(path: pathlib.Path) -> bytes:
    """Read the start of a file."""
    with path.open("rb") as file:
        return file.read(HEAD)


def unzipped(path: pathlib.Path) -> bytes:
    """Read all of a file, unpacked if it is gzip, within the limits of `csv.read`."""
    if not first_bytes(path).startswith(b"\x1f\x8b"):
        return path.read_bytes()
    limits = _csv.Limits()
    most = max(limits.gzip_ratio_floor, path.stat().st_size * limits.max_gzip_ratio)
    most = min(most, limits.max_bytes)
    text = unpacked(path, most + 1)
    if len(text) > most:
        raise DataError(f"{path.name}: the compressed file grows beyond {most:,} bytes; unpack it first")
    return text


def unpacked(path: pathlib.Path, size: int) -> bytes:
    """The first bytes of the text in a gzip file."""
    try:
        with gzip.open(path) as file:
            return file.read(size)
    except EOFError as error:
        raise DataError(f"{path.name}: the gzip data ends too early; the file was cut") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path.name}: broken gzip data ({error})") from error


def header(text: str) -> tuple[str, list[str]]:
    """Find the delimiter that cuts the first line into most names, and the names."""
    best: tuple[str, list[str]] = (",", [])
    for delimiter in ",;\t|":
        try:
            names = next(text_csv.reader(io.StringIO(text), delimiter=delimiter), [])
        except text_csv.Error:
            continue
        if len(names) > len(best[1]):
            best = (delimiter, names)
    return best


def parquet(path: pathlib.Path) -> Any:
    """Read a Parquet file with what is installed."""
    if importlib.util.find_spec("pyarrow") is not None:
        pa = importlib.import_module("pyarrow")
        try:
            return importlib.import_module("pyarrow.parquet").read_table(path)
        except pa.ArrowException as error:
            raise DataError(f"{path.name}: {error}") from error
    if importlib.util.find_spec("polars") is not None:
        return importlib.import_module("polars").read_parquet(path)
    duckdb = need("duckdb", "Parquet files need pyarrow or duckdb")
    return duckdb.from_parquet(str(path))


# ---- SQL ----


@contextlib.contextmanager
def drivers_told() -> Iterator[None]:
    """Errors of a database or its driver (PEP 249 calls them `Error`) as `DataError`."""
    try:
        yield
    except (UsageError, DataError):
        raise
    except Exception as error:
        if not any(kind.__name__ in ("Error", "SQLAlchemyError") for kind in type(error).__mro__):
            raise
        said = " ".join(str(error).split())[:200]
        raise DataError(f"the database can't be read: {type(error).__name__}: {said}") from error


def select(name: str) -> str:
    """Make the statement that reads a table, its name quoted part by part."""
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
    return f"SELECT * FROM {quoted}"


def from_cursor(cursor: Any) -> Table:
    """Make a table of the rows of a DB-API cursor."""
    return from_rows([str(column[0]) for column in cursor.description], cursor.fetchall())


def from_rows(names: list[str], rows: list[Any]) -> Table:
    """Make a table of rows of Python values; a column of several kinds becomes text."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    taken: dict[str, Column] = {}
    for name, values in zip(names, columns, strict=True):
        unique, n = name, 2
        while unique in taken:
            unique, n = f"{name}_{n}", n + 1
        taken[unique] = column_of(list(values))
    return Table(list(taken.items()))


def column_of(values: list[Any]) -> Column:
    """Make a column of Python values, as text where their kinds differ."""
    try:
        return column_from_objects(values)[0]
    except (UsageError, OverflowError):
        return Column.of_strings([text_of(value) for value in values])


def text_of(value: Any) -> str | None:
    """Text of any database value."""
    if is_missing(value):
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def need(library: str, why: str) -> Any:
    """Import a library, or say which extra brings it."""
    extra = {"duckdb": "salesops[sql]", "adbc_driver_manager": "salesops[sql]"}.get(library, library)
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise UsageError(f"{why}: pip install '{extra}'") from error

"""What README.md, docs/guide and docs/from_*.md show is true: Python gives what it says, C++ compiles."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import salesops as so
from house import TOP

PAGES = [TOP / "README.md", *sorted((TOP / "docs" / "guide").glob("*.md"))]
PAGES += sorted((TOP / "docs").glob("from_*.md"))
FENCE = re.compile(r"^```(python|cpp)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A comment that begins with a value: None, a number, a text, a list, …; "…" where digits go on.
VALUE = re.compile(
    r"(None|True|False|-?\d[\d.]*…?|'[^']*'|\[.*?\]|\{.*\}|Money\(.*?\)|\d[\d., ]*\d)(?=$|[:,;])"
)
ERROR = re.compile(r"(\w+Error)\b")


def blocks(page: Path, language: str) -> list[str]:
    return [code for kind, code in FENCE.findall(page.read_text()) if kind == language]


# ---- what the pages take for granted ----


def sample(**options: Any) -> dict[str, Any]:
    return so.datasets.sample_tables(seed=7, deals=300, **options)


def given_crm() -> dict[str, Any]:
    tables = sample()
    return {
        "deals": tables["opportunity"].to_pandas(),
        "changes": tables["opportunity_event"].to_pandas(),
        "stages": tables["stage_def"].to_pandas(),
    }


def given_calendar() -> dict[str, Any]:
    times = {"created": ["2024-03-08 16:00", None], "first_touch": ["2024-03-11 10:00", None]}
    return {"deals": {"close_date": ["2025-08-15", "2026-02-01"]}, "leads": times}


def given_csv() -> dict[str, Any]:
    Path("deals.csv").write_text("id,amount,rate\n007,12.50,0.1\n008,,0.25\n")
    return {}


def given_ingest() -> dict[str, Any]:
    import duckdb

    Path("exports").mkdir()
    Path("exports/Opportunity.csv").write_text(
        "Id,Amount,StageName,CreatedDate,CloseDate,IsWon,IsClosed,Why_Lost__c,TCV__c\n"
        "006A000000AbCdE,100,Won,2026-01-02T10:00:00Z,2026-02-01,true,true,,120\n"
    )
    connection = duckdb.connect()
    connection.execute("create schema analytics")
    connection.execute(
        "create table analytics.fct_deals as select 1 as hs_object_id, 'a' as dealname, 5 as amount"
    )
    frame = {
        "Deal no.": ["D-1", "D-2", "D-3"],
        "Phase": ["Signed", "Gone", "Offer"],
        "Done": ["2026-01-10", "2026-02-11", None],
        "Value": [100, 200, 300],
    }
    return {"connection": connection, "frame": frame}


def given_clv() -> dict[str, Any]:
    """Orders of 400 customers of early 1997: some stop buying, some never come back."""
    import numpy as np

    rng = np.random.default_rng(1)
    rows = []
    for customer in range(400):
        day, end = rng.integers(0, 84), rng.exponential(400)
        gap, level = 1 / rng.gamma(1.0, 1 / 60), 1 / rng.gamma(4, 1 / 100)
        start = day
        while day < 545 and (day == start or day - start < end):
            rows.append((customer, day, round(rng.gamma(6, level / 6), 2) + 0.01))
            day += 1 + int(rng.exponential(gap))
    customer, day, value = zip(*rows, strict=True)
    dates = np.datetime64("1997-01-01") + np.array(day).astype("timedelta64[D]")
    survivors = [1000, 869, 743, 653, 593, 551, 517, 491]
    plan, seen = np.repeat(["monthly", "yearly"], 300), rng.integers(3, 9, 600)
    kept = rng.geometric(rng.beta(1, np.where(plan == "yearly", 8, 4)))
    return {
        "tx": {"id": np.array(customer), "date": dates, "value": np.array(value)},
        "customers": {"id": np.arange(400), "channel": ["shop", "web"] * 200},
        "survivors": survivors,
        "members": {"recency": np.minimum(kept, seen), "T": seen, "plan": plan.tolist()},
    }


GIVEN = {
    "crm": given_crm,
    "calendar": given_calendar,
    "clv": given_clv,
    "from_lifetimes": given_clv,
    "from_pymc_marketing": given_clv,
    "csv": given_csv,
    "ingest": given_ingest,
}


# ---- Python ----


def statements(code: str) -> Iterator[tuple[str, str, list[str]]]:
    """Each statement, the comment at its end, and the comment lines that follow it."""
    lines = code.splitlines()
    for node in ast.parse(code).body:
        last = lines[node.end_lineno - 1]
        comment = last[len(last.encode()[: node.end_col_offset].decode()) :].strip().removeprefix("#").strip()
        after = []
        for line in lines[node.end_lineno :]:
            if not line.startswith("# "):
                break
            after.append(line.removeprefix("# "))
        yield "\n".join(lines[node.lineno - 1 : node.end_lineno]), comment, after


def evaluate(source: str, names: dict[str, Any]) -> tuple[Any, str]:
    """The value of a statement (None unless it is an expression), and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            return eval(compile(source.strip(), "guide", "eval"), names), printed.getvalue()
        except SyntaxError:
            exec(compile(source, "guide", "exec"), names)
            return None, printed.getvalue()


def renderings(value: Any) -> set[str]:
    parts = value if isinstance(value, list | tuple) else []
    plain = ", ".join(str(part.amount if isinstance(part, so.money.Money) else part) for part in parts)
    return {repr(value), str(value), plain}


def claimed(comment: str, value: Any) -> bool:
    """Whether a value is what its comment says; comments that are words claim nothing."""
    found = VALUE.match(comment)
    if not found:
        return True
    text = found[1]
    if text.endswith("…"):
        return any(shown.startswith(text[:-1]) for shown in renderings(value))
    whole = comment.rpartition(" (")[0] or comment
    return bool({text, comment, whole} & renderings(value))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_and_says_the_truth(page, tmp_path, monkeypatch):
    code = blocks(page, "python")
    if not code:
        pytest.skip("no Python here")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = GIVEN.get(page.stem, dict)()
    for source, comment, after in (found for block in code for found in statements(block)):
        error = ERROR.match(comment)
        if error:
            with pytest.raises(getattr(so, error[1])):
                evaluate(source, names)
            continue
        value, printed = evaluate(source, names)
        assert claimed(comment, value), f"{source}\n  gives {value!r}, not {comment}"
        assert not after or printed.splitlines()[: len(after)] == after, f"{source}\n  prints {printed}"


@pytest.mark.parametrize(
    ("comment", "value", "true"),
    [
        ("250.0", 250.0, True),
        ("0.533…: share", 0.5334, True),
        ("0.533…: share", 0.5344, False),
        ("None: nobody", None, True),
        ("3", 4, False),
        ("['a', 'b']", ["b", "a"], False),
        ("the same memory", 7, True),
    ],
)
def test_the_check_sees_a_false_claim(comment, value, true):
    assert claimed(comment, value) is true


# ---- C++ ----

CPP_GIVEN = {
    "arrow": "ArrowArrayStream (*producer)()",
    "survival": "const std::vector<double>& durations, const std::vector<unsigned char>& events",
    "calendar": "salesops::Instant created, salesops::Instant touched",
    "clv": "const salesops::Table& transactions",
    "cohort": "const salesops::Table& orders",
    "crm": "const salesops::Crm& crm, salesops::Instant t",
    "pipeline": "const salesops::Crm& crm",
    "subscription": "const salesops::Table& rows",
}


def test_the_cpp_of_the_pages_compiles(tmp_path):
    includes, functions = {"#include <cstdio>", "#include <vector>"}, []
    for page in PAGES:
        for number, block in enumerate(blocks(page, "cpp")):
            lines = block.splitlines()
            includes |= {line for line in lines if line.startswith("#include")}
            body = "\n".join(line for line in lines if not line.startswith("#include"))
            given = CPP_GIVEN.get(page.stem, "")
            functions.append(f"void {page.stem}_{number}({given}) {{\n{body}\n}}")
    assert len(functions) > 5
    source = tmp_path / "pages.cpp"
    source.write_text("\n".join([*sorted(includes), *functions]))
    roots = [os.environ[name] for name in ("Boost_ROOT", "Eigen3_ROOT") if name in os.environ]
    extra = [flag for root in roots for flag in ("-isystem", f"{root}/include")]
    done = subprocess.run(
        [
            os.environ.get("CXX", "g++"),
            "-std=c++20",
            "-fsyntax-only",
            "-w",
            f"-I{TOP}/include",
            *extra,
            source,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]


# ---- rules of issues ----


def test_each_rule_of_an_issue_stands_in_a_table():
    """What a rule means is looked up in the guides; src/crm and src/ingest write them as literals."""
    code = [path for word in ("crm", "ingest") for path in sorted((TOP / "src" / word).glob("*.cpp"))]
    data = {"model.cpp", "presets.cpp", "mapping.cpp", "capabilities.cpp"}  # names of columns, no rules
    columns = set(re.findall(r"\w+", (TOP / "src/crm/model.cpp").read_text())) | {"as_of"}
    text = "\n".join(path.read_text() for path in code if path.name not in data)
    rules = set(re.findall(r'"([a-z]+(?:_[a-z0-9]+)+)"', text)) - columns
    assert len(rules) > 50
    rows = [line for page in PAGES for line in page.read_text().splitlines() if line.startswith("| `")]
    told = {rule for row in rows for rule in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert sorted(rules - told) == []

import pathlib
import re

import pytest
import salesops as so
from salesops import kpi

TOP = pathlib.Path(__file__).parents[2]
GUIDE = TOP / "docs" / "guide" / "kpi.md"
WORDS = {"compensation", "forecast", "kpi", "pipeline", "quota", "subscription"}


def guide_rows() -> list[list[str]]:
    lines = GUIDE.read_text(encoding="utf-8").split("## KPIs")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


@pytest.fixture(scope="module")
def crm() -> so.crm.Crm:
    return so.crm.Crm.build(so.datasets.sample_tables(deals=300))


def test_guide_names_each_kpi_and_each_function_exists():
    rows = guide_rows()
    assert len(rows) >= 50
    assert len({row[0] for row in rows}) == len(rows)
    for title, name, word in rows:
        word = word.strip("`")
        assert word in WORDS, title
        assert name or word != "kpi", title
        if name:
            assert callable(getattr(getattr(so, word), name.strip("`"))), title


def test_catalogue_agrees_with_the_module_and_the_guide():
    names = set(kpi._kpi.catalogue().to_dict()["name"])
    named = {row[1].strip("`") for row in guide_rows() if row[2].strip("`") == "kpi"}
    assert named <= names
    for name in names:
        assert name in kpi.__all__
    assert set(kpi.catalogue().to_frame("pandas").columns) == set(kpi._kpi.catalogue().names)


def rows_of(table) -> list[dict]:
    columns = table.to_dict()
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


# The catalogue of the core: without ratios of one's own.
ROWS = [pytest.param(row, id=row["name"]) for row in rows_of(kpi._kpi.catalogue())]
MODES = {word for row in ROWS for word in row.values[0]["modes"].split()}


def ask(row, book, **given):
    margin = {"gross_margin": 0.8} if "gross_margin" in row["options"].split() else {}
    return getattr(kpi, row["name"])(book, **margin, **given)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_what_the_function_answers(crm, row):
    result = ask(row, crm)
    assert result.name == row["name"]
    assert result.name in repr(result)
    assert result.to_table().num_rows >= 1
    assert result.unit == row["unit"].replace("money", "USD")
    assert result.mode == row["default_mode"] == row["modes"].split()[0]
    assert result.definition == row["formula"]


@pytest.mark.parametrize("row", ROWS)
def test_modes_and_weights_are_those_listed_and_no_others(crm, row):
    assert len(MODES) == 6
    for mode in sorted(MODES):
        if mode in row["modes"].split():
            assert ask(row, crm, mode=mode).mode == mode
        else:
            with pytest.raises(so.UsageError, match=rf"{row['name']}: mode {mode} .*{row['modes']}"):
                ask(row, crm, mode=mode)
    assert ask(row, crm, weight="count").to_table().num_rows >= 1
    if "value" in row["weights"].split():
        by_value = ask(row, crm, weight="value").to_table().to_dict()
        assert by_value["denominator"] != ask(row, crm).to_table().to_dict()["denominator"]
    else:
        with pytest.raises(so.UsageError, match=rf"{row['name']}: weight value"):
            ask(row, crm, weight="value")


GIVEN = {
    "window_days": 30,
    "idle_days": 5,
    "reopened": "first_close",
    "allow_negative": True,
    "target_minutes": 30,
    "gross_margin": 0.5,
    "hours": so.calendar.BusinessHours(),
    "lag": 30,
    "churn_base": "daily_average",
    "churn_at": "cancel",
    "clock": "created",
    "hours_of": "owner.time_zone",
    "start": "stage",
    "from_rank": 2,
    "visits": "first",
    "every": "quarter",
    "in_order": True,
    "no_decision": ["No decision"],
}
# Options that mean nothing alone.
WITH = {"hours_of": {"hours": so.calendar.BusinessHours()}, "from_rank": {"start": "stage"}}
WITH["start"] = {"from_rank": 2}
WITH["window_days"] = {"mode": "window_cohort"}


@pytest.mark.parametrize("row", ROWS)
def test_options_that_a_kpi_lacks_are_refused(crm, row):
    own = row["options"].split()
    assert set(own) <= set(GIVEN)
    for option, value in GIVEN.items():
        given = {option: value}
        if option in own:
            margin = {"gross_margin": 0.8} if "gross_margin" in own else {}
            assert (
                getattr(kpi, row["name"])(crm, **margin | WITH.get(option, {}) | given).to_table().num_rows
                >= 1
            )
        else:
            with pytest.raises(so.UsageError, match=f"{row['name']} has no option '{option}'"):
                ask(row, crm, **given)


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_needs_is_missed_by_name(row):
    tables = so.datasets.sample_tables(deals=100)
    for need in row["needs"].split():
        table, column = need.split(".")
        # What deals lack, their history would tell.
        book = {name: rows for name, rows in tables.items() if name != f"{table}_event"}
        if column == f"{table}_id":  # a table can't be without its key
            del book[table]
        else:
            book[table] = tables[table].select([name for name in tables[table].names if name != column])
        with pytest.raises(so.UsageError, match=rf"{row['name']} needs column '{column}' of table '{table}'"):
            ask(row, so.crm.Crm.build(book))


@pytest.mark.parametrize("row", ROWS)
def test_what_a_row_needs_is_enough(row):
    """A book of the columns needed alone, and what the history or the margin says, has an answer."""
    tables = so.datasets.sample_tables(deals=100)
    wanted: dict[str, list[str]] = {"opportunity": ["opportunity_id", "is_won", "is_closed", "closed_at"]}
    wanted["opportunity_event"] = tables["opportunity_event"].names
    for need in row["needs"].split():
        table, column = need.split(".")
        wanted.setdefault(table, [n for n in tables[table].names if n.endswith("_id")]).append(column)
    if row["name"] in ("weighted_pipeline", "hygiene"):  # either of two columns will do
        wanted["opportunity"] += ["probability", "close_date"]
    book = {
        name: tables[name].select([n for n in tables[name].names if n in columns])
        for name, columns in wanted.items()
    }
    if row["name"] in ("attainment", "pipeline_coverage"):  # a company's quota needs no reps
        quotas = book["quota"].to_dict()
        book["quota"] = quotas | {
            "holder_type": ["company"] * book["quota"].num_rows,
            "holder_id": [None] * book["quota"].num_rows,
        }
    assert ask(row, so.crm.Crm.build(book, currency="USD")).to_table().num_rows >= 1


BAD = [
    ("level", [0, 100, -5, float("nan"), float("inf")]),
    ("window_days", [-1, 10**6, 10**12]),
    ("idle_days", [-1, 10**6]),
    ("target_minutes", [-1, float("nan"), float("inf"), 1e300]),
    ("gross_margin", [float("nan"), float("inf"), 80, -2]),
    ("lag", [-1, 10**6, "soon", "3 weeks"]),
    ("churn_base", ["end"]),
    ("churn_at", ["start"]),
    ("from_rank", [-1, 10**7]),
]


@pytest.mark.parametrize(("option", "values"), BAD, ids=[name for name, _ in BAD])
def test_what_no_kpi_can_use_is_named(crm, option, values):
    for param in ROWS:
        row = param.values[0]
        if option != "level" and option not in row["options"].split():
            continue
        margin = {"gross_margin": 0.8} if "gross_margin" in row["options"].split() else {}
        for value in values:
            with pytest.raises(so.UsageError, match=option):
                getattr(kpi, row["name"])(crm, **margin | {option: value})


def test_guide_lists_each_option():
    header = (TOP / "include/salesops/kpi/metric.hpp").read_text(encoding="utf-8")
    struct = header.split("struct Options {")[1].split("\n};")[0]
    fields = set(re.findall(r"^  [\w:<>]+ (\w+)(?: = [^;]+)?;", struct, re.MULTILINE))
    assert len(fields) > 15
    guide = GUIDE.read_text(encoding="utf-8")
    tables = [part.split("\n\n")[0] for part in re.split(r"\| argument \|[^\n]*meaning \|", guide)[1:]]
    of_all, of_some = (re.findall(r"^\| `(\w+)`", table, re.MULTILINE) for table in tables)
    assert len(of_all) == len(set(of_all))
    assert not set(of_all) & set(of_some)
    names = of_all + of_some
    # Python calls two of them otherwise, and finds the zones itself.
    assert set(names) == fields - {"keep_rows", "execution", "zones"} | {"ids", "threads", "progress"}


def test_each_option_of_the_guide_is_taken(crm):
    table = GUIDE.read_text(encoding="utf-8").split("| argument | meaning |")[1].split("\n\n")[0]
    for name in re.findall(r"^\| `(\w+)`", table, re.MULTILINE):
        kpi.cac(crm, **{name: None} if name not in ("by", "level", "ids") else {})
    assert kpi.cac(crm, seed=2, threads=1, zone="Europe/Berlin", calendar=so.calendar.FiscalCalendar())


def test_ratio_behaves_like_a_built_in(crm):
    big = kpi.ratio("big_wins", numerator="is_won", denominator={"type": ["new", "expansion"]})
    deals = crm.table("opportunity").to_pandas()
    chosen = deals[deals["type"].isin(["new", "expansion"])]
    assert big(crm).value == chosen["is_won"].fillna(False).astype(bool).sum() / len(chosen)
    assert "big_wins" in set(kpi.catalogue().to_table().to_dict()["name"])
    assert list(big(crm, by="quarter", period="last 2 quarters").to_frame("pandas").columns)[:2] == [
        "period",
        "quarter",
    ]
    with pytest.raises(so.UsageError):
        kpi.ratio("")
    with pytest.raises(so.UsageError, match="nothing_here"):
        kpi.ratio("bad", numerator="nothing_here = 1")(crm)
    with pytest.raises(so.UsageError, match="no modes and no weights"):
        big(crm, weight="value")
    with pytest.raises(so.UsageError, match="no modes and no weights"):
        big(crm, mode="survival")
    with pytest.raises(so.UsageError, match="big_wins has no option 'window_days'"):
        big(crm, window_days=3)


def test_a_ratio_takes_no_name_of_a_built_in(crm):
    with pytest.raises(so.UsageError, match="'win_rate' is a built-in KPI"):
        kpi.ratio("win_rate", numerator="is_won")
    assert list(kpi.catalogue().to_table().to_dict()["name"]).count("win_rate") == 1


def test_scorecard_prints(crm):
    card = kpi.scorecard(crm, "2025-Q3", compare="prior_year")
    assert (card.period, card.prior_period) == ("2025-Q3", "2024-Q3")
    assert "Win rate by value" in repr(card)
    html = card._repr_html_()
    assert html.count("<tr>") == card.to_table().num_rows + 1
    frame = card.to_frame("pandas").set_index("kpi")
    assert frame.loc["pipeline_coverage", "target"] == 3
    rate = kpi.win_rate(crm, period="2025-Q3")
    first = frame[frame["title"] == "Win rate"].iloc[0]
    assert first["value"] == rate.value
    assert first["status"] == ("met" if rate.value >= 0.3 else "missed")
    with pytest.raises(so.UsageError, match="compare"):
        kpi.scorecard(crm, compare="best")

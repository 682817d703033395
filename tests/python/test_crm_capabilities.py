"""What `capabilities()` says that a column's absence costs is what it costs: no less and nothing else."""

import functools

import pandas as pd
import pytest
import salesops as so
from salesops import kpi
from salesops.crm import Crm, data_model

MODEL = pd.DataFrame(data_model().to_dict())
# The field of the history that would fill a column in again.
FIELDS = {"stage_id": "stage", "owner_id": "owner", "amount": "amount", "close_date": "close_date"}
FIELDS |= {"probability": "probability", "forecast_category": "forecast_category"}


def value_of(name, **given):
    """A probe that asks for a KPI of a quarter: whether any of its values is there."""

    def ask(book):
        column = getattr(kpi, name)(book, **({"period": "2025-Q2"} | given)).to_table().to_dict()[name]
        return any(value is not None for value in column)

    return ask


def groups_by(by):
    return lambda book: kpi.win_rate(book, by=by).to_table().num_rows > 0


def forecast(book):
    return not so.pipeline.forecast(book, "2025-08-01", draws=100).to_frame("pandas").empty


def forecast_by_rep(book):
    frame = so.pipeline.forecast(book, "2025-08-01", draws=100, measure="wins").to_frame("pandas")
    return (frame["holder_id"][frame["holder_type"] == "rep"] != "").any()


def quota_of_forecast(book):
    return so.pipeline.forecast(book, "2025-08-01", draws=100).to_frame("pandas")["quota"].notna().any()


def waterfall(book):
    return not so.pipeline.waterfall(book, "2025-05-01", "2025-07-01").to_frame("pandas").empty


def targets(book):
    return any(value is not None for value in kpi.scorecard(book).to_table().to_dict()["target"])


MARGIN = {"gross_margin": 0.8}
# What is asked, and the words by which a cost names it.
PROBES = {
    "activity counts": value_of("activity"),
    "ARPA": value_of("arpa"),
    "attainment": value_of("attainment"),
    "average deal": value_of("average_deal"),
    "CAC": value_of("cac"),
    "LTV:CAC": value_of("ltv_cac", **MARGIN),
    "CAC payback": value_of("cac_payback", **MARGIN),
    "churn": value_of("logo_churn"),
    "concentration": value_of("concentration"),
    "coverage": value_of("pipeline_coverage", as_of="2025-05-15"),
    "forecast of money": forecast,
    "forecast by rep": forecast_by_rep,
    "forecast roll-up": value_of("forecast_rollup"),
    "gross margin": value_of("clv_simple"),
    "hygiene": value_of("hygiene"),
    "idle deals": value_of("idle_share"),
    "lead conversion": value_of("lead_conversion"),
    "lead funnel": value_of("funnel"),
    "linearity": value_of("linearity"),
    "loss reasons": value_of("loss_reasons"),
    "numbers by account": groups_by("account"),
    "numbers by rep": groups_by("owner"),
    "numbers by segment": groups_by("account.segment"),
    "numbers by team": groups_by("owner.team"),
    "pipeline created": value_of("pipeline_created"),
    "pushes": value_of("pushes"),
    "quota in forecasts": quota_of_forecast,
    "response time": value_of("lead_response_time"),
    "retention": value_of("logo_retention"),
    "sales cycle": value_of("sales_cycle"),
    "simple CLV": value_of("clv_simple", **MARGIN),
    "SLA compliance": value_of("sla_compliance"),
    "slippage": value_of("slippage"),
    "stage conversion": value_of("stage_conversion"),
    "stage regression": value_of("stage_regression"),
    "targets on the scorecard": targets,
    "time in stage": value_of("time_in_stage"),
    "velocity": value_of("velocity"),
    "waterfall": waterfall,
    "weighted pipeline": lambda book: kpi.weighted_pipeline(book).value is not None,
    "win rate": value_of("win_rate"),
    "win rate by value": value_of("win_rate", weight="value"),
    "yield": value_of("snapshot_yield"),
}
# Named by a cost, and asked of no book here: it is of another domain or no answer of its own.
UNASKED = {
    "names", "hire dates of reps", "order of stages", "grouping by product family", "history",
    "roll-up to parent accounts", "rates to add up several currencies", "magic number", "clusters by account",
    "cohorts", "as_of by creation",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole():
    tables = {name: table.to_pandas() for name, table in so.datasets.sample_tables(seed=5, deals=300).items()}
    teams = tables["rep_assignment"].drop_duplicates("rep_id").set_index("rep_id")["team_id"]
    tables["rep"]["team_id"] = tables["rep"]["rep_id"].map(teams)
    tables["transaction"]["margin"] = tables["transaction"]["amount"].astype(float) / 2
    return tables


def lost(book):
    """What is refused or has no value."""
    found = set()
    for words, ask in PROBES.items():
        try:
            there = ask(book)
        except so.Error:
            there = False
        if not there:
            found.add(words)
    return found


def without(tables, name, column):
    """The tables without a column, or a table, and without the changes that would fill it in again."""
    if column == "*":
        return {other: frame for other, frame in tables.items() if other != name}
    rest = tables | {name: tables[name].drop(columns=[column])}
    if name == "opportunity":
        changes = tables["opportunity_event"]
        rest["opportunity_event"] = changes[changes["field"] != FIELDS.get(column)]
    return rest


def costs_of(book):
    frame = pd.DataFrame(book.capabilities().to_dict())
    return frame.set_index(["table", "column"])["without_it"]


@functools.cache
def nothing():
    """A book of all tables and of their keys alone."""
    keys = MODEL[MODEL["key"]].groupby("table", sort=False)["column"].apply(list)
    keys["opportunity_event"].append("field")
    return Crm.build({table: {column: [] for column in columns} for table, columns in keys.items()})


COSTS = pd.concat([costs_of(nothing()), costs_of(Crm.build({}))])
COSTS = COSTS[COSTS != ""]


def test_nothing_is_lost_of_the_whole(whole):
    assert lost(Crm.build(whole)) == set()


@pytest.mark.parametrize(("name", "column"), COSTS.index, ids=str)
def test_what_is_said_to_be_lost_is_lost_and_nothing_else(whole, name, column):
    text = COSTS[name, column]
    said = set()
    for clause in text.split("; "):
        if clause.startswith("no "):
            said |= set(clause.removeprefix("no ").partition(": ")[0].replace(" or ", ", ").split(", "))
    assert said <= set(PROBES) | UNASKED
    if name not in whole or (column != "*" and column not in whole[name]):
        assert not said & set(PROBES), "asked of no book: the sample lacks it"
        return
    book = Crm.build(without(whole, name, column))
    assert lost(book) == said & set(PROBES)
    assert costs_of(book)[name, column] == text
    with_page = so.report.render(book, "2025-08-01")
    assert "</html>" in with_page


def test_each_optional_column_is_listed_with_its_fill(whole):
    whole = whole | {"lead": whole["lead"].assign(utm_source=[None, "x"] * (len(whole["lead"]) // 2))}
    book = Crm.build(whole)
    frame = pd.DataFrame(book.capabilities().to_dict()).set_index(["table", "column"])
    assert frame.index.is_unique
    for table, columns in MODEL.groupby("table")["column"]:
        if table not in whole:
            assert not frame.loc[(table, "*"), "present"]
            continue
        assert set(columns) == set(frame.loc[table].index)
        for column in columns:
            row = frame.loc[(table, column)]
            there = book.table(table).has(column)
            assert row["present"] == there
            if there:
                filled = book.table(table).to_pandas()[column].notna().mean()
                assert row["filled"] == pytest.approx(filled)
                assert row["without_it"] == ""
            else:
                assert pd.isna(row["filled"])

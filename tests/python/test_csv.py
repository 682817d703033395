import csv as plain_csv
import datetime as dt
import gzip
import io
import math
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from salesops import DataError, UsageError, csv

# ---- against Python's own reader and writer ----

CELLS = st.text(
    alphabet=st.one_of(
        st.sampled_from(list(" ,\"\n\r\t;='-+@a1é😀")), st.characters(codec="utf-8", exclude_characters="\0")
    ),
    max_size=8,
)


def rows_of(columns: int) -> st.SearchStrategy[list[list[str]]]:
    return st.lists(st.lists(CELLS, min_size=columns, max_size=columns), max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.integers(2, 5).flatmap(rows_of),
    # With "\n" ends and minimal quoting, older Pythons leave a lone CR unquoted, which no reader can take.
    style=st.sampled_from(
        [("\n", plain_csv.QUOTE_ALL), ("\r\n", plain_csv.QUOTE_ALL), ("\r\n", plain_csv.QUOTE_MINIMAL)]
    ),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_what_pythons_writer_writes_reads_back(rows, style, delimiter):
    out = io.StringIO(newline="")
    writer = plain_csv.writer(out, lineterminator=style[0], quoting=style[1], delimiter=delimiter)
    names = [f"c{i}" for i in range(len(rows[0]) if rows else 2)]
    writer.writerow(names)
    writer.writerows(rows)
    result = csv.read(out.getvalue().encode(), infer=False, delimiter=delimiter)
    assert result.table.names == names
    read = [[cell or "" for cell in row] for row in zip(*result.table.to_dict().values(), strict=True)]
    assert read == rows
    assert len(result.issues) == 0


@settings(max_examples=300, deadline=None)
@given(rows=rows_of(3), guard=st.booleans(), crlf=st.booleans())
def test_what_we_write_reads_back_here_and_in_python(rows, guard, crlf):
    data = {f"c{i}": [row[i] for row in rows] for i in range(3)}
    text = csv.format(data, guard=guard, crlf=crlf)
    if rows:
        again = csv.read(text.encode(), infer=False, strip_guard=guard)
        assert again.table.to_dict() == data
    if not guard:
        assert list(plain_csv.reader(io.StringIO(text, newline="")))[1:] == rows


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), header=st.booleans(), keep=st.booleans())
def test_any_bytes_give_a_table_or_an_error_with_its_place(data, header, keep):
    on_quote = "keep" if keep else "error"
    try:
        result = csv.read(data, header=header, on_quote=on_quote, on_ragged="issue", delimiter=None)
    except DataError as error:
        place = str(error)
    else:
        place = "line 1"
        result.table.to_dict()
        result.issues.to_table().to_dict()
    assert "line " in place or "gzip" in place


# ---- types, against Polars ----


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.dates(min_value=dt.date(1400, 1, 1)),
            st.datetimes(min_value=dt.datetime(1400, 1, 1)),
            st.booleans(),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_typed_values_are_those_of_polars(rows):
    frame = pl.DataFrame(rows, schema=["i", "f", "d", "t", "b"], orient="row")
    text = frame.with_columns(pl.col("f").map_elements(repr, return_dtype=pl.String)).write_csv().encode()
    ours = csv.read(text).table
    peer = pl.read_csv(text, try_parse_dates=True, schema_overrides={"f": pl.Float64})
    assert [ours.column(name).type for name in "fdtb"] == ["float64", "date", "timestamp", "boolean"]
    assert ours.column("i").to_list() == peer["i"].to_list()
    assert [x.hex() for x in ours.column("f").to_list()] == [x.hex() for x in peer["f"].to_list()]
    assert ours.column("d").to_list() == peer["d"].to_list()
    assert [t.replace(tzinfo=None) for t in ours.column("t").to_list()] == [row[3] for row in rows]
    assert ours.column("b").to_list() == peer["b"].to_list()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_survive_the_file(values):
    again = csv.read(csv.format({"x": values, "k": values}).encode()).table.column("x")
    assert again.type == "float64"
    assert [x.hex() for x in again.to_list()] == [x.hex() for x in values]


@pytest.mark.parametrize(
    "text", ["0.1", "1e23", "8.5e-324", "123456789012345.678", "0.000001", "9007199254740993.0", ".5"]
)
def test_floats_are_rounded_as_python_does(text):
    assert csv.read(f"x\n{text}\n".encode()).table.column("x").to_list() == [float(text)]


def test_types_are_asked_for_by_name():
    text = b"id,rate,fee,day\n007,0.12345,12.5,2024-02-30\n"
    result = csv.read(text, types={"id": "string", "rate": "decimal[5]", "fee": "money[EUR]", "day": "date"})
    assert [result.table.column(name).type for name in result.table.names] == [
        "string",
        "decimal",
        "money",
        "date",
    ]
    assert result.table.column("fee").currency == "EUR"
    assert result.table.column("fee").values().tolist() == [1250]
    assert result.issues.to_table().to_dict() == {
        "table": ["csv"],
        "row": [0],
        "column": ["day"],
        "rule": ["not_a_date"],
        "value": ["2024-02-30"],
        "severity": ["warning"],
    }


# ---- sources ----


@pytest.mark.usefixtures("zlib")
def test_reads_paths_bytes_and_files(tmp_path):
    text = b"a,b\n1,x\n"
    path = tmp_path / "näme.csv"
    path.write_bytes(text)
    want = {"a": [1], "b": ["x"]}
    packed = tmp_path / "deals.csv.gz"
    packed.write_bytes(gzip.compress(text))
    with path.open("rb") as binary, path.open() as characters:
        sources = [path, str(path), text, bytearray(text), memoryview(text), binary, characters, packed]
        for source in sources:
            assert csv.read(source).table.to_dict() == want
    assert csv.read(packed, types={"b": "int8"}).issues.to_table().column("table").to_list() == ["deals"]


def test_reads_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"a\n" + b"1\n" * 1_000_000))
    writer.start()
    assert len(csv.read(pipe).table) == 1_000_000
    writer.join()


def test_writes_paths_and_files(tmp_path):
    data = {"a": [1, None], "b": ["=x", ""]}
    want = 'a,b\n1,\'=x\n,""\n'
    path = tmp_path / "out.csv"
    csv.write(data, path)
    assert path.read_text() == want
    text, binary = io.StringIO(), io.BytesIO()
    csv.write(data, text)
    csv.write(data, binary)
    assert text.getvalue() == binary.getvalue().decode() == want
    with pytest.raises(DataError, match="can't write"):
        csv.write(data, tmp_path / "no" / "out.csv")
    assert os.listdir(tmp_path) == ["out.csv"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "out.csv"
    path.write_text("old\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(DataError, match="can't write"):
            csv.write({"x": list(range(10_000))}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["out.csv"]


# ---- what is refused ----


@pytest.mark.parametrize(
    ("text", "place", "options"),
    [
        (b"", "line 1, column 1", {}),
        (b"a,b\n1\n", "line 2, column 1", {}),
        (b"a,b\n1,2,3\n", "line 2, column 5", {}),
        (b'a,b\n1,"2\n', "line 2, column 3", {}),
        (b'a,b\n1,2"\n', "line 2, column 4", {}),
        (b"a,b\n1,\r2\n", "line 2, column 3", {}),
        (b"a,b\n1,\x002\n", "line 2, column 3", {}),
        (b"a,b\n1,2\n", "line 1, column 3", {"limits": {"max_columns": 1}}),
        (b"a,b\n1,222\n", "line 2, column 3", {"limits": {"max_field_bytes": 2}}),
    ],
)
def test_errors_name_line_and_column(text, place, options):
    with pytest.raises(DataError, match=place):
        csv.read(text, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"delimiter": ""},
        {"delimiter": ",,"},
        {"delimiter": '"'},
        {"delimiter": "€"},
        {"encoding": "utf16"},
        {"on_ragged": "skip"},
        {"types": {"b": "int64"}},
        {"types": {"a": "int65"}},
        {"types": {"a": "decimal[x]"}},
        {"types": {"a": "decimal[40]"}},
        {"limits": {"max_rows": 1}},
    ],
)
def test_options_that_can_not_be_are_refused(options):
    with pytest.raises(UsageError):
        csv.read(b"a\n1\n", **options)


@pytest.mark.usefixtures("zlib")
def test_a_gzip_bomb_is_stopped_early():
    bomb = gzip.compress(b"a\n" + b"1,\n" * 40_000_000)
    with pytest.raises(DataError, match="max_gzip_ratio"):
        csv.read(bomb, limits={"max_gzip_ratio": 100})
    with pytest.raises(DataError, match="max_bytes"):
        csv.read(bomb, limits={"max_bytes": 1_000_000})


@pytest.mark.parametrize(
    "text",
    [
        b'a\n"' + b"\n" * 5_000_000,
        b"a," * 10_001 + b"\n",
        b"a" * 20_000_000 + b"\n",
        b"a,b\n" + b'"""""",' * 500_000,
        b"a,b\n" + b"\n" * 5_000_000 + b"1\n",
        b",".join([b"a"] * 10_000) + b"\n" + b"1\n",
    ],
)
def test_hostile_text_ends_soon_with_an_error(text):
    with pytest.raises(DataError, match="line "):
        csv.read(text)


# ---- threads, signals ----


def test_threads_change_nothing():
    rows = "".join(f'{i},"a, {i % 91}","x\n{i}",{i / 7!r}\n' for i in range(60_000))
    text = ("k,s,t,f\n" + rows + "x,y,z,bad\n").encode()
    results = [csv.read(text, threads=threads, types={"f": "float64"}) for threads in (1, 2, 5)]
    first = results[0].table
    assert first.column("k").type == "string"
    for other in results[1:]:
        assert other.table.to_arrow(strings="dictionary").equals(first.to_arrow(strings="dictionary"))
        assert other.issues.to_table().to_dict() == results[0].issues.to_table().to_dict()


def test_progress_rises_to_one():
    seen = []
    csv.read(b"a,b,c\n" + b"1,2.5,x\n" * 2_000_000, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_an_error_in_progress_stops_the_work():
    def stop(share):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        csv.read(b"a,b,c\n" + b"1,2.5,x\n" * 2_000_000, progress=stop)


def test_control_c_stops_a_read(tmp_path):
    script = textwrap.dedent(
        """
        import os, signal, sys, threading, time
        from salesops import csv
        data = b"a,b,c\\n" + b"1,2.5,some text\\n" * 8_000_000
        sent = []
        def interrupt():
            time.sleep(0.15)
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            while True:
                csv.read(data)
        except KeyboardInterrupt:
            print(time.perf_counter() - sent[0])
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert float(ran.stdout) < 1.0


# ---- real files ----

# The row counts that the files' own descriptions state.
FILES = {
    "clv/cdnow_customers_summary.csv": 2_357,
    "clv/cdnow_customers_summary_with_transactions.csv": 2_357,
    "clv/donations.csv": 22,
    "clv/donation_incidence_1995_cohort.csv": 11_104,
    "clv/example_transactions.csv": 15_273,
    "clv/discreteSimElog.csv": 52_432,
    "clv/apparel_transactions.csv": 3_187,
    "clv/apparel_static_covariates.csv": 600,
    "clv/apparel_dynamic_covariates.csv": 187_800,
    "clv/sbg_cohorts.csv": 2_000,
    "clv/2-segment-retention.csv": 13,
    "clv/contractual-setting-multi-cohort-data.csv": 5,
    "crm/chip_pipeline_A/opportunities.csv": 3_024,
    "crm/chip_pipeline_A/opportunity_history.csv": 12_396,
    "crm/chip_pipeline_A/opportunity_amount_history.csv": 2_122,
    "crm/maven_crm/sales_pipeline.csv": 8_800,
    "crm/maven_crm/accounts.csv": 85,
    "crm/maven_crm/products.csv": 7,
    "crm/maven_crm/sales_teams.csv": 35,
    "forecast/m3_even.csv": 1_501,
    "forecast/tourism.csv": 24_320,
    "forecast/carparts_even.csv": 1_337,
    "forecast/raa_triangle.csv": 55,
    "forecast/mgus2_multistate.csv": 1_384,
    "forecast/reference_r_forecast.csv": 18_701,
    "forecast/reference_statsforecast.csv": 2_170,
    "forecast/ets_best_known.csv": 147,
    "ops/leads/olist_mql.csv": 8_000,
    "ops/leads/olist_closed_deals.csv": 842,
    "ops/leads/lead_response_synthetic.csv": 10_000,
    "ops/leads/xeducation_leads.csv": 9_240,
    "ops/dedupe/patstat_input.csv": 2_379,
    "ops/dedupe/patstat_reference.csv": 2_379,
    "ops/dedupe/AbtBuy_Abt.csv": 1_081,
    "ops/dedupe/AbtBuy_Buy.csv": 1_092,
    "ops/dedupe/febrl_dataset1.csv": 1_000,
    "ops/dedupe/febrl_dataset2.csv": 5_000,
    "ops/dedupe/febrl_dataset3.csv": 5_000,
    "ops/dedupe/splink_fake_1000.csv": 1_000,
    "ops/dedupe/splink_fake_1000_labels.csv": 3_176,
    "ops/subscriptions/ibm_telco_churn.csv": 7_043,
    "ops/subscriptions/ravenstack_subscriptions.csv": 5_000,
    "ops/subscriptions/ravenstack_accounts.csv": 500,
    "ops/subscriptions/ravenstack_churn_events.csv": 600,
    "ops/subscriptions/mrr_playbook_subscription_periods.csv": 121,
    "ops/process/receipt.csv": 8_577,
    "ops/process/roadtraffic100traces.csv": 390,
    "ops/process/running-example.csv": 42,
    "survival/rossi.csv": 432,
    "survival/anderson.csv": 42,
    "survival/dd.csv": 1_808,
    "survival/multicenter_aids_cohort.tsv": 78,
    "survival/g3.csv": 17,
    "survival/lymphoma.csv": 80,
    "survival/kidney_transplant.csv": 863,
    "survival/recur.csv": 1_296,
    "survival/interval_diabetes.csv": 731,
}
OPTIONS = {
    "clv/donation_incidence_1995_cohort.csv": {"header": False},
    "survival/anderson.csv": {"delimiter": " "},
    "survival/multicenter_aids_cohort.tsv": {"delimiter": None},
    "ops/dedupe/AbtBuy_Abt.csv": {"encoding": "latin1"},
    "ops/dedupe/AbtBuy_Buy.csv": {"encoding": "latin1"},
}


@pytest.mark.parametrize("file", FILES)
def test_real_files_have_the_rows_they_state(data_dir: pathlib.Path, file: str):
    options = OPTIONS.get(file, {})
    result = csv.read(data_dir / file, **options)
    assert len(result.table) == FILES[file]
    text = (data_dir / file).read_bytes().decode("latin1" if "encoding" in options else "utf-8-sig")
    dialect = "\t" if file.endswith(".tsv") else options.get("delimiter", ",")
    peer = [row for row in plain_csv.reader(io.StringIO(text, newline=""), delimiter=dialect) if row]
    body = peer if options.get("header") is False else peer[1:]
    texts = csv.read(data_dir / file, infer=False, **options).table
    read = list(zip(*([cell or "" for cell in column] for column in texts.to_dict().values()), strict=True))
    assert read == [tuple(row) for row in body]


def test_real_quirks_are_kept_and_named(data_dir: pathlib.Path):
    telco = data_dir / "ops/subscriptions/ibm_telco_churn.csv"
    assert csv.read(telco).table.column("TotalCharges").type == "string"
    charges = csv.read(telco, types={"TotalCharges": "float64"})
    assert charges.issues.count("not_a_number") == 11
    assert charges.table.column("TotalCharges").null_count == 11
    triangle = csv.read(data_dir / "clv/contractual-setting-multi-cohort-data.csv").table
    assert triangle.names[0] == "Year"
    assert {triangle.column(name).type for name in triangle.names} == {"int64"}
    reference = csv.read(data_dir / "ops/dedupe/patstat_reference.csv")
    assert len(reference.issues) == 0
    pipeline = csv.read(data_dir / "crm/maven_crm/sales_pipeline.csv").table
    assert pipeline.column("account").null_count == 1_425
    assert pipeline.column("close_date").null_count == 2_089
    assert pipeline.column("engage_date").type == "date"
    assert not any(math.isnan(x) for x in pipeline.column("close_value").to_list() if x is not None)

"""Long calls show how far they are, leave the interpreter free, and end when they are interrupted."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import salesops as so
from salesops import _progress

PRELUDE = """
import signal, sys, threading, time
import salesops as so

tables = so.datasets.sample_tables(seed=7, deals=%d, leads_per_deal=0, activities_per_deal=0.5)
crm = None

def ready():
    print("ready", flush=True)

def call_until_interrupted(call):
    try:
        ready()
        while True:
            call()
    except KeyboardInterrupt:
        sent = float(sys.stdin.readline())
        print(time.time() - sent, threading.active_count(), sum(range(10)), flush=True)
"""

SHOPPERS = """
T = [10 + i % 997 / 33 for i in range(30_000)]
seen = so.clv.ParetoNBD(r=0.8, alpha=6, s=0.6, beta=12).simulate(T, seed=2)
shoppers = so.clv.ParetoNBD().fit(seen, unit="week")
"""

CALLS = {
    "sample": "so.sample.crm(seed=7, deals=400_000)",
    "build": "so.crm.Crm.build(tables)",
    "as_of": "crm.as_of('2025-01-01')",
    "apply": "crm.apply({'opportunity': tables['opportunity'], 'stage_def': tables['stage_def']})",
    "read": "so.read(tables)",
    "forecast": "so.pipeline.forecast(crm, as_of='2025-06-01', draws=4000)",
    "backtest": "so.pipeline.backtest(crm, periods=4, draws=2000)",
    "waterfall": "so.pipeline.waterfall(crm, '2025-01-01', '2025-04-01')",
    "win_rate": "so.kpi.win_rate(crm, by=['owner_id'])",
    "scorecard": "so.kpi.scorecard(crm)",
    "clv_posterior": "shoppers.posterior(4000, chains=2, progress=False)",
    "clv_outcomes": "shoppers.predict(seen, horizon='26 weeks', level=90, interval='outcome')",
}


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_ends_the_call(name):
    deals = 60_000
    script = PRELUDE % deals
    if "crm" in CALLS[name]:
        script += "crm = so.crm.Crm.build(tables)\n"
    if "shoppers" in CALLS[name]:
        script += SHOPPERS
    script += f"call_until_interrupted(lambda: {CALLS[name]})\n"
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.35)
        sent = time.time()
        child.send_signal(signal.SIGINT)
        told, _ = child.communicate(f"{sent}\n", timeout=60)
    finally:
        child.kill()
    delay, threads, alive = told.split()
    print(f"{name}: KeyboardInterrupt after {float(delay) * 1e3:.0f} ms")
    assert float(delay) < 1.0
    assert threads == "1", "no thread outlives a call"
    assert alive == "45", "the interpreter goes on"


def test_other_threads_run_meanwhile():
    tables = so.datasets.sample_tables(seed=7, deals=30_000)
    steps, done = [0], threading.Event()

    def count():
        while not done.is_set():
            steps[0] += 1
            time.sleep(0.0005)

    other = threading.Thread(target=count)
    other.start()
    try:
        before = steps[0]
        so.crm.Crm.build(tables)
        assert steps[0] > before + 5
    finally:
        done.set()
        other.join()


@pytest.mark.parametrize("name", ["build", "as_of", "apply", "sample", "forecast", "waterfall", "report"])
def test_progress_rises_to_one(name, tmp_path):
    tables = so.datasets.sample_tables(seed=7, deals=4000)
    crm = so.crm.Crm.build(tables, progress=False)
    calls = {
        "build": lambda tell: so.crm.Crm.build(tables, progress=tell),
        "as_of": lambda tell: crm.as_of("2025-01-01", progress=tell),
        "apply": lambda tell: crm.apply({"opportunity": tables["opportunity"]}, progress=tell),
        "sample": lambda tell: so.sample.crm(deals=20_000, progress=tell),
        "forecast": lambda tell: so.pipeline.forecast(crm, draws=500, progress=tell),
        "waterfall": lambda tell: so.pipeline.waterfall(crm, "2025-01-01", "2025-04-01", progress=tell),
        "report": lambda tell: so.report.write(crm, tmp_path / "report.html", progress=tell),
    }
    shares = []
    calls[name](shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_error_in_progress_is_raised():
    def fail(share):
        raise RuntimeError("enough")

    tables = so.datasets.sample_tables(seed=7, deals=5000)
    with pytest.raises(RuntimeError, match="enough"):
        so.crm.Crm.build(tables, progress=fail)
    assert so.crm.Crm.build(tables).table("opportunity").num_rows == 5000


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_comes_with_patience_and_goes_at_the_end(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with _progress.shown(None, "working") as tell:
        tell(0.2)
        assert stream.getvalue() == "", "short work shows none"
        monkeypatch.setattr(_progress, "PATIENCE", 0)
        tell(0.5)
        assert "working" in stream.getvalue()
        assert " 50%" in stream.getvalue()
        with _progress.shown(None, "a part") as inner:
            assert inner is None, "the calls within show none of their own"
    assert stream.getvalue().endswith("\r")
    assert stream.getvalue().split("\r")[-2].strip() == ""


def test_who_sees_a_bar(monkeypatch):
    def call(share):
        return share

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for wanted, bar in ((None, False), (False, False), (True, True)):
        with _progress.shown(wanted, "x") as tell:
            assert (tell is not None) == bar
    with _progress.shown(call, "x") as tell:
        assert tell is call
    monkeypatch.setattr(sys, "stderr", Terminal())
    with _progress.shown(False, "x") as tell:
        assert tell is None
    half = _progress.part(call, 0.5, 1)
    assert half(0.5) == 0.75
    assert _progress.part(None, 0, 1) is None


def test_a_narrow_encoding_gets_plain_signs(monkeypatch):
    raw = io.BytesIO()
    bar = _progress.Bar("working", io.TextIOWrapper(raw, encoding="ascii"))
    monkeypatch.setattr(_progress, "PATIENCE", 0)
    bar(0.5)
    assert b"###" in raw.getvalue()


def test_a_script_in_a_pipe_prints_nothing():
    script = textwrap.dedent("""
        import salesops as so
        so.crm.Crm.build(so.datasets.sample_tables(deals=200))
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ)
    )
    assert (done.returncode, done.stderr) == (0, "")

"""Rows of RFM beside Polars and DuckDB; fits beside lifetimes, pymc-marketing and what CLVTools printed.

lifetimes 0.11.3 needs an older pandas, pymc-marketing much that is otherwise not needed: each is measured
where there is an environment for it, made with

    python -m venv build/lifetimes-env
    build/lifetimes-env/bin/pip install lifetimes==0.11.3 "pandas<2" "numpy<2"
    python -m venv build/pymc-marketing-env
    build/pymc-marketing-env/bin/pip install pymc-marketing==0.19.0

The real data (CDNOW, apparel) come from the folder that SALESOPS_DATA names.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import duckdb
import numpy as np
import polars as pl
import salesops as so
from _bench import measure, report

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
LIFETIMES = BUILD / "lifetimes-env/bin/python"
PYMC_MARKETING = BUILD / "pymc-marketing-env/bin/python"
CHILD = """
import json, sys, time
import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter, GammaGammaFitter
data = np.load(sys.argv[1])
x, t_x, T, w, mean = (data[k] for k in ("x", "t_x", "T", "w", "mean"))
fitters = {"bg": BetaGeoFitter, "mbg": ModifiedBetaGeoFitter, "pareto": ParetoNBDFitter}
fit = fitters.get(sys.argv[2], GammaGammaFitter)()
times = []
given = json.loads(sys.argv[4])
if given:
    fit.params_ = pd.Series(given)
for _ in range(int(sys.argv[3])):
    start = time.perf_counter()
    if sys.argv[2] == "spend":
        fit.fit(x[x > 0], mean[x > 0], weights=w[x > 0])
    else:
        fit.fit(x, t_x, T, weights=w)
    times.append(time.perf_counter() - start)
start = time.perf_counter()
ahead = None
if sys.argv[2] != "spend":
    ahead = fit.conditional_expected_number_of_purchases_up_to_time(39, x, t_x, T)
cet = time.perf_counter() - start
total = 0.0 if ahead is None else float(np.sum(ahead))
params = [float(value) for value in fit.params_]
judged = json.loads(sys.argv[5])  # parameters of which its own likelihood is asked
likelihood = None
if judged and sys.argv[2] == "pareto":
    likelihood = float(np.sum(w * fit._conditional_log_likelihood(judged, x, t_x, T)))
elif judged:
    some = x > 0
    rows = (x[some], mean[some], w[some]) if sys.argv[2] == "spend" else (x, t_x, T, w)
    likelihood = -float(fit._negative_log_likelihood(np.log(judged), *rows, 0.0)) * float(np.sum(rows[-1]))
seconds = sorted(times)[len(times) // 2] if times else None
found = {"seconds": seconds, "cet": cet, "total": total, "params": params, "likelihood": likelihood}
print(json.dumps(found))
"""
PEAK = """
import json, sys
import numpy as np
if sys.argv[2] == "ours":
    import salesops as so
else:
    from lifetimes import BetaGeoFitter
data = np.load(sys.argv[1])
x, t_x, T = (data[k] for k in ("x", "t_x", "T"))
def peak():  # the rusage of a child begins with what its parent held
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
before = peak()
if sys.argv[2] == "ours":
    ahead = so.clv.BGNBD().fit(x=x, t_x=t_x, T=T).expected_transactions(39, x, t_x, T)
else:
    ahead = BetaGeoFitter().fit(x, t_x, T).conditional_expected_number_of_purchases_up_to_time(39, x, t_x, T)
print(json.dumps({"all": peak(), "added": peak() - before, "total": float(np.sum(ahead))}))
"""


def transactions(rows: int) -> pl.DataFrame:
    """Two years of orders of a tenth as many customers."""
    rng = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "customer": rng.integers(1_000_000, 1_000_000 + rows // 10, rows),
            "time": np.datetime64("2024-01-01") + rng.integers(0, 730, rows).astype("timedelta64[D]"),
            "amount": rng.integers(1, 20_001, rows) / 100,
        }
    ).with_columns(pl.col("time").cast(pl.Date))


END = np.datetime64("2025-12-30")


def by_polars(data: pl.DataFrame) -> pl.DataFrame:
    days = data.group_by("customer", "time").agg(pl.col("amount").sum())
    days = days.with_columns(first=pl.col("time").min().over("customer"))
    repeat = pl.col("time") > pl.col("first")
    return (
        days.group_by("customer")
        .agg(
            frequency=repeat.sum(),
            recency=(pl.col("time").max() - pl.col("first").first()).dt.total_days() / 7,
            T=(pl.lit(END).cast(pl.Date) - pl.col("first").first()).dt.total_days() / 7,
            monetary_value=pl.col("amount").filter(repeat).mean(),
            total_spend=pl.col("amount").sum(),
        )
        .sort("customer")
    )


SQL = """
with days as (select customer, "time", sum(amount) as amount from data group by all),
firsts as (select customer, min("time") as first from days group by customer)
select customer, count(*) - 1 as frequency, (max("time") - any_value(first)) / 7.0 as recency,
  (date '2025-12-30' - any_value(first)) / 7.0 as T, avg(amount) filter ("time" > first) as monetary_value,
  sum(amount) as total_spend
from days join firsts using (customer) group by customer order by customer
"""


def bench_rfm(rows: int) -> None:
    data = transactions(rows)

    def ours() -> so.clv.Rfm:
        return so.clv.rfm(data, amount="amount", unit="week", observation_end="2025-12-30")

    connection = duckdb.connect()
    connection.register("source", data.to_arrow())
    connection.execute("create table data as select * from source")

    def by_duckdb() -> object:
        return connection.execute(SQL).to_arrow_table()

    mine, theirs = pl.DataFrame(ours()), by_polars(data)
    same = all(
        np.allclose(mine[name].to_numpy(), theirs[name].to_numpy(), equal_nan=True)
        for name in ("frequency", "recency", "T", "total_spend")
    )
    money = mine["monetary_value"].fill_null(0).to_numpy(), theirs["monetary_value"].fill_null(0).to_numpy()
    same = same and np.allclose(*money)
    peers = {"polars": measure(lambda: by_polars(data)), "duckdb": measure(by_duckdb)}
    seconds = measure(ours)
    note = bar("rfm", rows, seconds).removeprefix("; ") or None
    report("RFM of transactions by day", rows, seconds, peers, same=bool(same), limit=1.0, note=note)


def customers(n: int) -> dict[str, np.ndarray]:
    """BG/NBD customers at the parameters of the CDNOW sample, on whole days of 27 to 39 weeks."""
    rng = np.random.default_rng(2)
    rate, leave = rng.gamma(0.243, 1 / 4.414, n) / 7, rng.beta(0.793, 2.426, n)
    T = rng.integers(27 * 7, 39 * 7 + 1, n).astype(float)
    x, t_x, time = np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.ones(n, dtype=bool)
    while alive.any():
        here = np.flatnonzero(alive)
        with np.errstate(divide="ignore", over="ignore"):
            time[here] += rng.exponential(1.0, len(here)) / rate[here]
        here = here[time[here] < T[here]]
        x[here] += 1
        t_x[here] = np.maximum(1, np.floor(time[here]))
        alive[:] = False
        alive[here[rng.random(len(here)) > leave[here]]] = True
    mean = np.where(x > 0, np.round(rng.gamma(6.25, 1, n) / rng.gamma(3.74, 1 / 15.44, n), 2) + 0.01, 0)
    return {"x": x, "t_x": t_x / 7, "T": T / 7, "w": np.ones(n), "mean": mean}


def lifetimes_fit(
    data: dict[str, np.ndarray],
    kind: str,
    repeat: int,
    given: dict[str, float] | None = None,
    judged: list[float] | None = None,
) -> dict:
    """What lifetimes took and found in its own process, without the start of Python.

    `judged` are parameters of which its own likelihood is asked.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "data.npz"
        np.savez(path, **data)
        options = [str(path), kind, str(repeat), json.dumps(given or {}), json.dumps(judged or [])]
        command = [str(LIFETIMES), "-W", "ignore", "-c", CHILD, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def bench_memory(n: int) -> None:
    """Peak of the resident memory of a process that fits and forecasts, and what that adds to its data."""
    if not LIFETIMES.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "data.npz"
        np.savez(path, **customers(n))
        found = {}
        for whose, python in (("ours", sys.executable), ("lifetimes", str(LIFETIMES))):
            command = [python, "-W", "ignore", "-c", PEAK, str(path), whose]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[whose] = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = found["ours"], found["lifetimes"]
    same = bool(np.isclose(ours["total"], theirs["total"], rtol=1e-3))
    for what, task in (("all", "the process"), ("added", "fit and forecast on top of the data")):
        task = f"BGNBD peak memory of {task}, {n:,} customers"
        peers = {"lifetimes": theirs[what]}
        report(task, n, ours[what], peers, same=same, limit=1.0, unit="MB")


MODELS = {
    "bg": so.clv.BGNBD,
    "mbg": so.clv.MBGNBD,
    "pareto": so.clv.ParetoNBD,
    "spend": so.clv.GammaGamma,
}


#: Seconds that the issue asks for, whoever the peer is.
BARS = {("bg", 1_000_000): 0.25, ("rfm", 10_000_000): 0.5}


def bar(kind: str, n: int, seconds: float) -> str:
    """Whether a bar in seconds was met, where there is one."""
    if (kind, n) not in BARS:
        return ""
    limit = BARS[kind, n]
    return f"; bar of {limit} s {'met' if seconds <= limit else 'missed'}"


def bench_fits(n: int, kinds: dict[str, float]) -> None:
    data = customers(n)
    arrays = {name: data[name] for name in ("x", "t_x", "T")}
    for kind, limit in kinds.items():
        given = {"x": data["x"], "mean_spend": data["mean"]} if kind == "spend" else arrays
        model = MODELS[kind]

        def ours(model=model, given=given) -> object:
            return model().fit(**given)

        task = f"{model.__name__} fit, {n:,} customers"
        if not LIFETIMES.exists():
            report(task, n, measure(ours))
            continue
        found = ours()
        values = list(found.params_.values())
        theirs = lifetimes_fit(data, kind, 3 if n <= 10_000 else 1, judged=values)
        gap = abs(theirs["likelihood"] - found.log_likelihood_)
        better = found.log_likelihood_ >= log_likelihood(model, theirs["params"], given) - 1e-3
        seconds = measure(ours)
        note = f"log-likelihoods at our estimate differ by {gap:.1e}{bar(kind, n, seconds)}"
        peers = {"lifetimes": theirs["seconds"]}
        report(task, n, seconds, peers, same=bool(better and gap < 1e-6), limit=limit, note=note)
        if kind != "spend" and n >= 100_000:
            bench_expected(model(*theirs["params"]), arrays, theirs)
    bg = so.clv.BGNBD().fit(**arrays)
    spend = so.clv.GammaGamma(p=6.25, q=3.74, v=15.44)
    worth = {
        "spend": spend,
        "spend_x": data["x"],
        "mean_spend": np.where(data["x"] > 0, data["mean"], np.nan),
    }
    by_year = {"discount": "10% / year", "unit": "week", **worth}
    for what, asked in {
        "": {"horizon": 39},
        ", discounted over a year, in money": {"horizon": "1 year", **by_year},
        ", discounted over five years, in money": {"horizon": "5 years", **by_year},
        ", of outcomes": {"horizon": 39, "interval": "outcome"},
    }.items():
        forecast = measure(lambda asked=asked: bg.predict(**arrays, level=90, **asked), repeat=3, at_most=60)
        report(f"BGNBD forecast with 90 % intervals{what}, {n:,} customers", n, forecast)


def bench_expected(model: so.clv.PurchaseModel, arrays: dict[str, np.ndarray], theirs: dict) -> None:
    """Expected transactions at the peer's parameters."""
    n = len(arrays["x"])
    task = f"{type(model).__name__} expected transactions, {n:,} customers"
    ours = measure(lambda: model.expected_transactions(39, **arrays))
    same = np.isclose(model.expected_transactions(39, **arrays).sum(), theirs["total"], rtol=1e-6)
    limit = 0.1 if n >= 1_000_000 else 0.3  # of fewer customers the call itself takes its share
    report(task, n, ours, {"lifetimes": theirs["cet"]}, same=bool(same), limit=limit)
    endless = measure(lambda: model.dert(0.002, **arrays))
    report(f"{type(model).__name__} discounted transactions without end, {n:,} customers", n, endless)


def bench_forecasts(n: int, models: list[so.clv.PurchaseModel]) -> None:
    """Forecasts at given parameters, of more customers than the peer fits in a minute."""
    if not LIFETIMES.exists():
        return
    data = customers(n)
    arrays = {name: data[name] for name in ("x", "t_x", "T")}
    kinds = {kind: name for name, kind in MODELS.items()}
    for model in models:
        given = {name: getattr(model, name) for name in model.parameters}
        bench_expected(model, arrays, lifetimes_fit(data, kinds[type(model)], 0, given))


def log_likelihood(model: type, params: list[float], given: dict[str, np.ndarray]) -> float:
    return float(model(*params).log_likelihood(**given).sum())


# ---- CDNOW, with what others say of it ----


def cdnow(data: pathlib.Path) -> so.clv.Rfm:
    """The sample of 2,357 customers in exact weeks to 1997-09-30."""
    lines = [line.split() for line in (data / "CDNOW_sample.txt").read_text().splitlines() if line.strip()]
    days = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for _, _, day, _, _ in lines]
    log = {
        "customer": [line[1] for line in lines],
        "time": days,
        "amount": [float(line[4]) for line in lines],
    }
    return so.clv.rfm(log, amount="amount", unit="week", calibration_end="1997-09-30")


def apparel(data: pathlib.Path) -> so.clv.Rfm:
    """600 customers over 104 weeks, with what changes by week."""
    kept = {"customer": "Id", "time": "Date", "amount": "Price"}
    log = pl.read_csv(data / "apparel_transactions.csv")
    rows = so.clv.rfm(log, **kept, unit="week", calibration_end="2006-12-31")
    weeks = pl.read_csv(data / "apparel_dynamic_covariates.csv")
    return rows.over_time(weeks, start="Cov.Date", customer="Id")


def pymc_marketing(arrays: dict[str, np.ndarray], kind: str, given: dict[str, float], draws: int) -> dict:
    """What pymc-marketing took and found in its own process; compiling counts, as a user waits for it."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "data.npz"
        np.savez(path, **arrays)
        script = str(pathlib.Path(__file__).with_name("_clv_pymc.py"))
        command = [
            str(PYMC_MARKETING),
            "-W",
            "ignore",
            script,
            str(path),
            kind,
            json.dumps(given),
            str(draws),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=1200)
    return json.loads(done.stdout.splitlines()[-1])


def bench_pymc_marketing(rows: so.clv.Rfm, draws: int = 1000) -> None:
    """Equal likelihoods at equal parameters, the time to the most likely ones and that of a posterior."""
    if not PYMC_MARKETING.exists():
        print(f"pymc-marketing is left out: there is no {PYMC_MARKETING}", file=sys.stderr)
        return
    whole = {"x": rows["frequency"], "t_x": rows["recency"], "T": rows["T"]}
    for kind, n in (("bg", len(rows)), ("mbg", len(rows)), ("pareto", 100)):
        arrays = {name: np.ascontiguousarray(column[:n]) for name, column in whole.items()}
        fit = MODELS[kind]().fit(**arrays)
        try:
            theirs = pymc_marketing(arrays, kind, fit.params_, draws)
        except subprocess.TimeoutExpired:
            print(
                f"pymc-marketing took over 20 minutes for {kind} of {n} customers: left out", file=sys.stderr
            )
            continue
        name, title = MODELS[kind].__name__, "CDNOW" if n == len(rows) else f"first {n} of CDNOW"
        at_map = log_likelihood(MODELS[kind], list(theirs["map"].values()), arrays)
        gap = max(abs(theirs["at_given"] - fit.log_likelihood_), abs(theirs["at_map"] - at_map))
        note = (
            f"log-likelihoods at our estimate and at theirs differ by {gap:.1e} at most; "
            f"{fit.log_likelihood_:,.6f} at ours, {theirs['at_map']:,.6f} at theirs"
        )
        seconds = measure(lambda kind=kind, arrays=arrays: MODELS[kind]().fit(**arrays))
        peers = {"pymc-marketing MAP, flat": theirs["map_s"]}
        report(f"{name} fit, {title}", n, seconds, peers, same=gap < 1e-6, limit=0.1, note=note)

        drawn = fit.posterior(draws, chains=4, warmup=draws, progress=False)
        apart = max(
            abs(drawn.diagnosis()[one]["mean"] - mean) / theirs["sds"][one]
            for one, mean in theirs["means"].items()
        )
        seconds = measure(
            lambda fit=fit: fit.posterior(draws, chains=4, warmup=draws, progress=False), repeat=1, at_most=60
        )
        task = f"{name} posterior, 4 chains of {draws:,} draws after as many, {title}"
        note = f"means at most {apart:.2f} sd apart, under the same beliefs"
        peers = {"pymc-marketing NUTS": theirs["draw_s"]}
        report(task, n, seconds, peers, same=apart < 0.2, limit=0.5, note=note)


#: Of CLVTools 0.12.1 on the CDNOW sample: the parameters that its own tests hold (test_correctness_bgnbd.R,
#: test_correctness_pnbd_nocovstaticcov.R), the log-likelihood where they hold one too, and the seconds that a
#: build from source took on two cores of another machine.
CLVTOOLS = {
    "bg": ([0.2425945, 4.4136019, 0.7929199, 2.4258881], None, 0.11),
    "pareto": ([0.55315, 10.57633, 0.60625, 11.67150], -9594.976, 0.054),
}


def bench_clvtools(rows: so.clv.Rfm, data: pathlib.Path) -> None:
    """What CLVTools printed against our likelihood at its parameters; its seconds are none of this run."""
    arrays = {"x": rows["frequency"], "t_x": rows["recency"], "T": rows["T"]}
    for kind, (parameters, printed, seconds) in CLVTOOLS.items():
        model = MODELS[kind]
        fit = model().fit(**arrays)
        there = log_likelihood(model, parameters, arrays)
        short = fit.log_likelihood_ - there  # its parameters are rounded, and a maximum is flat
        note = (
            f"CLVTools' seconds are of another run and machine; log-likelihood {fit.log_likelihood_:,.6f}, "
            f"{short:.1e} less at its parameters" + (f", {printed:,} printed" if printed else "")
        )
        same = 0 <= short < 1e-5 and (printed is None or abs(there - printed) < 6e-4)
        task = f"{model.__name__} fit, CDNOW, beside CLVTools' printed numbers"
        mine = measure(lambda model=model: model().fit(**arrays))
        report(task, len(rows), mine, {"CLVTools 0.12.1, printed": seconds}, same=bool(same), note=note)
    told = apparel(data)

    def by_season() -> so.clv.ParetoNBD:
        names = ["High.Season", "Gender", "Channel"]
        return so.clv.ParetoNBD().fit(told, covariates=names, dropout_covariates=names)

    found = by_season().log_likelihood_
    note = (
        "CLVTools' seconds are of another run and machine (Nelder-Mead, 2,347 evaluations); log-likelihood "
        f"{found:,.4f}, CLVTools stops at −5,754.7702"
    )
    task = "ParetoNBD fit with covariates over time, apparel, beside CLVTools' printed numbers"
    mine = measure(by_season)
    peers = {"CLVTools 0.12.1, printed": 22.8}
    report(task, len(told), mine, peers, same=found >= -5754.7702, limit=0.05, note=note)


def main() -> None:
    bench_rfm(1_000_000)
    bench_rfm(10_000_000)
    bench_fits(10_000, {"bg": 0.1, "mbg": 0.1, "pareto": 0.02, "spend": 0.2})
    bench_fits(100_000, {"bg": 0.05, "mbg": 0.05, "pareto": 0.01})
    bench_fits(1_000_000, {"bg": 0.02})
    bench_memory(1_000_000)
    mbg = so.clv.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614)
    bench_forecasts(1_000_000, [mbg, so.clv.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)])
    if "SALESOPS_DATA" not in os.environ:
        print("pymc-marketing and CLVTools are left out: SALESOPS_DATA names no folder", file=sys.stderr)
        return
    data = pathlib.Path(os.environ["SALESOPS_DATA"]) / "clv"
    rows = cdnow(data)
    bench_pymc_marketing(rows)
    bench_clvtools(rows, data)


if __name__ == "__main__":
    main()

"""Ask pymc-marketing, in the environment of its own that bench_clv.py names; prints one JSON line.

Arguments: an .npz with x, t_x and T, the kind of model, a JSON object of parameters to take the likelihood
at, and how many draws each of four chains makes (0: none).
"""

import json
import math
import sys
import time

import numpy as np
import pandas as pd
import pymc as pm
from pymc_extras.prior import Prior
from pymc_marketing.clv import BetaGeoModel, ModifiedBetaGeoModel, ParetoNBDModel
from pymc_marketing.clv.distributions import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD

KINDS = {
    "bg": (BetaGeoModel, BetaGeoNBD),
    "mbg": (ModifiedBetaGeoModel, ModifiedBetaGeoNBD),
    "pareto": (ParetoNBDModel, ParetoNBD),
}


def config(names: list[str], centre: float, flat: bool) -> dict[str, Prior]:
    """Beliefs that are flat, or those of salesops: log-normal, times about the mean T."""
    if flat:
        return {name: Prior("HalfFlat") for name in names}
    times = ("alpha", "beta")
    return {name: Prior("LogNormal", mu=centre if name in times else 0.0, sigma=2.0) for name in names}


def main() -> None:
    path, kind, given, draws = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
    arrays = np.load(path)
    x, t_x, T = arrays["x"], arrays["t_x"], arrays["T"]
    model_kind, distribution = KINDS[kind]
    seen = np.stack([t_x, x], axis=-1)

    def log_likelihood(parameters: dict[str, float]) -> float:
        rows = pm.logp(distribution.dist(**parameters, T=T), seen)
        return float(np.sum(rows.eval()))

    data = pd.DataFrame({"customer_id": np.arange(len(x)), "frequency": x, "recency": t_x, "T": T})
    found: dict[str, object] = {"at_given": log_likelihood(given)}
    names, centre = list(given), math.log(float(T.mean()))
    model = model_kind(data=data, model_config=config(names, centre, True))
    model.build_model()
    begin = time.perf_counter()
    model.fit(method="map", progressbar=False)
    found["map_s"] = time.perf_counter() - begin
    best = {name: float(model.fit_result[name].to_numpy().ravel()[0]) for name in names}
    found["map"] = best
    found["at_map"] = log_likelihood(best)
    if draws:
        model = model_kind(data=data, model_config=config(names, centre, False))
        model.build_model()
        begin = time.perf_counter()
        options = {"draws": draws, "tune": draws, "chains": 4, "cores": 2}
        model.fit(method="mcmc", **options, random_seed=1, progressbar=False)
        found["draw_s"] = time.perf_counter() - begin
        found["means"] = {name: float(model.fit_result[name].to_numpy().mean()) for name in names}
        found["sds"] = {name: float(model.fit_result[name].to_numpy().std()) for name in names}
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Write tests/golden/clv_posterior.csv: posteriors that pymc-marketing draws, for ours to be held against.

Run by hand with pymc-marketing 0.19 and the folder of real data:
``SALESOPS_DATA=… python tests/golden/clv_posterior.py``. The data are the CDNOW sample as summarised by
lifetimes; the beliefs are ours where none are stated: log-normal, median 1, log_sd 2, times in units of
the mean T.
"""

import csv
import math
import os
import pathlib

import numpy as np
import pandas as pd
from pymc_extras.prior import Prior
from pymc_marketing.clv import BetaGeoModel, ModifiedBetaGeoModel

folder = pathlib.Path(os.environ["SALESOPS_DATA"]) / "clv"
data = pd.read_csv(folder / "cdnow_customers_summary.csv")
data["customer_id"] = np.arange(len(data))
data = data[["customer_id", "frequency", "recency", "T"]]
centre = math.log(data["T"].mean())

with pathlib.Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow(["model", "parameter", "mean", "sd", "q05", "q95", "ess_bulk"])
    for kind in (BetaGeoModel, ModifiedBetaGeoModel):
        config = {name: Prior("LogNormal", mu=0.0, sigma=2.0) for name in ("r", "a", "b")}
        config["alpha"] = Prior("LogNormal", mu=centre, sigma=2.0)
        model = kind(data=data, model_config=config)
        model.build_model()
        model.fit(method="mcmc", draws=2500, tune=1000, chains=4, cores=2, random_seed=1, progressbar=False)
        import arviz

        for name in ("r", "alpha", "a", "b"):
            drawn = model.fit_result[name].to_numpy()
            values = drawn.ravel()
            low, high = np.quantile(values, [0.05, 0.95])
            row = [values.mean(), values.std(ddof=1), low, high, float(arviz.ess(drawn, method="bulk"))]
            writer.writerow([kind.__name__, name, *(f"{value:.6g}" for value in row)])

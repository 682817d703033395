"""A whole pipeline forecast against NumPy tossing the same open deals."""

import numpy as np
import pandas as pd
import salesops as so
from _bench import measure, report

DEALS = 100_000
DRAWS = 1_000
AS_OF = "2025-10-01"


def tossed(deals: pd.DataFrame) -> pd.Series:
    """Bookings of the open deals by owner and draw, deals independent, won at face value."""
    rng = np.random.default_rng(1)
    owners, names = pd.factorize(deals["owner_id"])
    total = np.zeros((len(names), DRAWS))
    amounts, p = deals["amount"].fillna(0).to_numpy(), deals["p_win"].to_numpy()
    for owner in range(len(names)):
        mine = owners == owner
        won = rng.random((DRAWS, int(mine.sum()))) < p[mine]
        total[owner] = won @ amounts[mine]
    return pd.Series(total.mean(axis=1), index=names)


def main() -> None:
    crm = so.datasets.sample_crm(seed=7, deals=DEALS, reps=200, leads_per_deal=0, activities_per_deal=0)
    result = so.pipeline.forecast(crm, AS_OF, draws=DRAWS)
    deals = result.deals("pandas")
    ours = float(result.to_frame("pandas").query("holder_type == 'company'")["open_expected"].iloc[0])
    same = bool(abs(tossed(deals).sum() / ours - 1) < 0.15)
    report(
        "forecast by rep, week and draw, with fit (NumPy: open deals only, by rep and draw)",
        len(deals),
        measure(lambda: so.pipeline.forecast(crm, AS_OF, draws=DRAWS), repeat=3),
        {"numpy": measure(lambda: tossed(deals), repeat=3)},
        same=same,
    )

    def quarter() -> so.pipeline.Waterfall:
        return so.pipeline.waterfall(crm, "2025-07-01", AS_OF)

    amounts = quarter().to_frame("pandas").amount
    assert abs(amounts.iloc[:-1].sum() - amounts.iloc[-1]) < 0.01
    report("waterfall of a quarter, with both rewinds", DEALS, measure(quarter, repeat=3))


if __name__ == "__main__":
    main()

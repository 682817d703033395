"""Read a million deals with texts as people write them; against pandas with a parser for each column."""

import numpy as np
import pandas as pd
from _bench import measure, report
from salesops import ingest

DEALS = 1_000_000


def main() -> None:
    rng = np.random.default_rng(7)
    cents = rng.integers(0, 10_000_000, DEALS)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, DEALS), unit="D")
    frame = pd.DataFrame(
        {
            "Id": np.char.add("006", np.char.zfill(np.arange(DEALS).astype(str), 12)),
            "StageName": rng.choice(
                ["Prospecting", "Proposal", "Closed Won", "Closed Lost", "Select"], DEALS
            ),
            "Amount": [f"USD {cent / 100:,.2f}" for cent in cents],
            "CloseDate": days.strftime("%d/%m/%Y"),
            "Probability": rng.integers(0, 101, DEALS),
        }
    )

    def with_salesops() -> object:
        return ingest.read_tables({"Opportunity": frame}, "salesforce")

    def with_pandas() -> pd.DataFrame:
        return pd.DataFrame(
            {
                "opportunity_id": frame["Id"].str.strip(),
                "stage_id": frame["StageName"].replace("Select", None),
                "amount": frame["Amount"].str.removeprefix("USD ").str.replace(",", "").astype(float),
                "close_date": pd.to_datetime(frame["CloseDate"], dayfirst=True, format="%d/%m/%Y"),
                "probability": frame["Probability"] / 100,
            }
        )

    found, _ = ingest.read_tables({"Opportunity": frame}, "salesforce")
    ours, theirs = found["opportunity"].to_pandas(), with_pandas()
    same = bool(
        (ours["amount"].astype(float) == theirs["amount"]).all()
        and (pd.to_datetime(ours["close_date"]) == theirs["close_date"]).all()
        and (ours["stage_id"].isna() == theirs["stage_id"].isna()).all()
        and np.array_equal(ours["probability"], theirs["probability"])
    )
    report(
        "map and read five columns",
        DEALS,
        measure(with_salesops),
        {"pandas": measure(with_pandas)},
        same=same,
    )


if __name__ == "__main__":
    main()

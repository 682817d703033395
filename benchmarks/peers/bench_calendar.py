"""Business time between two instants: ours for a column, business-duration's loop for a pair."""

import datetime as dt
import importlib.util

import numpy as np
from _bench import measure, report
from salesops.calendar import BusinessHours, FiscalCalendar

PAIRS = 1_000_000
SAMPLE = 20


def pairs(days: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts of 15 years on whole minutes, and ends up to so many days later."""
    rng = np.random.default_rng(1)
    starts = np.datetime64("2010-01-01T00:00", "us") + rng.integers(
        0, 15 * 365 * 1440, PAIRS
    ) * np.timedelta64(1, "m")
    return starts, starts + rng.integers(days * 720, days * 1440, PAIRS) * np.timedelta64(1, "m")


def peer_seconds(starts: np.ndarray, ends: np.ndarray) -> list[float]:
    """Answer the first pairs with business-duration, which has no zones."""
    from business_duration import businessDuration

    return [
        businessDuration(start, end, dt.time(9), dt.time(17), unit="sec")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def main() -> None:
    hours = BusinessHours(zone="UTC")
    has_peer = importlib.util.find_spec("business_duration") is not None
    for days in (35, 400):
        starts, ends = pairs(days)
        ours = measure(lambda starts=starts, ends=ends: hours.elapsed(starts, ends))
        peers, same = {}, True
        if has_peer:
            few = starts[:SAMPLE], ends[:SAMPLE]
            peers["business-duration"] = (
                measure(lambda few=few: peer_seconds(*few), repeat=3) / SAMPLE * PAIRS
            )
            theirs = np.nan_to_num(peer_seconds(*few))
            same = bool(np.allclose(hours.elapsed(*few), theirs, atol=1.0))
        report(f"business time, {days} days", PAIRS, ours, peers, same=same, limit=1e-4)
    new_york = BusinessHours(zone="America/New_York", holidays=["2024-07-04"])
    starts, ends = pairs(35)
    report("business time, New York", PAIRS, measure(lambda: new_york.elapsed(starts, ends)))
    report("due time, New York", PAIRS, measure(lambda: new_york.add(starts, 4 * 3600)))
    fiscal = FiscalCalendar(start_month=2)
    report("fiscal quarter", PAIRS, measure(lambda: fiscal.index(starts, "quarter", tz="America/New_York")))


if __name__ == "__main__":
    main()

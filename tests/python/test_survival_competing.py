"""Fine and Gray, and Gray's test: by their definitions, and by what they find in data that are known."""

import numpy as np
import pytest
import salesops as so
from salesops import survival


def competing(rows, seed, effect=0.0):
    """Deals won or lost; the share won is 1 − (1 − (1 − e^(−t/10))/2)^exp(effect·group) by then."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, rows)
    power = np.exp(effect * group)
    share = 1 - 0.5**power
    won = rng.random(rows) < share
    left = (1 - rng.random(rows) * share) ** (1 / power)
    times = np.where(won, -10 * np.log(1 - 2 * (1 - left)), rng.exponential(6, rows))
    end = rng.uniform(2, 25, rows)
    outcome = np.where(times > end, "open", np.where(won, "won", "lost"))
    return np.ceil(4 * np.minimum(times, end)) / 4, outcome.tolist(), group


def fine_gray_slope(durations, outcomes, x, beta, entry=None):
    """The score of Fine & Gray (1999), with late entries as Geskus (2011) has them, and its curvature."""
    durations, won = np.asarray(durations), np.array(outcomes) == "won"
    entry = np.zeros(len(durations)) if entry is None else np.asarray(entry)
    lost, open_ = np.array(outcomes) == "lost", np.array(outcomes) == "open"

    def there_before(time):
        """Neither censored before nor still to come."""
        chance = 1.0
        for t in np.unique(durations[open_]):
            if t < time:
                at_risk = ((entry < t) & (durations >= t)).sum() - ((durations == t) & ~open_).sum()
                chance *= 1 - (open_ & (durations == t)).sum() / at_risk
        for t in np.unique(entry[entry > 0]):
            if t >= time:
                chance *= 1 - (entry == t).sum() / ((entry <= t) & (durations > t)).sum()
        return chance

    of_row = np.array([there_before(t) for t in durations])
    slope, information = np.zeros(x.shape[1]), np.zeros((x.shape[1], x.shape[1]))
    for time in np.unique(durations[won]):
        weight = np.where(durations >= time, entry < time, lost * there_before(time) / of_row)
        share = weight * np.exp(x @ beta)
        share /= share.sum()
        mean, dead = share @ x, won & (durations == time)
        slope += (x[dead] - mean).sum(axis=0)
        information += dead.sum() * ((x - mean).T @ ((x - mean) * share[:, None]))
    return slope, information


def test_fine_and_gray_by_their_definition():
    durations, outcomes, group = competing(150, 3, 0.7)
    x = np.column_stack([group, np.random.default_rng(4).normal(size=150)])
    model = survival.FineGray(cause="won", censored="open").fit(durations, outcomes, x)
    beta = np.array(list(model.coefficients_.values()))
    slope, information = fine_gray_slope(durations, outcomes, x, beta)
    assert np.abs(slope / np.sqrt(np.diag(information))).max() < 1e-9
    # Without censoring, those lost stay at risk for ever: Cox with them as never ended.
    never = np.where(np.array(outcomes) == "won", durations, 1e6)
    known = np.array(outcomes) != "open"
    ended = np.array(outcomes)[known].tolist()
    share = survival.FineGray(cause="won", censored=None).fit(durations[known], ended, x[known])
    cox = survival.CoxPH(ties="breslow", robust=True).fit(never[known], never[known] < 1e6, x[known])
    assert list(share.coefficients_.values()) == pytest.approx(list(cox.coefficients_.values()), rel=1e-9)
    assert share.result_.std_errors == pytest.approx(cox.result_.std_errors, rel=1e-9)
    with pytest.raises(so.UsageError, match="no outcome 'gone'; there are lost, won"):
        survival.FineGray(cause="gone", censored="open").fit(durations, outcomes, x)


def late(rows, seed, slope=0.0):
    """Competing outcomes of rows that come late, some of them at once, and are known of only then."""
    durations, outcomes, group = competing(rows, seed, slope)
    entry = np.floor(4 * np.random.default_rng(seed + 1).uniform(-2, 4, len(durations)).clip(0)) / 4
    seen = entry < durations
    return durations[seen], np.array(outcomes)[seen].tolist(), group[seen], entry[seen]


def test_fine_and_gray_with_late_rows_by_the_definition():
    durations, outcomes, group, entry = late(220, 3, 0.7)
    assert (entry > 0).sum() > 50
    x = np.column_stack([group, np.random.default_rng(4).normal(size=len(group))])
    model = survival.FineGray(cause="won", censored="open").fit(durations, outcomes, x, entry=entry)
    beta = np.array(list(model.coefficients_.values()))
    slope, information = fine_gray_slope(durations, outcomes, x, beta, entry)
    assert np.abs(slope / np.sqrt(np.diag(information))).max() < 1e-9
    rows = {"days": durations, "end": outcomes, "since": entry, "a": x[:, 0], "b": x[:, 1]}
    of_frame = survival.FineGray(cause="won", censored="open").fit(
        rows, duration_col="days", event_col="end", entry_col="since"
    )
    assert list(of_frame.coefficients_.values()) == list(model.coefficients_.values())
    # Rows that end otherwise don't depend on when they came, if nobody came late.
    nobody = survival.FineGray(cause="won", censored="open").fit(durations, outcomes, x, entry=0 * entry)
    without = survival.FineGray(cause="won", censored="open").fit(durations, outcomes, x)
    assert nobody.coefficients_ == without.coefficients_


def test_fine_and_gray_with_late_rows_find_what_is_there():
    durations, outcomes, group, entry = late(20_000, 5, 0.7)
    model = survival.FineGray(cause="won", censored="open").fit(
        durations, outcomes, {"group": group}, entry=entry
    )
    assert model.coefficients_["group"] == pytest.approx(0.7, abs=4 * model.result_.std_errors[0])


def test_gray_holds_its_level_with_late_rows():
    p_values = []
    for seed in range(200):
        durations, outcomes, group, entry = late(250, seed)
        found = survival.gray(durations, outcomes, group, cause="won", censored="open", entry=entry)
        p_values.append(found.p_value)
    assert 2 <= (np.array(p_values) < 0.05).sum() <= 20
    assert 0.4 < np.mean(p_values) < 0.6


def test_gray_with_late_rows_and_no_other_outcomes_is_the_log_rank_test():
    rng = np.random.default_rng(3)
    durations, entry = rng.exponential(1, 4000) + 0.05, rng.exponential(0.3, 4000)
    seen = entry < durations
    durations, entry = durations[seen], entry[seen]
    events, group = rng.random(len(entry)) < 0.7, rng.integers(0, 3, len(entry))
    gray = survival.gray(durations, events.astype(int), group, cause=1, entry=entry)
    rank = survival.logrank(durations, events, group, entry=entry)
    assert gray.statistic == pytest.approx(rank.statistic, rel=0.03)  # its variance pools the groups
    assert list(gray.expected.values()) == pytest.approx(list(rank.expected.values()), rel=1e-9)


def test_fine_and_gray_find_what_is_there():
    durations, outcomes, group = competing(20_000, 5, 0.7)
    model = survival.FineGray(cause="won", censored="open").fit(durations, outcomes, {"group": group})
    assert model.coefficients_["group"] == pytest.approx(0.7, abs=4 * model.result_.std_errors[0])
    curve = model.predict_incidence({"group": [0, 1]}, [8])
    for code in (0, 1):
        own = group == code
        fit = survival.AalenJohansen(censored="open").fit(durations[own], np.array(outcomes)[own].tolist())
        assert curve["incidence"][code] == pytest.approx(fit.at(8, "won"), abs=0.02)
    picture = model.plot()
    assert "raises the share" in picture.subtitle
    assert picture.columns[1] == "subdistribution hazard ratio"


def test_gray_holds_its_level_and_finds_differences():
    p_values = []
    for seed in range(200):
        durations, outcomes, group = competing(200, seed)
        found = survival.gray(durations, outcomes, group, cause="won", censored="open")
        p_values.append(found.p_value)
        assert sum(found.observed.values()) == pytest.approx(sum(found.expected.values()))
    assert 2 <= (np.array(p_values) < 0.05).sum() <= 20
    assert 0.4 < np.mean(p_values) < 0.6
    durations, outcomes, group = competing(600, 1, 0.7)
    assert survival.gray(durations, outcomes, group, cause="won", censored="open").p_value < 1e-4
    with pytest.raises(so.UsageError, match="no outcome"):
        survival.gray(durations, outcomes, group, cause="gone", censored="open")


def test_gray_without_other_outcomes_is_the_log_rank_test():
    rng = np.random.default_rng(3)
    durations, events, group = rng.exponential(1, 3000), rng.random(3000) < 0.7, rng.integers(0, 3, 3000)
    gray = survival.gray(durations, events.astype(int), group, cause=1)
    rank = survival.logrank(durations, events, group)
    assert gray.statistic == pytest.approx(rank.statistic, rel=0.03)  # its variance pools the groups
    assert gray.observed == rank.observed
    assert list(gray.expected.values()) == pytest.approx(list(rank.expected.values()), rel=1e-9)

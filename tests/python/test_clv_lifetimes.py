"""The page for those who come from lifetimes names all that it offers, and only what is here."""

import pathlib
import re

import pytest
import salesops as so

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "from_lifetimes.md").read_text("utf-8")
# All that lifetimes 0.11.3 documents.
PEER = [
    "BetaGeoFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "BetaGeoBetaBinomFitter",
    "GammaGammaFitter",
    "fit",
    "predict",
    "summary",
    "standard_errors_",
    "confidence_intervals_",
    "variance_matrix_",
    "params_",
    "penalizer_coef",
    "initial_params",
    "ll_summary",
    "solution_iter_summary",
    "generate_new_data",
    "save_model",
    "load_model",
    "conditional_expected_number_of_purchases_up_to_time",
    "conditional_probability_alive",
    "conditional_probability_alive_matrix",
    "conditional_probability_of_n_purchases_up_to_time",
    "expected_number_of_purchases_up_to_time",
    "probability_of_n_purchases_up_to_time",
    "expected_number_of_transactions_in_first_n_periods",
    "conditional_expected_average_profit",
    "customer_lifetime_value",
    "summary_data_from_transaction_data",
    "calibration_and_holdout_data",
    "calculate_alive_path",
    "expected_cumulative_transactions",
    "ConvergenceError",
    "plot_period_transactions",
    "plot_calibration_purchases_vs_holdout_purchases",
    "plot_frequency_recency_matrix",
    "plot_probability_alive_matrix",
    "plot_expected_repeat_purchases",
    "plot_history_alive",
    "plot_cumulative_transactions",
    "plot_incremental_transactions",
    "plot_transaction_rate_heterogeneity",
    "plot_dropout_rate_heterogeneity",
    "beta_geometric_nbd_model",
    "beta_geometric_nbd_model_transactional_data",
    "pareto_nbd_model",
    "modified_beta_geometric_nbd_model",
    "beta_geometric_beta_binom_model",
    "load_cdnow_summary",
    "load_cdnow_summary_data_with_monetary_value",
    "load_transaction_data",
    "load_donations",
]


@pytest.mark.parametrize("name", PEER)
def test_each_call_has_its_row(name):
    left = [line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| ")]
    assert any(re.search(rf"\b{name}\b", cell) for cell in left)


def test_what_stands_beside_it_is_here():
    right = " ".join(
        line.split(" | ")[1] for line in PAGE.splitlines() if line.startswith("| ") and " | " in line
    )
    for name in re.findall(r"so\.clv\.(\w+)", right):
        assert hasattr(so.clv, name), name
    for name in re.findall(r"`model\.(\w+)", right):
        assert hasattr(so.clv.BGNBD(r=1, alpha=1, a=1, b=1), name), name
    for name in re.findall(r"model\.plot\.(\w+)", right):
        assert hasattr(so.clv.BGNBD(r=1, alpha=1, a=1, b=1).plot, name), name
    for name in re.findall(r"`([A-Z]\w+)\(", right):
        assert hasattr(so.clv, name), name

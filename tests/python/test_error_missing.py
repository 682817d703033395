import inspect
import pickle

import pytest
import salesops as so
from salesops import clv, survival


def estimators(module):
    kinds = (getattr(module, name) for name in module.__all__)
    return [kind for kind in kinds if hasattr(kind, "get_params") and hasattr(kind, "parameters")]


@pytest.mark.parametrize("kind", [*estimators(survival), *estimators(clv)], ids=lambda kind: kind.__name__)
def test_what_no_fit_has_given_yet_is_no_attribute(kind):
    model = kind()
    assert "get_params" in dict(inspect.getmembers(model))
    assert not hasattr(model, "summary_")
    with pytest.raises(so.UsageError, match="not fitted yet"):
        _ = model.summary_


def test_what_this_fit_has_no_answer_to_is_no_attribute():
    months, left = [5, 6, 6, 2, 4, 9, 7, 3], [1, 0, 1, 1, 0, 1, 1, 1]
    size = [[one] for one in (3, 9, 4, 2, 8, 5, 7, 9)]
    with_columns = survival.WeibullAFT().fit(months, left, size)
    alone = survival.WeibullAFT().fit(months, left)
    layered = survival.CoxPH().fit(months, left, size, strata=["a", "b"] * 4)
    for model, has, lacks in (
        (with_columns, "concordance_index_", "survival_function_"),
        (alone, "survival_function_", "concordance_index_"),
        (layered, "survival_function_", "median_survival_time_"),
    ):
        assert hasattr(model, has)
        assert not hasattr(model, lacks)
        assert getattr(model, lacks, None) is None
        names = [name for name, _ in inspect.getmembers(model)]
        assert has in names
        assert lacks not in names


def test_it_is_a_usage_error_all_the_same():
    with pytest.raises(so.UsageError) as caught:
        survival.KaplanMeier().at(3)
    assert isinstance(caught.value, AttributeError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert str(again) == "KaplanMeier is not fitted yet: call fit(durations, events) first"

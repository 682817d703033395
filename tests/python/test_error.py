import pickle

import pytest
import salesops as so


@pytest.mark.parametrize(
    ("kind", "builtin"), [(so.UsageError, ValueError), (so.UnitError, TypeError), (so.DataError, Exception)]
)
def test_each_kind_is_an_error_and_what_python_would_raise(kind, builtin):
    assert issubclass(kind, so.Error)
    assert issubclass(kind, builtin)
    with pytest.raises(so.Error, match="column"):
        raise kind("no column 'amuont'")


def test_data_errors_are_not_the_callers_mistake():
    assert not issubclass(so.DataError, ValueError)
    assert not issubclass(so.UnitError, ValueError)


def test_errors_survive_pickling_between_processes():
    with pytest.raises(so.UsageError) as caught:
        raise so.UsageError("no column 'amuont'")
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is so.UsageError
    assert str(error) == "no column 'amuont'"

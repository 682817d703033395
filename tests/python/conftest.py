import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    """Folder of real data sets; tests that need it skip without it, or fail where it is required."""
    folder = os.environ.get("SALESOPS_DATA", "")
    if folder and pathlib.Path(folder).is_dir():
        return pathlib.Path(folder)
    if os.environ.get("SALESOPS_REQUIRE_DATA") == "1":
        pytest.fail("SALESOPS_REQUIRE_DATA=1 but SALESOPS_DATA names no folder")
    pytest.skip("SALESOPS_DATA names no folder")

"""
The compiled part of salesops: one submodule a word.
"""

from __future__ import annotations
from . import error
from . import money
from . import calendar
from . import table
from . import issues
from . import arrow
from . import survival
from . import scenario
from . import pipeline

__all__: list[str] = [
    "arrow",
    "calendar",
    "error",
    "issues",
    "money",
    "pipeline",
    "scenario",
    "survival",
    "table",
]

"""
The compiled part of salesops: one submodule a word.
"""

from __future__ import annotations
from . import error
from . import version
from . import money
from . import calendar
from . import table
from . import issues
from . import arrow
from . import csv
from . import crm
from . import ingest
from . import sample
from . import survival
from . import scenario
from . import clv
from . import subscription
from . import cohort
from . import pipeline
from . import kpi

__all__: list[str] = [
    "arrow",
    "calendar",
    "clv",
    "cohort",
    "crm",
    "csv",
    "error",
    "ingest",
    "issues",
    "kpi",
    "money",
    "pipeline",
    "sample",
    "scenario",
    "subscription",
    "survival",
    "table",
    "version",
]

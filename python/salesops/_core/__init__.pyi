"""
The compiled part of salesops: one submodule a word.
"""

from __future__ import annotations
from . import error
from . import money
from . import calendar
from . import table
from . import issues
from . import survival

__all__: list[str] = ["calendar", "error", "issues", "money", "survival", "table"]

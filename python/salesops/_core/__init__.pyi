"""
The compiled part of salesops: one submodule a word.
"""

from __future__ import annotations
from . import error
from . import table
from . import issues
from . import survival

__all__: list[str] = ["error", "issues", "survival", "table"]

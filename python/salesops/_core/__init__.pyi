"""
The compiled part of salesops: one submodule a word.
"""

from __future__ import annotations
from . import error
from . import table
from . import issues

__all__: list[str] = ["error", "issues", "table"]

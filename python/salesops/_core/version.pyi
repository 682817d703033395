"""
The version of the compiled part.
"""

from __future__ import annotations

__all__: list[str] = ["version"]
version: str = "0.1.0"

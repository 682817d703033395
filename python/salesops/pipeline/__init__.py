"""What deals will book; how good that forecast was; why the pipeline moved; how long stages take."""

from __future__ import annotations

from salesops._names import listing
from salesops.pipeline._forecast import Backtest, Forecast, Waterfall, backtest, forecast, waterfall
from salesops.pipeline._stages import StageDurations, stage_durations

__all__ = [
    "Backtest",
    "Forecast",
    "StageDurations",
    "Waterfall",
    "backtest",
    "forecast",
    "stage_durations",
    "waterfall",
]
__dir__ = listing(__name__)

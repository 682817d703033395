"""Charts of aggregates: one theme, colour-blind safe, in light and dark, as SVG that needs no script.

A `Picture` is what a reader gets: the finding as title, the definition under it, words for those who can't
see it, and the numbers as a table. The chart itself is an ordinary Altair chart.
"""

from salesops._names import listing
from salesops.plot.base import (
    COLORS,
    GROUND,
    MAX_MARKS,
    NO_CURRENCY,
    WIDTH,
    altair,
    compact,
    counted,
    dark_css,
    ink,
    number,
    percent,
    plain,
    records,
    theme,
)
from salesops.plot.charts import (
    burn_up,
    heat,
    intervals,
    ranking,
    trend,
    versus,
    waterfall,
)
from salesops.plot.lines import MOST_LINES, curves, progress
from salesops.plot.picture import Picture, to_svg

__all__ = [
    "COLORS",
    "GROUND",
    "MAX_MARKS",
    "MOST_LINES",
    "NO_CURRENCY",
    "WIDTH",
    "Picture",
    "altair",
    "burn_up",
    "compact",
    "counted",
    "curves",
    "dark_css",
    "heat",
    "ink",
    "intervals",
    "number",
    "percent",
    "plain",
    "progress",
    "ranking",
    "records",
    "theme",
    "to_svg",
    "trend",
    "versus",
    "waterfall",
]
__dir__ = listing(__name__)

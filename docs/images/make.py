"""Draws docs/images/report.svg, the picture of the README: the head of the sample book's report."""

import pathlib
import textwrap

import altair as alt
import salesops as so
from salesops import plot
from salesops.report import sections
from salesops.report.book import Book, Section

WIDTH, HEIGHT, GAP = 222, 144, 12
TEXT = {"label": (20, 13, "bold"), "value": (46, 24, "bold"), "line": (68, 12, "normal")}


def cards(section: Section) -> alt.LayerChart:
    """The big numbers, four a row."""
    boxes, words = [], []
    for place, card in enumerate(section.cards[:8]):
        x, y = place % 4 * (WIDTH + GAP), place // 4 * (HEIGHT + GAP)
        boxes.append({"x": x, "y": y, "x2": x + WIDTH, "y2": y + HEIGHT})
        lines = [("label", card.label, "muted"), ("value", card.value, "ink")]
        for line in card.lines:
            lines += [("line", part, line.tone or "muted") for part in textwrap.wrap(line.text, 30)]
        for nth, (kind, text, role) in enumerate(lines[:7]):
            top, size, weight = TEXT[kind]
            top += 15 * max(nth - 2, 0)
            word = {"text": text, "size": size, "weight": weight, "color": plot.ink(role)}
            words.append({"x": x + 14, "y": y + top, **word})
    wide, high = max(box["x2"] for box in boxes), max(box["y2"] for box in boxes)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, wide], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[high, 0], nice=False))
    frame = alt.Chart(alt.Data(values=boxes), width=wide, height=high).mark_rect(
        fill=plot.ink("ground"), stroke=plot.ink("grid"), strokeWidth=1, cornerRadius=8
    )
    text = alt.layer(
        *(
            alt.Chart(alt.Data(values=[word for word in words if word["size"] == size]))
            .mark_text(align="left", fontSize=size, fontWeight=weight)
            .encode(x=x, y=y, text="text:N", color=alt.Color("color:N", scale=None))
            for _, size, weight in TEXT.values()
        )
    )
    return frame.encode(x=x, x2="x2:Q", y=y, y2="y2:Q") + text


def main() -> None:
    """Scorecard above, forecast and teams below."""
    book = Book(so.datasets.sample_crm(seed=7, deals=5000), "2025-11-15", None)
    scores, ahead = sections.scorecard(book), sections.forecast(book)
    pictures = [*ahead.pictures, sections.by_team(book)]
    head = alt.Title(textwrap.wrap(book.verdict(), 80), fontSize=20, subtitle=book.freshness(), offset=18)
    below = alt.hconcat(*(picture.titled() for picture in pictures), spacing=70)
    chart = alt.vconcat(cards(scores), below, spacing=34, align="none").properties(title=head)
    words = " ".join([book.verdict(), *(picture.alt for picture in pictures)])
    svg = plot.to_svg(chart, words, standalone=True)
    pathlib.Path(__file__).with_name("report.svg").write_text(f"{svg}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

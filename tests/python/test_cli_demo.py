"""The commands of `make demo`, as they stand in the Makefile."""

import pathlib
import re
import shlex

import pytest
import salesops as so
from salesops import cli

MAKEFILE = pathlib.Path(__file__).resolve().parents[2] / "Makefile"


def demo():
    """The lines of the target, without what installs."""
    text = MAKEFILE.read_text(encoding="utf-8")
    body = re.search(r"^demo:\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert body is not None
    lines = [line.strip().lstrip("@").removeprefix("$(HOUSE) ") for line in body[1].splitlines()]
    return [line for line in lines if line.startswith(("salesops ", "echo "))]


def test_make_demo_writes_a_report_and_says_where(tmp_path, monkeypatch, capsys):
    *commands, last = map(shlex.split, demo())
    assert [words[1] for words in commands] == ["sample", "report", "scorecard"]
    monkeypatch.chdir(tmp_path)
    printed = []
    for words in commands:
        # As typed, of fewer deals.
        fewer = [
            "400" if before == "--deals" else word for before, word in zip(["", *words], words, strict=False)
        ]
        assert cli.main(fewer[1:]) == 0
        printed.append(capsys.readouterr().out)
    report = pathlib.Path(commands[1][commands[1].index("--out") + 1])
    page = report.read_text(encoding="utf-8")
    assert "<html" in page
    assert "2025-11-15" in page or "15 November 2025" in page
    assert "Win rate" in printed[2]
    # The last line names the file that is there.
    assert last == ["echo", "open", str(report)]
    assert so.read(tmp_path / commands[0][2]).table("opportunity").num_rows > 300


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_install_what_is_missing(target):
    text = MAKEFILE.read_text(encoding="utf-8")
    body = re.search(rf"^{target}:\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert body is not None
    assert body[1].startswith("\t$(BOOTSTRAP) ")

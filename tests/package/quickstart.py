"""Runs the C++ quickstart on folders and compares what it prints with what Python says of them.

quickstart.py PROGRAM
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import salesops as so

MAPPINGS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"


def squeezed(text: str) -> list[str]:
    """The words of a text, without the lines and blanks that tables are drawn with."""
    return re.findall(r"[^\s─│┌┐└┘├┤┬┴┼═╞╡╪]+", text)


def check(program: str, folder: pathlib.Path, *currency: str) -> None:
    """Compare scorecard, win rate by team, forecast and issues of a folder."""
    done = subprocess.run([program, str(folder), *currency], capture_output=True, text=True, check=True)
    crm = so.read(folder, currency=currency[0] if currency else "")
    parts = [repr(so.kpi.scorecard(crm)), so.kpi.win_rate(crm, by="owner.team").to_table().to_text(20)]
    parts += [so.pipeline.forecast(crm).summary(), f"{crm.issues.total} issues in the rows"]
    shown, expected = squeezed(done.stdout), squeezed("\n".join(parts))
    assert len(expected) > 100, expected
    assert shown == expected, f"{done.stdout}\n---- but Python says ----\n" + "\n".join(parts)
    print(f"quickstart {folder.name}: ok, {crm.table('opportunity').num_rows:,} deals")


def main(program: str) -> None:
    """The sample, as the command line writes it, and a real book under the names of the data model."""
    from salesops import cli

    with tempfile.TemporaryDirectory() as temporary:
        sample = pathlib.Path(temporary) / "sample"
        assert cli.main(["sample", str(sample), "--deals", "2000"]) == 0
        (sample / "notes.csv").write_text("call them on Monday\n")
        check(program, sample)
        if "SALESOPS_DATA" in os.environ:
            source = pathlib.Path(os.environ["SALESOPS_DATA"]) / "crm" / "maven_crm"
            tables, _ = so.ingest.read_tables(source, MAPPINGS / "maven.toml")
            maven = pathlib.Path(temporary) / "maven"
            maven.mkdir()
            for name, table in tables.items():
                so.csv.write(table, maven / f"{name}.csv")
            check(program, maven, "USD")


main(sys.argv[1])

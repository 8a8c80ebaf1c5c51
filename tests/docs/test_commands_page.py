"""The page that lists the commands is written from the command table, and is current."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_committed_page_is_the_one_that_the_table_gives() -> None:
    page = runpy.run_path(str(DOCS / "generate_commands.py"))["page"]()
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == page, "run python docs/generate_commands.py"

"""The tables in docs are those of the code."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_tables_are_current() -> None:
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    for file, page in tables.PAGES.items():
        assert (DOCS / file).read_text(encoding="utf-8") == page(), f"{file}: run `make docs`"

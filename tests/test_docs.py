"""The tables in docs are those of the code, and the commands in them are commands."""

import ast
import contextlib
import importlib.util
import itertools
import operator
import re
import shlex
from pathlib import Path

import pytest

import figureground
from figureground.cli import Parser, parser

DOCS = Path(__file__).parents[1] / "docs"


def test_tables_are_current() -> None:
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    for file, page in tables.PAGES.items():
        assert (DOCS / file).read_text(encoding="utf-8") == page(), f"{file}: run `make docs`"


def commands(page: Path) -> list[list[str]]:
    """What a page's code tells to type after `figureground`."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    spans = [" ".join(span.split()) for span in re.findall(r"`(figureground [^`]*)`", text)]
    lines += [span for span in spans if "…" not in span and len(span.split()) > 2]
    found = []
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|><;&")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # Python with an apostrophe, not a command
            continue
        for is_end, part in itertools.groupby(words, lambda word: set(word) <= set("|><;&")):
            part = list(part)
            if not is_end and part[0] == "figureground":
                found.append(part[1:])
    return found


PAGES = [*sorted(DOCS.parent.glob("*.md")), *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Parser, message: str) -> None:
        if not message.startswith("the following arguments are required"):  # a verb just mentioned
            pytest.fail(f"{self.prog}: {message}")
        raise StopIteration

    monkeypatch.setattr(Parser, "error", refuse)
    for arguments in commands(page):
        if "--help" in arguments:
            continue
        with contextlib.suppress(StopIteration):
            _, late = parser().parse_known_args(arguments)
            assert not [word for word in late if word.startswith("-")], arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_is_python(page: Path) -> None:
    """Blocks compile, and what they use of figureground is there."""
    for block in re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
    ):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and re.fullmatch(r"fg[.\w]+", ast.unparse(node)):
                operator.attrgetter(ast.unparse(node).removeprefix("fg."))(figureground)
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("figureground"):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)


def test_the_chinese_readme_shows_the_same_code() -> None:
    pages = [DOCS.parent / name for name in ("README.md", "README.zh-CN.md")]
    blocks = [
        re.findall(r"^```\w*\n.*?^```", page.read_text(encoding="utf-8"), re.M | re.S)
        for page in pages
    ]
    assert blocks[0] == blocks[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert "://" in link or (page.parent / link).exists(), link

"""The command line: one verb one file; a verb is a function, and its signature is its flags.

Positional parameters are arguments (a list takes one or more), keyword-only ones are --flags; bools
switch on. `Annotated[type, "help", "-o"]` gives the help text and, if wanted, a short flag.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any

from figureground.errors import FiguregroundError

VERBS = ("cutout", "models", "bench", "demo", "train", "evaluate", "export")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb. 0: all done. 1: something failed, and was said. 2: wrong usage. 130: Ctrl-C."""
    parser = argparse.ArgumentParser("figureground", description="Cut people out of photos.")
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name in VERBS:
        verb = getattr(importlib.import_module(f"figureground.cli.{name}"), name)
        _describe(verbs.add_parser(name, help=_title(verb), description=inspect.getdoc(verb)), verb)
    given = vars(parser.parse_args(arguments))
    if given.pop("version"):
        import figureground

        print(f"figureground {figureground.__version__}")
        return 0
    if given.pop("verb") is None:
        parser.error(f"expected a verb, one of {', '.join(VERBS)}; see figureground --help")
    try:
        return _call(given.pop("function"), given) or 0
    except FiguregroundError as error:
        print(f"figureground: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("figureground"):
            raise
        print(
            f"figureground: this needs {error.name}, which is not installed; "
            "install the extra that has it, such as pip install 'figureground[train]'",
            file=sys.stderr,
        )
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("figureground: stopped", file=sys.stderr)
        return 130
    return 1


def _title(verb: Callable[..., Any]) -> str:
    return (inspect.getdoc(verb) or "").splitlines()[0].rstrip(".")


def _describe(parser: argparse.ArgumentParser, verb: Callable[..., Any]) -> None:
    """Adds the verb's parameters to its parser."""
    parser.set_defaults(function=verb)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    hints = typing.get_type_hints(verb, include_extras=True)
    for name, parameter in inspect.signature(verb).parameters.items():
        kind, text, *short = typing.get_args(hints[name])
        required = parameter.default is inspect.Parameter.empty
        options: dict[str, Any] = {"help": text}
        if typing.get_origin(kind) is typing.Literal:
            options["choices"] = typing.get_args(kind)
        elif kind is bool:
            options["action"] = "store_true"
        elif typing.get_origin(kind) is list:
            options["nargs"] = "+" if required else "*"
        elif kind is not str:
            options["type"] = kind
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            if not required:
                options |= {"nargs": options.get("nargs", "?"), "default": parameter.default}
            parser.add_argument(name, metavar=name.upper(), **options)
            continue
        if required:
            options["required"] = True
        elif kind is not bool:
            options["default"] = parameter.default
            if parameter.default not in ("", None):
                options["help"] += " (default: %(default)s)"
        if "action" not in options and "choices" not in options:
            options["metavar"] = name.upper()
        parser.add_argument(*short, f"--{name.replace('_', '-')}", dest=name, **options)


def _call(verb: Callable[..., Any], values: dict[str, Any]) -> int | None:
    positional, named = [], {}
    for name, parameter in inspect.signature(verb).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[name] = values[name]
        else:
            positional.append(values[name])
    return verb(*positional, **named)


def script() -> None:
    """The entry point `figureground`."""
    sys.exit(main())

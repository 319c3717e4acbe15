"""The command line: one verb one file; a verb is a function, and its signature is its flags.

Positional parameters are arguments (a list takes one or more), keyword-only ones are --flags; bools
switch on. `Annotated[type, "help", "-o"]` gives the help text and, if wanted, a short flag.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import keyword
import os
import sys
import threading
import typing
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from figureground.errors import FiguregroundError

VERBS = (
    "cutout",
    "video",
    "parse",
    "index",
    "search",
    "calibrate",
    "gallery",
    "serve",
    "models",
    "bench",
    "demo",
    "recipes",
    "check",
    "prepare",
    "train",
    "evaluate",
    "import",
    "export",
    "average",
    "whiten",
    "doctor",
)
EXTRAS = {  # of modules; others: train
    "av": "video",
    "qdrant_client": "search",
    "pymatting": "matting",
    "scipy": "matting",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb. 0: all done. 1: something failed, and was said. 2: wrong usage. 130: Ctrl-C."""
    try:
        status = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a failure can still be said
        return status
    except FiguregroundError as error:
        _say(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("figureground"):
            raise
        extra = EXTRAS.get(error.name or "", "train")
        _say(
            f"this needs {error.name}, which is not installed; install the extra that has it, such as "
            f"pip install 'figureground[{extra}]'"
        )
    except MemoryError:
        _say("not enough memory; give smaller pictures")
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    except OSError as error:  # the output is gone or full; inputs have errors of their own
        if sys.stdout is sys.__stdout__ and sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
        if not isinstance(error, BrokenPipeError):
            where = error.filename or "the output"
            _say(f"cannot write {where} ({error.strerror or error})")
    return 1


def _say(message: str) -> None:
    if sys.stderr is not None:
        print(f"figureground: {message}", file=sys.stderr)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage of every flag before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def parser() -> Parser:
    """Of all verbs; what it has parsed holds the verb's function and arguments."""
    parser = Parser("figureground", description="Cut people out of photos.")
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for name in VERBS:
        python = f"{name}_" if keyword.iskeyword(name) else name
        verb = getattr(importlib.import_module(f"figureground.cli.{python}"), python)
        _describe(verbs.add_parser(name, help=_title(verb), description=inspect.getdoc(verb)), verb)
    return parser


def _run(arguments: Sequence[str] | None) -> int:
    whole = parser()
    parsed, late = whole.parse_known_args(arguments)
    given = vars(parsed)
    if given.pop("version"):
        import figureground

        print(f"figureground {figureground.__version__}")
        return 0
    if given.pop("verb") is None:
        whole.error(f"expected a verb, one of {', '.join(VERBS)}")
    verb = given.pop("function")
    if late:
        given |= _late(given.pop("parser"), verb, given, late, list(arguments or sys.argv[1:]))
    return _call(verb, given) or 0


def _late(
    parser: argparse.ArgumentParser,
    verb: Callable[..., Any],
    given: dict[str, Any],
    late: list[str],
    arguments: list[str],
) -> dict[str, list[str]]:
    """Arguments after a flag (`cutout a.jpg -o out b.jpg`) go to the verb's list of arguments."""
    meant = arguments[arguments.index("--") :] if "--" in arguments else ["-"]
    lists = [name for name in inspect.signature(verb).parameters if isinstance(given[name], list)]
    if not lists or any(word.startswith("-") and word not in meant for word in late):
        parser.error(f"unrecognized arguments: {' '.join(late)}")
    return {lists[0]: [*given[lists[0]], *(word for word in late if word != "--")]}


def _title(verb: Callable[..., Any]) -> str:
    return (inspect.getdoc(verb) or "").splitlines()[0].rstrip(".")


def _describe(parser: argparse.ArgumentParser, verb: Callable[..., Any]) -> None:
    """Adds the verb's parameters to its parser."""
    parser.set_defaults(function=verb, parser=parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    hints = typing.get_type_hints(verb, include_extras=True)
    for name, parameter in inspect.signature(verb).parameters.items():
        kind, text, *short = typing.get_args(hints[name])
        required = parameter.default is inspect.Parameter.empty
        options: dict[str, Any] = {"help": text}
        if typing.get_origin(kind) is typing.Literal:
            options["choices"] = typing.get_args(kind)
            shown = [str(choice) for choice in options["choices"] if choice != ""]  # if not given
            options["metavar"] = f"{{{','.join(shown)}}}"
        elif kind is bool:
            options["action"] = "store_true"
        elif typing.get_origin(kind) is list:
            options["nargs"] = "+" if required else "*"
        elif kind is not str:
            options["type"] = kind
        if "action" not in options:
            options.setdefault("metavar", name.upper())
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            if not required:
                options |= {"nargs": options.get("nargs", "?"), "default": parameter.default}
            parser.add_argument(name, **options)
            continue
        if required:
            options["required"] = True
        elif kind is not bool:
            options["default"] = parameter.default
            if parameter.default not in ("", None, []):
                options["help"] += " (default: %(default)s)"
        parser.add_argument(*short, f"--{name.strip('_').replace('_', '-')}", dest=name, **options)


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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name it cannot show stops nothing
    status = main()
    if status == 130 and threading.active_count() > 1:
        # all is tidy; a thread in foreign code that Ctrl-C cut off would abort the end
        os._exit(status)
    sys.exit(status)

"""Recipes: flat YAML, one per published training and ours. What each key may be, and its default,
is the signature that the section feeds:

    system   person-segmentation (default), saliency, matting, semantic-segmentation or re-identification
    network  name, and the arguments of networks.build
    init     optional: what to start from: a model, a checkpoint, a run's .safetensors; see training.start
    seed     optional: of the network's random start (data.seed is that of the pictures)
    data     the system's data, see the second of its pair in training.systems
    task     the system's task, the first of the pair
    loop     training.fit.fit
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from figureground.errors import RecipeError

FOLDER = Path(__file__).parent
Values = dict[str, Any]
SECTIONS = {"system", "network", "init", "seed", "data", "task", "loop"}


def names() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.yaml"))


def text(recipe: str) -> str:
    """A recipe's YAML, by name or .yaml path; RecipeError when there is none."""
    path = Path(recipe) if recipe.endswith(".yaml") else FOLDER / f"{recipe}.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise RecipeError(
            f"there is no recipe {recipe!r}; expected a .yaml file or one of {', '.join(names())}"
        ) from None


def load(recipe: str, overrides: Iterable[str] = ()) -> Values:
    """A recipe by name or .yaml path, with `section.key=value` overrides applied; not yet checked."""
    values = of_yaml(text(recipe), recipe)
    if not isinstance(values, dict):
        raise RecipeError(f"{recipe} is not a recipe: expected sections network, data, task, loop")
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise RecipeError(f"{override!r} is not an override; expected KEY=VALUE")
        *sections, last = key.split(".")
        place = values
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise RecipeError(f"{key!r} goes below {section!r}, which is a value")
        place[last] = of_yaml(value, key)
    for section in SECTIONS - {"system", "init", "seed"}:
        if not isinstance(values.setdefault(section, {}), dict):
            raise RecipeError(f"{section} is {values[section]!r}; expected {section}.KEY=VALUE")
    if not isinstance(seed := values.get("seed", 0), int):
        raise RecipeError(f"seed is {seed!r}; expected a whole number")
    if not isinstance(init := values.get("init", ""), str):
        raise RecipeError(f"init is {init!r}; expected a model or a file of weights")
    if not isinstance(values.setdefault("system", "person-segmentation"), str):
        raise RecipeError(f"system is {values['system']!r}; expected the name of one")
    if unknown := set(values) - SECTIONS:
        raise RecipeError(f"unknown recipe sections: {', '.join(sorted(unknown))}")
    return values


def of_yaml(text: str, where: str) -> Any:
    """What the text means; RecipeError, naming `where`, when it is not YAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{where} is not YAML: {' '.join(str(error).split())}") from None


def arguments(
    function: Callable[..., Any], values: dict[str, Any], section: str, given: Iterable[str] = ()
) -> dict[str, Any]:
    """`values` checked against and converted to the signature of `function`.

    given: parameters that the caller supplies itself. Raises RecipeError naming the key.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    if inspect.isclass(function):
        function = function.__init__  # type: ignore[misc]
    kinds = get_type_hints(function)
    for key, value in values.items():  # None passes for text, and for what has a default
        if value is None and key in kinds and type(None) not in get_args(kinds[key]):
            raise RecipeError(f"{section}.{key} is empty; expected a value, or leave it out")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_function_arguments(function, section, skip={"self", *given})
    try:
        parsed = parser.parse_object({section: copy.deepcopy(values)})
        found = parser.instantiate(parsed).get(section)  # None: it takes nothing
        return dict(vars(found)) if found else {}
    except (ArgumentError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"recipe section {section!r}: {reason}") from None


def at_least(least: float, **values: float) -> None:
    """RecipeError naming the first value below `least`, or beyond all numbers."""
    for name, value in values.items():
        if not least <= value < math.inf:
            raise RecipeError(f"{name} is {value}; expected {least} or more")


def within(least: float, most: float, **values: float) -> None:
    """RecipeError naming the first value below `least`, or above `most`."""
    for name, value in values.items():
        if not least <= value <= most:
            raise RecipeError(f"{name} is {value}; expected {least} up to {most}")

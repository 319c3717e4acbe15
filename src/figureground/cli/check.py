"""figureground check"""

from __future__ import annotations

import contextlib
import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from figureground.errors import DataError, RecipeError

if TYPE_CHECKING:
    from figureground.checking.finding import Finding

VALIDATED = "person-segmentation", "matting", "semantic-segmentation"  # on the split val by default
SHOWN = 5  # names of a finding


def check(
    recipe: Annotated[str, "recipe whose data are looked at; or give --data and --root"] = "",
    overrides: Annotated[list[str], "section.key=value, e.g. data.root=FOLDER"] = [],  # noqa: B006
    *,
    data: Annotated[str, "layout of the data set, e.g. pairs, people, voc2012, market1501"] = "",
    root: Annotated[str, "folder of the data set"] = "",
    splits: Annotated[list[str], "splits to look at (default: all usual ones that are there)"] = [],  # noqa: B006
    limit: Annotated[int, "look into so many photos of a split, evenly spread; 0 for all"] = 0,
    sheet: Annotated[str, "also draw samples with their masks over them, e.g. sheet.png"] = "",
    samples: Annotated[int, "how many of them"] = 12,
    seed: Annotated[int, "which of them"] = 0,
    strict: Annotated[bool, "exit with status 1 on warnings, too"] = False,
    json: Annotated[bool, "print JSON, with every name"] = False,
) -> int:
    """Look at a folder before training on it, and say what is wrong.

    Missing, unpaired and unreadable files; masks of another size, coding or colour, inverted or
    empty; unknown classes; persons and photos in two splits, near-duplicates among them, and more.
    Exits with status 1 on errors, what training would fail at or learn falsely, and 0 with warnings.
    """
    from figureground import checking
    from figureground.checking.sheet import sheet as draw
    from figureground.checking.survey import survey
    from figureground.imaging.write import encode, format_of, write
    from figureground.progress import Progress

    if limit < 0 or samples < 1:
        raise DataError(f"--limit is {limit}, --samples {samples}; expected from 0, and from 1")
    format = format_of(sheet)[0] if sheet else ""
    where: dict[str, Any] = {"name": data, "root": root}
    given: dict[str, Any] = {}
    if recipe:
        where, given = _of_recipe(recipe, overrides)
    if (recipe and (data or root)) or not (where["name"] and where["root"]):
        raise DataError(
            "expected a recipe that names its data (data.name=… data.root=FOLDER), or --data and --root"
        )
    if splits:
        where["needed"] = splits
    progress = Progress()
    seen = survey(**where, splits=splits, limit=limit, progress=progress)
    progress.clear()
    findings = checking.check(seen) + _lists(given)
    if sheet:
        write(sheet, encode(draw(seen, samples, seed), format))
    errors = sum(finding.severity == "error" for finding in findings)
    if json:
        report = {
            "data": where["name"],
            "root": str(seen.root),
            "splits": seen.counts(),
            "looked_into": len(seen.photos),
            "findings": [vars(finding) for finding in findings],
        }
        print(jsonlib.dumps(report, indent=1, ensure_ascii=False))
    else:
        counts = ", ".join(f"{split} {count}" for split, count in seen.counts().items())
        print(f"{where['name']} in {seen.root}: {counts}")
        for finding in findings:
            _print(finding)
        print(
            f"errors: {errors}, warnings: {len(findings) - errors}; looked into {len(seen.photos)} photos"
        )
    return 1 if errors or (strict and findings) else 0


def _of_recipe(recipe: str, overrides: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of survey, and the recipe's own of its data."""
    from figureground import recipes

    values = recipes.load(recipe, overrides)
    given = values["data"]
    val = given.get("val_split", "val" if values["system"] in VALIDATED else "")
    sets = given.get("sets", ["."])
    if not isinstance(sets, list):
        raise RecipeError(f"data.sets is {sets!r}; expected a list of folders, such as [.]")
    if given.get("root"):
        # without torch there is nothing to train with
        with contextlib.suppress(ModuleNotFoundError):
            from figureground.training import system

            recipes.arguments(system(values)[1], given, "data")
    return {
        "name": str(given.get("name") or ""),
        "root": str(given.get("root") or ""),
        "sets": [str(folder) for folder in sets],
        "needed": ("train", *([val] if val else [])),
    }, given


def _lists(given: dict[str, Any]) -> list[Finding]:
    """What is wrong with the lists of further photos that a recipe of compositions draws from."""
    from figureground.checking.finding import Finding

    found: list[Finding] = []
    if given.get("pictures") != "compositions":
        return found
    with contextlib.suppress(ModuleNotFoundError):
        from figureground.training.epochs import beside, picked

        collection = given.get("collection")
        place = beside(Path(given["root"]), Path(collection) if collection else None)
        for name in ("nobody", "scenes", "things"):
            try:
                picked(place, given.get(name, []), "train" if name == "things" else "test")
            except DataError as wrong:
                found.append(Finding("error", str(wrong), [*map(str, wrong.files)], f"data.{name}"))
    return found


def _print(finding: Finding) -> None:
    names = finding.names
    print(f"{finding.severity}: {finding.check} ({len(names)}): {finding.message}")
    for name in names[:SHOWN]:
        print(f"    {name}")
    if len(names) > SHOWN:
        print(f"    … {len(names) - SHOWN} more (--json names all)")

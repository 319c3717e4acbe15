"""What can be seen without opening a picture: files that are missing, left over, or in two splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from figureground.checking.finding import Finding, error, warning
from figureground.checking.survey import Survey


def layout(survey: Survey) -> Iterator[Finding]:
    """What the reader itself objects to: no partner, a name that does not parse, a list that is no list."""
    for complaint in survey.complaints:
        yield error(str(complaint), map(survey.name, complaint.files or [survey.root]))


def missing_files(survey: Survey) -> Iterator[Finding]:
    missing = [
        survey.name(file)
        for examples in survey.examples.values()
        for example in examples
        for file in example.files()
        if not file.is_file()
    ]
    yield error(
        "named by a list or a photo, but not there: add the files, or mend the list", missing
    )


def listed_twice(survey: Survey) -> Iterator[Finding]:
    """One file in two splits; in one split it only counts twice."""
    first: dict[str, str] = {}
    across, within = [], []
    for split, found in (survey.examples or survey.sightings).items():
        for image in (survey.name(one.image) for one in found):
            if image not in first:
                first[image] = split
            elif first[image] == split:
                within.append(image)
            elif split != "all":
                across.append(f"{image} ({first[image]} and {split})")
    yield error("in two splits, so what is measured was learnt: leave each photo in one", across)
    yield warning("listed twice in one split, so it counts twice: delete a line", within)


def left_over(survey: Survey) -> Iterator[Finding]:
    """Masks without a photo, in the folders of the others.

    Pairs that no split names may be held back, and photos without a mask be more than were outlined.
    """
    if not survey.whole:
        return
    examples = [e for found in survey.examples.values() for e in found]
    images = {e.image for e in examples}
    truths = {file for e in examples for file in e.files()} - images
    photos = {file.stem for folder in _folders(images) for file in folder.iterdir()}
    complained = {file for complaint in survey.complaints for file in complaint.files}
    lonely = [
        survey.name(file)
        for folder in _folders(truths)
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".")
        if file.stem not in photos and file not in truths | complained
    ]
    yield warning("masks, alphas or labels without a photo: add it, or delete them", lonely)


def _folders(files: set[Path]) -> list[Path]:
    return sorted({file.parent for file in files if file.parent.is_dir()})


CHECKS = [layout, missing_files, listed_twice, left_over]

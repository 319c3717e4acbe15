"""What goes for masks, alphas, trimaps and labels alike: that they can be read and lie on their photos."""

from __future__ import annotations

from collections.abc import Iterator

from figureground.checking.finding import Finding, error, warning
from figureground.checking.measure import Truth
from figureground.checking.survey import Survey


def unreadable_truths(survey: Survey) -> Iterator[Finding]:
    bad = [t for t in survey.truths if t.error]
    reason = f" (the first: {bad[0].error})" if bad else ""
    yield error(f"cannot be decoded: save them anew, or take them out{reason}", survey.names(bad))


def refused(survey: Survey) -> Iterator[Finding]:
    """What the reader would stop training for."""
    bad = [t for t in survey.truths if t.refusal and not t.coloured]
    yield error(f"stop the training: {bad[0].refusal if bad else ''}", survey.names(bad))


def coloured(survey: Survey) -> Iterator[Finding]:
    yield error(
        "in colour, but read as grey numbers: save the mask, alpha or class numbers as one 8-bit channel",
        survey.names(t for t in survey.truths if t.coloured),
    )


def sizes(survey: Survey) -> Iterator[Finding]:
    """Other sizes than the photo's; where the photo is on its side by an EXIF tag, that is why."""
    turned: list[str] = []
    other: list[str] = []
    for truth in survey.truths:
        if truth.error or truth.photo.error or truth.size == truth.photo.size:
            continue
        size, seen = (f"{w}x{h}" for w, h in (truth.size, truth.photo.size))
        on_side = truth.photo.orientation >= 5 and truth.size == truth.photo.size[::-1]
        (turned if on_side else other).append(
            f"{survey.name(truth.path)} ({size}, its photo {seen})"
        )
    yield error("not turned as their photos are by an EXIF tag: turn them, or drop the tag", turned)
    yield error("of another size than their photos: make them anew at the photo's size", other)


def turned_unseen(survey: Survey) -> Iterator[Finding]:
    """An orientation tag that leaves the size as it is, so that nobody can tell if the truth follows it."""
    unseen = [
        t.photo
        for t in survey.truths
        if not t.error
        and t.size == t.photo.size
        and (
            t.photo.orientation in (2, 3, 4)
            or (t.photo.orientation >= 5 and t.size[0] == t.size[1])
        )
    ]
    yield warning(
        "turned by an EXIF tag, and sizes do not tell whether their masks are: look at --sheet",
        dict.fromkeys(survey.names(unseen)),
    )


def lossy(survey: Survey) -> Iterator[Finding]:
    yield warning(
        "masks or labels as JPEG, which smears edges into other values: save PNG",
        survey.names(t for t in survey.of_kind("mask", "labels") if t.format in ("JPEG", "MPO")),
    )


def sixteen_bit(survey: Survey) -> Iterator[Finding]:
    def deep(truth: Truth) -> bool:
        return truth.mode.startswith("I;") or truth.mode in ("I", "F")

    yield warning(
        "masks of 16 or more bits, of which all above 255 is foreground: save 8-bit",
        survey.names(t for t in survey.of_kind("mask") if deep(t)),
    )


CHECKS = [unreadable_truths, refused, coloured, sizes, turned_unseen, lossy, sixteen_bit]

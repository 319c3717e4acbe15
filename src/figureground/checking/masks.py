"""Masks and alphas: what they show, and in which coding."""

from __future__ import annotations

from collections.abc import Iterator

from figureground.checking.finding import Finding, error, warning
from figureground.checking.measure import Truth
from figureground.checking.survey import Survey

LIKELY = 0.5  # share of the files from which a habit of the whole set is likelier than odd pictures
INVERTED_RIM = 0.75
SOFT = 0.0005  # share of an alpha's pixels; hair and blur give some 1 %


def _shown(survey: Survey) -> list[Truth]:
    return [t for t in survey.of_kind("mask", "alpha") if not t.refusal]


def empty(survey: Survey) -> Iterator[Finding]:
    """In alphas: nothing reaches one half."""
    shown = _shown(survey)
    none = [t for t in shown if not t.foreground and not t.share(1, 127)]
    severity = error if none and len(none) == len(shown) else warning
    yield severity("show nothing: right only where the photo shows nobody", survey.names(none))


def full(survey: Survey) -> Iterator[Finding]:
    names = survey.names(t for t in _shown(survey) if t.foreground == 1)
    yield warning("are foreground everywhere: right only where the photo has no background", names)


def inverted(survey: Survey) -> Iterator[Finding]:
    """Most of the rim is foreground, and more of it than of the picture: a hole, not an object."""
    shown = _shown(survey)
    holes = [t for t in shown if t.rim > INVERTED_RIM and t.foreground < t.rim]
    most = len(holes) > LIKELY * len(shown)
    message = "cover the rim of most photos, so they are likely inverted: make the foreground white"
    odd = "cover the rim with a hole inside: inverted, or very close up? look at --sheet"
    yield warning(message if most else odd, survey.names(holes))


def covering(survey: Survey) -> Iterator[Finding]:
    shown = _shown(survey)
    large = [t for t in shown if 0.9 < t.foreground < 1]
    if len(large) > LIKELY * len(shown):
        message = "cover over 90 % of most photos: is the foreground white, and not the background?"
        yield warning(message, survey.names(large))


def grey_masks(survey: Survey) -> Iterator[Finding]:
    soft = [t for t in survey.of_kind("mask") if not t.refusal and t.share(2, 254)]
    yield warning(
        "masks with grey levels, cut at one half: if the softness is meant, give them as alpha",
        survey.names(soft),
    )


def mixed_codings(survey: Survey) -> Iterator[Finding]:
    """255 is "ignore" beside 1, and foreground alone."""
    masks = [t for t in survey.of_kind("mask") if not t.refusal]
    if any(t.share(1, 1) and t.share(255, 255) and not t.share(2, 254) for t in masks):
        alone = [t for t in masks if t.share(255, 255) and not t.share(1, 254)]
        message = "hold 255 without 1, read as foreground, where others of the set hold 1 and 255 (ignored)"
        yield warning(f"{message}: put 0 for 255 where it is void", survey.names(alone))


def negative_palettes(survey: Survey) -> Iterator[Finding]:
    yield warning(
        "palettes that show number 1 darker than 0; the numbers count: look at --sheet",
        survey.names(t for t in survey.of_kind("mask") if t.negative),
    )


def unread_transparency(survey: Survey) -> Iterator[Finding]:
    yield error(
        "masks with transparency, of which only the colours are read: save the mask as grey, or give the "
        "cut-outs as alpha",
        survey.names(t for t in survey.of_kind("mask") if t.transparent),
    )


def alphas_of_0_and_1(survey: Survey) -> Iterator[Finding]:
    faint = [t for t in survey.of_kind("alpha") if t.share(1, 1) and not t.share(2, 255)]
    message = (
        "alphas of 0 and 1 (or 16 bits that end there), where 255 is opaque: scale them to 255"
    )
    yield error(message, survey.names(faint))


def faint_alphas(survey: Survey) -> Iterator[Finding]:
    faint = [t for t in survey.of_kind("alpha") if t.share(2, 127) and not t.share(128, 255)]
    message = "alphas that never reach one half: scale them to 255, unless so little is meant"
    yield warning(message, survey.names(faint))


def hard_alphas(survey: Survey) -> Iterator[Finding]:
    """Only as a habit of the set: one photo of a box has a hard alpha by right."""
    alphas = [t for t in survey.of_kind("alpha") if t.share(128, 255)]
    hard = [t for t in alphas if t.share(6, 249) < SOFT]
    if len(hard) > LIKELY * len(alphas):
        message = "alphas without soft edges: hard masks teach no hair; give them as masks"
        yield warning(message, survey.names(hard))


def trimaps_without_band(survey: Survey) -> Iterator[Finding]:
    sure = [t for t in survey.of_kind("trimap") if not t.share(1, 254)]
    yield warning("trimaps of 0 and 255 alone: nothing is left to find", survey.names(sure))


CHECKS = [
    empty,
    full,
    inverted,
    covering,
    grey_masks,
    mixed_codings,
    negative_palettes,
    unread_transparency,
    alphas_of_0_and_1,
    faint_alphas,
    hard_alphas,
    trimaps_without_band,
]

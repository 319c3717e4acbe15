"""A look at a data set before training on it: what is wrong, by name.

Photos and their truths are measured once (`survey`); a check is a function from the Survey to Findings, and
is in the list CHECKS of its file. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from figureground.checking import duplicates, labels, layout, masks, persons, photos, truths
from figureground.checking.finding import Finding
from figureground.checking.survey import Survey

Check = Callable[[Survey], Iterator[Finding]]
CHECKS: list[Check] = [
    check
    for module in (layout, photos, truths, masks, labels, persons, duplicates)
    for check in module.CHECKS
]


def check(survey: Survey) -> list[Finding]:
    """What all checks find, errors first."""
    found = [
        replace(finding, check=function.__name__.replace("_", "-"))
        for function in CHECKS
        for finding in function(survey)
        if finding.names
    ]
    return sorted(found, key=lambda finding: finding.severity != "error")

"""Photos and truths in folders of their own, matched by name: images/ID.*, masks/ID.*.

The reader `pairs` takes any set laid out as `images` beside `masks` (see read_mask), `alpha` (see
read_alpha) or `labels` (see read_labels), and perhaps `trimaps`, in the folder of the split,
root/SPLIT/images, or, for the split `all`, in the root itself. Suffixes may differ. The names of the
classes of labels are in root/class_names.json.
"""

from pathlib import Path

from figureground.data import Example, json_names
from figureground.errors import DataError, SplitError

FIELDS = {"masks": "mask", "alpha": "alpha", "labels": "labels", "trimaps": "trimap"}


def matched(images: Path, **truths: Path) -> list[Example]:
    """Examples from a folder of photos and, by field of Example, folders of their truths.

    Raises DataError when a folder is missing, holds two files of one name, or when a photo lacks its truth
    or a truth its photo; the message names the first of them, `files` all, `partial` the other examples.
    """
    photos = _by_stem(images)
    found = {field: _by_stem(folder) for field, folder in truths.items()}
    complaints, alone = [], []
    for field, files in found.items():
        for here, there, folder in ((photos, files, truths[field]), (files, photos, images)):
            lonely = sorted(here.keys() - there.keys())
            if lonely:
                complaints.append(
                    f"{len(lonely)} of {len(here)} files have no partner of their name in {folder}: "
                    f"{', '.join(here[stem].name for stem in lonely[:3])}{' …' * (len(lonely) > 3)}"
                )
                alone += [here[stem] for stem in lonely]
    examples = [
        Example(stem, photo, **{field: files[stem] for field, files in found.items()})  # type: ignore[arg-type]
        for stem, photo in sorted(photos.items())
        if all(stem in files for files in found.values())
    ]
    if complaints:
        raise DataError("; ".join(complaints), list(dict.fromkeys(alone)), examples)
    return examples


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or not file.is_file():
            continue
        if file.stem in files:
            both = [files[file.stem], file]
            raise DataError(f"{folder} holds both {both[0].name} and {file.name}", both)
        files[file.stem] = file
    return files


def pairs(root: Path, split: str) -> list[Example]:
    folder = root if split == "all" else root / split
    truths = {field: folder / name for name, field in FIELDS.items() if (folder / name).is_dir()}
    if not (folder / "images").is_dir() or not truths.keys() - {"trimap"}:
        raise SplitError(
            f"{folder} does not hold the folder images and one of masks, alpha, labels; expected "
            f"{root}/SPLIT/images and so on, or {root}/images with the split 'all'"
        )
    return matched(folder / "images", **truths)


def class_names(root: Path) -> list[str]:
    return json_names(root / "class_names.json")


READERS = {"pairs": pairs}
CLASSES = {"pairs": class_names}

"""Figures of a labelling from its confusion matrix, as PaddleSeg defines them.

With I_c, P_c, L_c the pixels of class c in both, in the prediction, in the label, summed over the
whole set, and N all pixels:

- IoU_c = I_c / (P_c + L_c − I_c); 1 for a class that occurs in neither; mIoU is their mean.
- accuracy = Σ I_c / N.
- Dice_c = 2 I_c / (P_c + L_c); 0 for a class that occurs in neither; Dice is their mean.
- kappa = (accuracy − e) / (1 − e) with e = Σ P_c L_c / N² (Cohen 1960).

`per_class` has the IoU, precision I_c / P_c and recall I_c / L_c of each class, NaN where nothing is
there to divide. The mean of the classes that occur, np.nanmean(per_class()["iou"]), is RefineNet's
evaluation and most papers' mIoU; it differs from `miou` only where a class occurs nowhere in the set.

`mean_iou` is another figure: the IoU of class 1 in each image, averaged over the images (an image
without that class in label and prediction counts 1). A small person weighs as much as a large one.
"""

import numpy as np
from numpy.typing import NDArray

from figureground.metrics import labelled


class Segmentation:
    """Accumulates label maps; figures are exact over everything seen."""

    names = ("mean_iou", "miou", "accuracy", "kappa", "dice")

    def __init__(self, num_classes: int = 2, ignore: int = 255) -> None:
        if num_classes > 2:  # the one to go by first; mean_iou is of class 1 alone
            self.names = ("miou", "accuracy", "kappa", "dice", "mean_iou")
        self.num_classes = num_classes
        self.ignore = ignore
        self.confusion = np.zeros((num_classes, num_classes), np.int64)  # label, prediction
        self.image_iou: list[float] = []

    def update(self, prediction: NDArray[np.integer], label: NDArray[np.integer]) -> None:
        """One image: two H×W integer maps; pixels whose label is `ignore` do not count, so a mask of 0 and
        255 has to become one of 0 and 1 first.

        Raises ValueError on different shapes, on what are no whole numbers, or on labels outside 0 …
        num_classes − 1.
        """
        labelled(prediction, label)
        valid = label != self.ignore
        seen, truth = prediction[valid].astype(np.int64), label[valid].astype(np.int64)
        for name, values in (("prediction", seen), ("label", truth)):
            if values.size and not 0 <= values.min() <= values.max() < self.num_classes:
                raise ValueError(
                    f"{name} holds {values.min()} … {values.max()}; "
                    f"expected 0 … {self.num_classes - 1}"
                )
        counts = np.bincount(truth * self.num_classes + seen, minlength=self.num_classes**2)
        confusion = counts.reshape(self.num_classes, self.num_classes)
        self.confusion += confusion
        both = confusion[1, 1]
        either = confusion[1].sum() + confusion[:, 1].sum() - both
        self.image_iou.append(float(both / either) if either else 1.0)

    def compute(self) -> dict[str, float]:
        """mean_iou, miou, accuracy, kappa, dice; each in [0, 1], kappa in [−1, 1].

        Raises ValueError when nothing was seen.
        """
        both, predicted, label = self._areas()
        total = label.sum()
        either = label + predicted - both
        iou = np.where(either, both / np.maximum(either, 1), 1.0)
        dice = 2 * both / np.maximum(label + predicted, 1)
        accuracy = both.sum() / total
        chance = float((label / total * (predicted / total)).sum())
        kappa = (accuracy - chance) / (1 - chance) if chance < 1 else 1.0
        return {
            "mean_iou": float(np.mean(self.image_iou)),
            "miou": float(iou.mean()),
            "accuracy": float(accuracy),
            "kappa": float(kappa),
            "dice": float(dice.mean()),
        }

    def per_class(self) -> dict[str, NDArray[np.float64]]:
        """iou, precision, recall: num_classes values each, in [0, 1] or NaN.

        Raises ValueError when nothing was seen.
        """
        both, predicted, label = self._areas()
        with np.errstate(invalid="ignore"):
            return {
                "iou": both / (label + predicted - both),
                "precision": both / predicted,
                "recall": both / label,
            }

    def _areas(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """I, P and L of each class."""
        if not self.confusion.any():
            raise ValueError("no labelled pixel was seen; give update() at least one image")
        return np.diag(self.confusion), self.confusion.sum(0), self.confusion.sum(1)

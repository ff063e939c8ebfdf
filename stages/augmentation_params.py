"""The schema of the augmentation sections of ``params.yaml``, and the kinds of value that all sections share."""

import difflib
from collections.abc import Callable, Collection
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, lt=2**31)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]


def one_of(table: Collection[str], *, key: Callable[[str], str] = str) -> AfterValidator:
    """Allow only the names of ``table``; the error for another name suggests one like it.

    Args:
        key: from a name to what stands for it in ``table``.
    """

    def check(name: str) -> str:
        if key(name) in table:
            return name
        near = difflib.get_close_matches(name, table, n=1)
        raise ValueError(", ".join(table) + "".join(f"; did you mean {other}?" for other in near))

    return AfterValidator(check)


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the lower end first")
    return ends


Range = Annotated[tuple[Positive, Positive], Field(strict=False), AfterValidator(_rising)]
Share = Annotated[float, Field(gt=0, le=1)]
Shares = Annotated[tuple[Share, Share], Field(strict=False), AfterValidator(_rising)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RandomResizedCrop(Section):
    scale: Shares
    """Smallest and largest area of the crop, as a share of the image's."""
    ratio: Range
    """Smallest and largest width : height of the crop."""


class RandomAffine(Section):
    degrees: NonNegative
    """Rotation, uniform in +-degrees."""
    translate: Probability
    """Shift along each axis, uniform in +- this share of the size."""
    scale: Range
    """Zoom, uniform in this range; above 1 enlarges the content."""
    shear: Annotated[float, Field(ge=0, lt=90)]
    """Shear along x, uniform in +-degrees."""


class RandomHorizontalFlip(Section):
    p: Probability


class RandomCrop(Section):
    padding: Annotated[int, Field(ge=0)]
    """Pixels of reflected border added before a crop of the original size is taken."""


class ColorJitter(Section):
    brightness: NonNegative
    contrast: NonNegative
    saturation: NonNegative
    hue: Annotated[float, Field(ge=0, le=0.5)]
    p: Probability


class RandomGrayscale(Section):
    p: Probability


class StrongOperations(Section):
    count: Count
    """Operations drawn for each image, with replacement, from the paper's list of 14."""


class Cutout(Section):
    max_half_length: Count
    """The hole's half side, uniform from 1 to this many pixels."""


class AugmentationParams(Section):
    """Operations in the order in which they are applied; one that is null is left out."""

    random_affine: RandomAffine | None
    random_resized_crop: RandomResizedCrop | None
    random_horizontal_flip: RandomHorizontalFlip | None
    random_crop: RandomCrop | None
    color_jitter: ColorJitter | None
    random_grayscale: RandomGrayscale | None
    strong_operations: StrongOperations | None
    cutout: Cutout | None

    def operations(self) -> dict[str, dict[str, Any]]:
        """Return name and settings of the operations that are not null, in order."""
        return self.model_dump(exclude_none=True)

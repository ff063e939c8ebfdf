"""The schema of ``params.yaml``: frozen, without unknown keys and without defaults (the file is the one source)."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from scan_core.errors import ParamsError

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the lower end first")
    return ends


Range = Annotated[tuple[Positive, Positive], Field(strict=False), AfterValidator(_rising)]
Share = Annotated[float, Field(gt=0, le=1)]
Shares = Annotated[tuple[Share, Share], Field(strict=False), AfterValidator(_rising)]
Splits = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
Precision = Literal["float32", "bfloat16"]
OptimizerName = Literal["adam", "sgd"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class RandomResizedCrop(Section):
    scale: Shares
    """Smallest and largest crop, as a share of the image's area."""
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
        """Name and settings of the operations that are not left out, in order."""
        return self.model_dump(exclude_none=True)


class DataParams(Section):
    seed: Seed
    name: Literal["digits", "cifar10", "cifar100", "cifar20", "stl10", "imagenet", "folder", "parquet"]
    source: Annotated[str, Field(min_length=1)] | None
    """A local copy or mirror: path (relative to the main repository's root) or URL; null is the official origin."""
    labels: Annotated[str, Field(min_length=1)]
    """``folders`` (as the dataset has them), ``none``, or the path of a CSV file with the columns file and label."""
    classes_file: Annotated[str, Field(min_length=1)] | None
    """Of ImageNet alone: path or URL of a text file with the WordNet ids to take; null takes all classes."""
    on_bad_image: Literal["skip", "fail"]
    duplicates: Literal["keep", "drop"]
    """Whether to leave out training images whose pixels equal an earlier one's."""
    limit: Count | None
    """So many training images, drawn uniformly; null takes all."""
    image_size: Annotated[int, Field(ge=4, le=1024)]
    """Pixels per side after resizing the short side and cropping the center."""
    train_splits: Splits
    evaluate_splits: Splits
    pixels_budget: Positive
    """GiB that the decoded images may take on the disk; beyond, they are stored encoded and decoded when needed."""


class EncoderParams(Section):
    name: Literal["resnet10", "resnet18", "resnet34", "resnet50"]
    width: Count
    """Channels of the first stage; 64 is the standard network."""
    stem: Literal["3x3", "3x3-pool", "3x3-stride2", "7x7-pool"]


class SimclrParams(Section):
    temperature: Positive
    projection_dim: Count
    hidden_dim: Count


class PretextParams(Section):
    seed: Seed
    task: Literal["simclr"]
    train_splits: Annotated[tuple[str, ...], Field(strict=False)]
    """Splits that the pretext task alone learns from, beside ``data.train_splits``."""
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    """Of SGD at the schedule's peak."""
    momentum: Probability
    weight_decay: NonNegative
    warmup_epochs: NonNegative
    final_learning_rate: NonNegative
    """At the end of the cosine, as a share of the peak."""
    precision: Precision
    simclr: SimclrParams
    augmentation: AugmentationParams


class EmbedParams(Section):
    layer: Literal["projection", "backbone"]


class NeighborsParams(Section):
    k: Annotated[int, Field(ge=0)]
    """Neighbors per image, the image itself excluded; 0 pairs an image with its own augmentation."""
    exact_up_to: Count
    """Beyond so many training images the search is approximate, with its recall measured."""


class ScanParams(Section):
    seed: Seed
    clusters: Annotated[int, Field(ge=2, lt=2**31)]
    heads: Count
    entropy_weight: NonNegative
    prior: Annotated[tuple[Positive, ...], Field(strict=False)] | None
    """Known share of each class, any order; null asks for clusters of equal size."""
    train_encoder: bool
    """Whether the encoder learns too, or the heads alone, on features of ``views`` augmentations computed once."""
    views: Annotated[int, Field(ge=2, lt=2**31)]
    """Augmentations of each image where the encoder does not learn."""
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Of SGD alone."""
    weight_decay: NonNegative
    precision: Precision
    augmentation: AugmentationParams

    @model_validator(mode="after")
    def _one_share_per_cluster(self) -> Self:
        if self.prior is not None and len(self.prior) != self.clusters:
            raise ValueError(f"prior has {len(self.prior)} shares, expected one for each of {self.clusters} clusters")
        return self


class SelfLabelParams(Section):
    seed: Seed
    threshold: Annotated[float, Field(gt=0, lt=1)]
    epochs: Annotated[int, Field(ge=0)]
    """0 switches the step off: the SCAN model passes through."""
    patience: Count
    """Epochs without more confident images after which to stop."""
    train_encoder: bool
    """Whether the encoder learns too, or the head alone, on features of ``views`` augmentations computed once."""
    views: Count
    """Augmentations of each image where the encoder does not learn."""
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Of SGD alone."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None
    """Of the average of the weights that is kept in place of the last ones; null keeps those."""
    weight_decay: NonNegative
    class_balance: bool
    """Weight each image by the inverse frequency of its pseudo-label among the batch's confident images."""
    precision: Precision
    augmentation: AugmentationParams


class EvaluateParams(Section):
    prototypes: Count
    """Pictures shown for each cluster."""


class RuntimeParams(Section):
    """The machine's: declared by no stage, without effect on results beyond floating-point order."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    devices: Count | Literal["auto"]
    """Processes to start, each on a device of its own; auto takes every CUDA device, and one where there is none."""

    compile: bool | Literal["auto"]
    """Whether trainings compile the network; auto does on a CUDA device, for trainings long enough to gain by it."""

    workers: Count | None
    """Threads that decode images; null takes as many as there are processors."""

    decode_on_gpu: bool
    """Whether a CUDA device decodes JPEG files that are streamed; its pixels differ a little from the CPU's."""

    def decoding(self) -> dict[str, Any]:
        """How to decode images while they are streamed."""
        return {"workers": self.threads, "decode_on_gpu": self.decode_on_gpu}

    @property
    def threads(self) -> int:
        """The number of ``workers``, of which each process that torchrun has started here takes its part."""
        return max(1, (self.workers or os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


class Params(Section):
    seed: Seed
    """Added to each section's own seed: sweep this one to repeat everything."""
    data: DataParams
    encoder: EncoderParams
    pretext: PretextParams
    embed: EmbedParams
    neighbors: NeighborsParams
    scan: ScanParams
    self_label: SelfLabelParams
    evaluate: EvaluateParams
    runtime: RuntimeParams

    @model_validator(mode="after")
    def _padding_fits(self) -> Self:
        for section in (self.pretext, self.scan, self.self_label):
            crop = section.augmentation.random_crop
            if crop and crop.padding >= self.data.image_size:
                raise ValueError(f"random_crop.padding {crop.padding}, expected less than data.image_size")
        return self


ALLOWED = ", allowed: "


class _Problem(NamedTuple):
    key: str
    message: str


def load_params(path: Path) -> Params:
    """Read and check the whole file, as YAML 1.2 (``1e-4`` is a number).

    Raises:
        ParamsError: every unknown, missing or wrong value, each with its key, what was found and what is allowed.
    """
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise ParamsError(
            f"{path}: missing; run from the project's root, or write it: python -m stages.use digits"
        ) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ParamsError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ParamsError(
            f"{path}: found {type(values).__name__}, expected sections; write it: python -m stages.use digits"
        )
    return check_params(values, origin=str(path))


def check_params(values: dict[str, object], *, origin: str) -> Params:
    """Check ``values``, which came from ``origin``; see :func:`load_params`."""
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        problems: dict[str, str] = {}
        for detail in error.errors():
            key, message = _describe(detail, values)
            other_kind = key in problems and ALLOWED in message  # of value that would be allowed
            problems[key] = f"{problems[key]}, or: {message.split(ALLOWED)[1]}" if other_kind else message
        lines = [f"{origin}: {key or 'params'}: {message}" for key, message in problems.items()]
        raise ParamsError("\n".join(lines)) from None


def _describe(detail: object, values: object) -> _Problem:
    assert isinstance(detail, dict)
    parts: list[str] = []
    for part in detail["loc"]:
        if not isinstance(values, (dict, list)):  # what follows names a kind of value
            break
        parts.append(str(part))
        values = values.get(part) if isinstance(values, dict) else values[part]
    key = ".".join(parts)
    if detail["type"] == "extra_forbidden":
        return _Problem(key, f"unknown key (found {detail['input']!r}); remove it or correct its name")
    if detail["type"] == "missing":
        return _Problem(key, "missing; python -m stages.use NAME writes a complete file")
    if isinstance(detail["input"], dict):  # a whole section
        return _Problem(key, detail["msg"].removeprefix("Value error, "))
    return _Problem(key, f"found {detail['input']!r}{ALLOWED}{detail['msg']}")

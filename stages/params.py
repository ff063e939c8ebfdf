"""The schema of ``params.yaml``: frozen, without unknown keys and without defaults (the file is the one source).

What each parameter means stands beside its value, in ``presets/base.yaml``.
"""

import os
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from scan_core.baselines.names import METHODS
from scan_core.clustering.objectives import OBJECTIVES
from scan_core.datasets.table import DATASETS
from scan_core.encoders.build import ENCODERS, entry
from scan_core.encoders.resnet import STEMS
from scan_core.images.resize import FILTERS, FITS
from scan_core.pretext.small_crops import small_size
from scan_core.pretext.tasks import TASKS
from stages.augmentation_params import AugmentationParams, Count, NonNegative, Positive, Probability, Section, one_of

NO_TASK = "none"

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Splits = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
Precision = Literal["float32", "bfloat16"]
OptimizerName = Literal["adam", "sgd"]
Share = Annotated[float, Field(ge=1e-6, le=1e6)]
"""Of a cluster, relative to those of others."""


class DataParams(Section):
    seed: Seed
    name: Annotated[str, one_of(DATASETS)]
    source: Annotated[str, Field(min_length=1)] | None
    labels: Annotated[str, Field(min_length=1)]
    classes_file: Annotated[str, Field(min_length=1)] | None
    on_bad_image: Literal["skip", "fail"]
    duplicates: Literal["keep", "drop"]
    limit: Count | None
    image_size: Annotated[int, Field(ge=4, le=1024)]
    fit: Annotated[str, one_of(FITS)]
    interpolation: Annotated[str, one_of(FILTERS)]
    max_megapixels: Positive
    train_splits: Splits
    evaluate_splits: Splits
    pixels_budget: Positive


class ResNetParams(Section):
    width: Count
    stem: Annotated[str, one_of(STEMS)]


class EncoderParams(Section):
    name: Annotated[str, one_of(ENCODERS, key=entry)]
    weights: Annotated[str, Field(min_length=1)] | None
    resnet: ResNetParams

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the network ``name``."""
        section = ENCODERS[entry(self.name)].section
        return getattr(self, section).model_dump() if section else {}


class SimclrParams(Section):
    temperature: Positive
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool


class FeatureDecouplingParams(Section):
    temperature: Positive
    projection_dim: Count
    batch_norm: bool
    negatives: Count
    bank_momentum: Annotated[float, Field(ge=0, lt=1)]


class NceParams(FeatureDecouplingParams):
    proximal_weight: NonNegative


class MocoParams(Section):
    temperature: Positive
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    queue: Count
    momentum: Annotated[float, Field(ge=0, lt=1)]
    norm_group: Annotated[int, Field(ge=2)]


class RotnetParams(Section):
    """Nothing to set."""


class ByolParams(Section):
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    momentum: Annotated[float, Field(ge=0, lt=1)]


class VicregParams(Section):
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    invariance_weight: NonNegative
    variance_weight: NonNegative
    covariance_weight: NonNegative


class SmallCrops(Section):
    size: Annotated[float, Field(gt=0, lt=1)]
    share: Annotated[float, Field(gt=0, le=1)]


class PretextParams(Section):
    seed: Seed
    task: Annotated[str, one_of((*TASKS, NO_TASK))]
    train_splits: Annotated[tuple[str, ...], Field(strict=False)]
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    momentum: Probability
    weight_decay: NonNegative
    warmup_epochs: NonNegative
    final_learning_rate: NonNegative
    precision: Precision
    simclr: SimclrParams
    nce: NceParams
    moco: MocoParams
    rotnet: RotnetParams
    feature_decoupling: FeatureDecouplingParams
    byol: ByolParams
    vicreg: VicregParams
    small_crops: SmallCrops | None
    augmentation: AugmentationParams

    @model_validator(mode="after")
    def _crops_to_be_small(self) -> Self:
        if self.small_crops and not self.augmentation.random_resized_crop:
            raise ValueError("small_crops without augmentation.random_resized_crop, expected null")
        return self

    def task_settings(self) -> dict[str, Any]:
        """Return the settings of the task."""
        return getattr(self, self.task).model_dump()


class EmbedParams(Section):
    layer: Literal["projection", "backbone"]
    center: bool


class NeighborsParams(Section):
    k: Annotated[int, Field(ge=0)]
    exact_up_to: Count


class CountClustersParams(Section):
    seed: Seed
    most: Annotated[int, Field(ge=2, lt=2**31)]
    sample: Annotated[int, Field(ge=6, lt=2**31)]


class BaselinesParams(Section):
    methods: Annotated[tuple[Annotated[str, one_of(METHODS)], ...], Field(strict=False)]
    seed: Seed
    epochs: Count


class ScanParams(Section):
    seed: Seed
    clusters: Annotated[int, Field(ge=2, lt=2**31)] | Literal["auto"]
    heads: Count
    merge_heads: bool
    objective: Annotated[str, one_of(OBJECTIVES)]
    entropy_weight: NonNegative
    prior: Annotated[tuple[Share, ...], Field(strict=False)] | None
    train_encoder: bool
    views: Annotated[int, Field(ge=0, lt=2**31)]
    init: Literal["kmeans", "random"]
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative
    precision: Precision
    augmentation: AugmentationParams

    @property
    def cluster_count(self) -> int:
        """Return ``clusters`` as a number.

        Raises:
            ValueError: it is still ``auto``; see ``stages/fitting.py``.
        """
        if self.clusters == "auto":
            raise ValueError("scan.clusters: auto, expected a number; with_cluster_count puts it there")
        return self.clusters

    @model_validator(mode="after")
    def _one_share_per_cluster(self) -> Self:
        if self.prior is not None and self.clusters == "auto":
            raise ValueError(f"prior with clusters: auto, expected as many clusters as shares: {len(self.prior)}")
        if self.prior is not None and len(self.prior) != self.clusters:
            raise ValueError(f"prior has {len(self.prior)} shares, expected one for each of {self.clusters} clusters")
        return self

    @model_validator(mode="after")
    def _views_to_learn_from(self) -> Self:
        if self.views == 1 or (self.train_encoder and not self.views):
            raise ValueError(f"views {self.views}, expected at least 2, or 0 with train_encoder: false")
        return self


class SelfLabelParams(Section):
    seed: Seed
    threshold: Annotated[float, Field(gt=0, lt=1)]
    epochs: Annotated[int, Field(ge=0)]
    patience: Count
    train_encoder: bool
    views: Annotated[int, Field(ge=0, lt=2**31)]
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None
    weight_decay: NonNegative
    class_balance: bool
    precision: Precision
    augmentation: AugmentationParams


class EvaluateParams(Section):
    prototypes: Count
    map: Literal["umap", "pca"]


class RuntimeParams(Section):
    """Settings of the machine: no stage declares them, and they change results by rounding errors at most."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    devices: Count | Literal["auto"]

    compile: bool | Literal["auto"]

    workers: Count | None

    @property
    def threads(self) -> int:
        """Return the number of ``workers`` of this process: processes that torchrun has started share them."""
        return max(1, (self.workers or os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


class Params(Section):
    seed: Seed
    data: DataParams
    encoder: EncoderParams
    pretext: PretextParams
    embed: EmbedParams
    neighbors: NeighborsParams
    count_clusters: CountClustersParams
    baselines: BaselinesParams
    scan: ScanParams
    self_label: SelfLabelParams
    evaluate: EvaluateParams
    runtime: RuntimeParams

    @model_validator(mode="after")
    def _features_are_of_the_encoder(self) -> Self:
        step = self.self_label
        if not step.views and (step.train_encoder or self.scan.views):
            raise ValueError("self_label.views 0, expected it with train_encoder: false and scan.views: 0 alone")
        return self

    @model_validator(mode="after")
    def _padding_fits(self) -> Self:
        for section in (self.pretext, self.scan, self.self_label):
            crop = section.augmentation.random_crop
            if crop and crop.padding >= self.data.image_size:
                raise ValueError(f"random_crop.padding {crop.padding}, expected less than data.image_size")
        crop, small = self.pretext.augmentation.random_crop, self.pretext.small_crops
        if crop and small and crop.padding >= (size := small_size(self.data.image_size, small.size)):
            raise ValueError(
                f"random_crop.padding {crop.padding}, expected less than {size}, the size of pretext.small_crops"
            )
        return self

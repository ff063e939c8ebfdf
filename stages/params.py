"""The schema of ``params.yaml``: frozen, without unknown keys and without defaults (the file is the one source)."""

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


class DataParams(Section):
    seed: Seed
    name: Annotated[str, one_of(DATASETS)]
    source: Annotated[str, Field(min_length=1)] | None
    """A local copy or mirror: path (relative to the main repository's root) or URL; null is the official origin."""
    labels: Annotated[str, Field(min_length=1)]
    """``folders`` (as the dataset has them), ``none``, or the path of a CSV file with the columns file and label."""
    classes_file: Annotated[str, Field(min_length=1)] | None
    """Of ImageNet alone: path or URL of a text file with the WordNet ids to take; null takes all classes."""
    on_bad_image: Literal["skip", "fail"]
    duplicates: Literal["keep", "drop"]
    """``drop`` leaves out training images whose pixels equal those of an earlier image."""
    limit: Count | None
    """Number of training images, drawn uniformly; null takes all."""
    image_size: Annotated[int, Field(ge=4, le=1024)]
    """Pixels per side."""
    fit: Annotated[str, one_of(FITS)]
    """How an image that is not square becomes a square."""
    interpolation: Annotated[str, one_of(FILTERS)]
    """Which filter resizes."""
    max_megapixels: Positive
    """Larger images are skipped: each thread may hold one, at three to eight bytes a pixel."""
    train_splits: Splits
    evaluate_splits: Splits
    pixels_budget: Positive
    """GiB that decoded images may take on the disk; beyond, images are stored encoded and decoded when used."""


class ResNetParams(Section):
    width: Count
    """Channels of the first stage; 64 is the standard network."""
    stem: Annotated[str, one_of(STEMS)]


class EncoderParams(Section):
    name: Annotated[str, one_of(ENCODERS, key=entry)]
    """One of ``ENCODERS``, or ``timm/`` and the name of a network of timm."""
    weights: Annotated[str, Field(min_length=1)] | None
    """``packaged``, ``hub``, or the path of a file (relative to the main repository's root); null is random."""
    resnet: ResNetParams
    """Parameters that only a ResNet has."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the network ``name``."""
        section = ENCODERS[entry(self.name)].section
        return getattr(self, section).model_dump() if section else {}


class SimclrParams(Section):
    temperature: Positive
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    """Whether the projection head normalizes its hidden layer over the batch (Chen et al., 2020)."""


class NceParams(Section):
    temperature: Positive
    projection_dim: Count
    batch_norm: bool
    """Whether the projections are centered and scaled over the batch."""
    negatives: Count
    bank_momentum: Annotated[float, Field(ge=0, lt=1)]
    """The share of its previous value that a vector of the memory bank keeps in an update."""
    proximal_weight: NonNegative


class MocoParams(Section):
    temperature: Positive
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    """As in ``simclr``."""
    queue: Count
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Of the moving average of the weights, whose network computes the keys."""
    norm_group: Annotated[int, Field(ge=2)]
    """Number of images that batch normalization normalizes together."""


class RotnetParams(Section):
    """Nothing to set."""


class FeatureDecouplingParams(Section):
    temperature: Positive
    projection_dim: Count
    batch_norm: bool
    negatives: Count
    bank_momentum: Annotated[float, Field(ge=0, lt=1)]
    """As in ``nce``."""


class ByolParams(Section):
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    """As in ``simclr``."""
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Of the average of the weights that targets come from."""


class VicregParams(Section):
    projection_dim: Count
    hidden_dim: Count
    batch_norm: bool
    """As in ``simclr``."""
    invariance_weight: NonNegative
    variance_weight: NonNegative
    covariance_weight: NonNegative


class SmallCrops(Section):
    size: Annotated[float, Field(gt=0, lt=1)]
    """Pixels per side, as a share of ``data.image_size``. Settings of other operations that are in pixels stay."""
    share: Annotated[float, Field(gt=0, le=1)]
    """Share of the epochs, the first ones, that have small crops."""


class PretextParams(Section):
    seed: Seed
    task: Annotated[str, one_of((*TASKS, NO_TASK))]
    """``none`` writes the encoder as it is."""
    train_splits: Annotated[tuple[str, ...], Field(strict=False)]
    """Further splits that only the pretext task learns from."""
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Positive
    """SGD's learning rate at the peak of the schedule."""
    momentum: Probability
    weight_decay: NonNegative
    warmup_epochs: NonNegative
    final_learning_rate: NonNegative
    """The learning rate at the end of the cosine, as a share of the peak."""
    precision: Precision
    simclr: SimclrParams
    nce: NceParams
    moco: MocoParams
    rotnet: RotnetParams
    feature_decoupling: FeatureDecouplingParams
    byol: ByolParams
    vicreg: VicregParams
    small_crops: SmallCrops | None
    """The first epochs take smaller crops, which makes them faster; null switches this off."""
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
    """Whether to subtract the mean embedding of the training images before L2 normalization."""


class NeighborsParams(Section):
    k: Annotated[int, Field(ge=0)]
    """Neighbors per image, the image itself excluded; 0 pairs an image with its own augmentation."""
    exact_up_to: Count
    """With more training images than this, the search is approximate, and its recall is measured."""


class CountClustersParams(Section):
    seed: Seed
    most: Annotated[int, Field(ge=2, lt=2**31)]
    """The largest number of clusters to try."""
    sample: Annotated[int, Field(ge=6, lt=2**31)]
    """Number of training images to try it on, drawn uniformly; all if there are fewer."""


class BaselinesParams(Section):
    methods: Annotated[tuple[Annotated[str, one_of(METHODS)], ...], Field(strict=False)]
    """k-means always runs, since evaluate shows SCAN beside it."""
    seed: Seed
    epochs: Count
    """Of each training of a method that trains an encoder."""


class ScanParams(Section):
    seed: Seed
    clusters: Annotated[int, Field(ge=2, lt=2**31)] | Literal["auto"]
    """``auto`` takes the number that count-clusters suggests."""
    heads: Count
    merge_heads: bool
    """Whether to match and average the clusters of the better half of the heads, or to keep the best head."""
    objective: Annotated[str, one_of(OBJECTIVES)]
    entropy_weight: NonNegative
    prior: Annotated[tuple[Positive, ...], Field(strict=False)] | None
    """Known share of each class, in any order; null asks for clusters of equal size."""
    train_encoder: bool
    """Whether the encoder learns as well; otherwise the heads learn from features of ``views`` augmentations."""
    views: Annotated[int, Field(ge=0, lt=2**31)]
    """Augmentations per image, if the encoder does not learn; 0 takes embed's features of the plain image."""
    init: Literal["kmeans", "random"]
    """Initial weights of each head: the centers of a k-means of its own on embed's features, or random values."""
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """SGD's momentum; Adam ignores it."""
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
    """0 switches the step off: the SCAN model passes through."""
    patience: Count
    """The training stops after this many epochs in which the number of confident images has not grown."""
    train_encoder: bool
    """Whether the encoder learns as well; otherwise the head learns from features of ``views`` augmentations."""
    views: Annotated[int, Field(ge=0, lt=2**31)]
    """Augmentations per image, if the encoder does not learn; 0 takes embed's features of the plain image."""
    batch_size: Annotated[int, Field(ge=2)]
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """SGD's momentum; Adam ignores it."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None
    """Decay of the moving average of the weights, which is kept; null keeps the last weights."""
    weight_decay: NonNegative
    class_balance: bool
    """Weight each image by the inverse frequency of its pseudo-label among the batch's confident images."""
    precision: Precision
    augmentation: AugmentationParams


class EvaluateParams(Section):
    prototypes: Count
    """Number of images to show for each cluster."""
    map: Literal["umap", "pca"]
    """How to project the embeddings onto the map of the report."""


class RuntimeParams(Section):
    """Settings of the machine: no stage declares them, and they change results by rounding errors at most."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    devices: Count | Literal["auto"]
    """Number of processes, each on its own device; ``auto`` takes every CUDA device, or one process without any."""

    compile: bool | Literal["auto"]
    """Whether trainings compile the network; ``auto`` does so on a CUDA device, if the training is long enough."""

    workers: Count | None
    """Number of threads that decode images; null takes one per CPU."""

    @property
    def threads(self) -> int:
        """Return the number of ``workers`` of this process: processes that torchrun has started share them."""
        return max(1, (self.workers or os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


class Params(Section):
    seed: Seed
    """Added to the seed of each section: sweep this one to repeat everything."""
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

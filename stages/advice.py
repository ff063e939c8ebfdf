"""Messages about trainings that went wrong: each says what happened, and which parameter to change."""

from collections.abc import Mapping, Sequence
from typing import Any

from scan_core.clustering.verdict import agrees_less
from scan_core.console.words import counted
from scan_core.training.chance import MARGIN, first_look, prior_entropy

BALANCE = "raise scan.entropy_weight"
SUGGESTION = "see reports/count_clusters/curve.png"


def collapse_warning(
    *,
    used: int,
    clusters: int,
    largest: float,
    entropy: float,
    prior: Sequence[float] | None = None,
    remedy: str = BALANCE,
) -> str | None:
    """Return a message about clusters of unequal size, or None where all is well.

    Args:
        used: how many of ``clusters`` hold an image.
        largest: the largest cluster's share of the images. Up to a half is fine, or up to 1.5 times the share that
            the largest cluster should have, or halfway from that to all images if this is less.
        prior: the share that each cluster should have, of any sum; None means equal shares.
        entropy: of the mean prediction, in nats. If it is as high as it can be, the clusters are equally likely on
            average, but single predictions are undecided, and a higher entropy weight does not help.
        remedy: the parameter to change, and how.
    """
    asked = [share / sum(prior) for share in prior] if prior else [1 / clusters] * clusters
    even = largest <= max(0.5, min(1.5 * max(asked), (1 + max(asked)) / 2))
    if used == clusters and even:
        return None
    if remedy == BALANCE and entropy >= (1 - MARGIN) * prior_entropy(clusters, prior):
        remedy = "train longer (scan.epochs) or raise scan.learning_rate: the predictions are still undecided"
    sizes = f"{used} of {clusters} clusters hold an image, and the largest holds {largest:.0%} of them"
    if even and prior is None:  # the other clusters share the images well: perhaps there are no more classes
        return f"{sizes}; this is right if there are no more classes than that ({SUGGESTION}); otherwise {remedy}"
    return (
        f"{sizes}; if you do not want that, {remedy}, or lower scan.clusters if there are fewer classes ({SUGGESTION})"
    )


MORE_CONFIDENT = "lower self_label.threshold, or train the SCAN step longer (scan.epochs)"


def first_epoch_warnings(*, confident: int, images: int, taught: int, clusters: int, threshold: float) -> list[str]:
    """Return messages about self-labeling's first epoch: fewer than 5 % of the images confident, a cluster without any.

    Args:
        clusters: number of clusters that hold an image after the SCAN step.
        taught: how many of them had a confident image, one with a probability above ``threshold``.
    """
    found = []
    if confident < 0.05 * images:
        of = f"{confident} of {counted(images, 'image')}"
        found.append(f"only {of} had a probability above {threshold}, too few to learn from")
    if taught < clusters:
        of = f"{taught} of {counted(clusters, 'cluster')} that hold images had one with a probability above {threshold}"
        found.append(f"only {of}, and the training learns from these alone")
    return [f"in the first epoch {each}; {MORE_CONFIDENT}" for each in found]


def pretext_at_chance(*, until: int, done: int, epochs: int, chance: float | None) -> str | None:
    """Return a message about a pretext task that was no better than chance until epoch ``until`` of ``epochs``.

    Return None if it left chance within the first tenth of them or, if it has no loss at chance, by the end.

    Args:
        done: number of epochs so far; where it is ``until``, the task is at chance still.
        chance: the loss at chance, in nats; None if the task has none.
    """
    if until < (epochs if chance is None else first_look(epochs)):
        return None
    if chance is None:
        found = f"up to the last epoch ({epochs}), an image's two views resembled each other no more than other images"
    else:
        found = f"the pretext task's loss was no better than chance ({chance:.3f} nats) until epoch {until} of {epochs}"
    learned = "and the encoder has learned only since; if the clusters are bad," if until < done else ""
    return (
        f"{found}, {learned or 'so the encoder has learned nothing;'} lower pretext.learning_rate (raise it where it "
        "is far below the preset's), set batch_norm in the task's section to true where it is false, or, with few "
        "images, lower pretext.batch_size or raise pretext.epochs"
    )


def scan_at_chance(*, until: int, done: int, epochs: int) -> str | None:
    """Return a message about predictions that were alike until epoch ``until`` of ``epochs``.

    Return None if they no longer were after the first tenth of them.

    Args:
        done: number of epochs so far; where it is ``until``, the predictions are alike still.
    """
    if until < first_look(epochs):
        return None
    found = f"until epoch {until} of {epochs}, all images had nearly the same prediction, no better than chance"
    if until < done:
        return f"{found}, and different ones since; if the clusters are bad, raise scan.epochs or scan.learning_rate"
    return (
        f"{found}; if pretext-train was at chance, mend that first; with few images, lower neighbors.k; otherwise "
        "raise scan.learning_rate or scan.epochs, or lower scan.entropy_weight"
    )


def self_label_refused(
    *,
    trained: int = 0,
    confident: int = 0,
    used: int = 0,
    taught: int = 0,
    lost: int = 0,
    agreement: Sequence[float] = (0.0, 0.0),
    entropy: Sequence[float] = (0.0, 0.0),
    threshold: float = 0.0,
    failure: str = "",
) -> str:
    """Return why self-labeling's model was rejected for that of the SCAN step, and which parameter to change.

    Args:
        trained: number of epochs; all counts are those of the last one.
        confident: number of images with a pseudo-label.
        used: number of clusters that held an image after the SCAN step.
        taught: number of clusters that these images are in.
        lost: number of clusters that lost their images.
        agreement: of neighbors, after the SCAN step and after the last epoch.
        entropy: of the mean prediction, at the same two times.
        failure: the error that ended an epoch, if there was one.
    """
    remedy = "lower self_label.learning_rate or self_label.threshold"
    if failure:
        reason = failure
    elif not confident:
        reason = f"no image is assigned with a probability above {threshold}; {MORE_CONFIDENT}"
    elif used == 1:
        reason = "that step has put all images into one cluster; see its warning"
    elif taught == 1:
        reason = f"all images with a probability above {threshold} lie in one cluster; {remedy}"
    elif lost:
        reason = f"{counted(lost, 'cluster')} lost nearly all images in {counted(trained, 'epoch')}; {remedy}"
    elif agrees_less(*agreement):
        reason = (
            f"neighbors agree less ({agreement[1]:.3f} after {counted(trained, 'epoch')} instead of "
            f"{agreement[0]:.3f}); {remedy}"
        )
    else:
        reason = (
            f"some clusters grow at the expense of others (entropy {entropy[1]:.3f} after {counted(trained, 'epoch')} "
            f"instead of {entropy[0]:.3f} nats); {remedy}"
        )
    return f"self-labeling is not taken, and the SCAN step's model is the result: {reason}"


def told(metadata: Mapping[str, Any]) -> list[str]:
    """Return the messages of the trainings of a model, from the ``metadata`` of its file."""
    pretext, scan, self_label = (metadata.get(name) or {} for name in ("pretext", "scan", "self_label"))
    found = []
    if pretext:
        until, epochs = pretext["at_chance_until"], pretext["epochs"]
        message = pretext_at_chance(until=until, done=epochs, epochs=epochs, chance=pretext["chance"])
        found += [f"pretext-train: {message}"] if message else []
    if scan:
        message = scan_at_chance(until=scan["at_chance_until"], done=scan["epochs"], epochs=scan["epochs"])
        found += [f"scan-train: {message}"] if message else []
    if self_label.get("refused"):
        found.append(self_label_refused(**self_label["refused"]))
    return found


def prior_of(metadata: Mapping[str, Any]) -> list[float] | None:
    """Return ``scan.prior`` of a model's run; None if it had none, or if the metadata do not say."""
    params = (metadata.get("run") or {}).get("params", {})
    return params.get("scan", {}).get("prior")


MEANINGLESS = (
    "these clusters mean nothing: the SCAN step has not left its trivial solution, one prediction for all images; "
    "k-means on the embeddings stands beside them (column kmeans of assignments.csv, prototypes_kmeans.png)"
)

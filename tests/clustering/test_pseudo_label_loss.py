import math

import pytest
import torch

from scan_core.clustering.pseudo_label_loss import pseudo_label_loss


def logits_of(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows).log()


def test_balanced_by_hand():
    # Confident above 0.8: images 0, 1 (cluster 0) and 3 (cluster 1), weighted 1/2, 1/2 and 1.
    logits = logits_of([0.9, 0.1], [0.85, 0.15], [0.6, 0.4], [0.1, 0.9])
    augmented = logits_of([0.5, 0.5], [0.25, 0.75], [0.01, 0.99], [0.9, 0.1])
    found = pseudo_label_loss(logits, augmented, threshold=0.8, class_balance=True)
    expected = (math.log(2) / 2 + math.log(4) / 2 + math.log(10)) / 2
    assert found.loss.item() == pytest.approx(expected, rel=1e-5)
    assert found.counts.tolist() == [2, 1]


def test_unbalanced_is_the_mean_over_confident_images():
    logits = logits_of([0.9, 0.1], [0.85, 0.15], [0.6, 0.4], [0.1, 0.9])
    augmented = logits_of([0.5, 0.5], [0.25, 0.75], [0.01, 0.99], [0.9, 0.1])
    found = pseudo_label_loss(logits, augmented, threshold=0.8, class_balance=False)
    assert found.loss.item() == pytest.approx((math.log(2) + math.log(4) + math.log(10)) / 3, rel=1e-5)


def test_nobody_confident_gives_zero_loss_and_zero_gradient():
    augmented = torch.randn(3, 4, requires_grad=True)
    found = pseudo_label_loss(torch.zeros(3, 4), augmented, threshold=0.99, class_balance=True)
    found.loss.backward()
    assert found.loss.item() == 0
    assert augmented.grad is not None
    assert not augmented.grad.any()


def test_no_gradient_flows_into_the_pseudo_label():
    logits = torch.tensor([[5.0, 0.0]], requires_grad=True)
    found = pseudo_label_loss(logits, torch.randn(1, 2, requires_grad=True), threshold=0.5, class_balance=True)
    found.loss.backward()
    assert logits.grad is None


def test_loss_and_gradient_equal_the_definition_in_float64():
    torch.manual_seed(0)
    logits, augmented = 3 * torch.randn(20, 4, dtype=torch.float64), torch.randn(20, 4, dtype=torch.float64)
    augmented.requires_grad_()
    confidence, cluster = logits.softmax(1).max(1)
    log_p = augmented.softmax(1).log()
    sure = [i for i in range(20) if confidence[i] > 0.7]
    weights = [1 / sum(int(cluster[j] == cluster[i]) for j in sure) for i in sure]
    terms = [w * log_p[i, cluster[i]] for i, w in zip(sure, weights, strict=True)]
    reference = -torch.stack(terms).sum() / sum(weights)
    (expected,) = torch.autograd.grad(reference, augmented)
    single = augmented.detach().float().requires_grad_()
    loss = pseudo_label_loss(logits.float(), single, threshold=0.7, class_balance=True).loss
    (found,) = torch.autograd.grad(loss, single)
    assert 0 < len(sure) < 20
    assert loss.item() == pytest.approx(reference.item(), rel=1e-5)
    assert torch.allclose(found.double(), expected, atol=1e-6)


def test_gradient_survives_saturated_logits():
    # The pseudo-label is cluster 0, the augmented image says 1 with a gap of 100: softmax - onehot = (-1, 1).
    augmented = torch.tensor([[0.0, 100.0]], requires_grad=True)
    pseudo_label_loss(torch.tensor([[100.0, 0.0]]), augmented, threshold=0.99, class_balance=True).loss.backward()
    assert augmented.grad is not None
    assert augmented.grad[0].tolist() == pytest.approx([-1, 1])


def test_an_image_at_the_threshold_is_not_confident():
    found = pseudo_label_loss(torch.zeros(1, 2), torch.zeros(1, 2), threshold=0.5, class_balance=True)
    assert found.counts.tolist() == [0, 0]

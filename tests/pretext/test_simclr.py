import torch

from tests.test_resumable_trainings import simclr, simclr_of_small_crops


def sides(training) -> list[int]:
    """Pixels per side of what the network looks at, of each of four epochs' last step."""
    seen = []
    training._model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[-1]))
    found = []
    for _ in range(4):
        training.run_epoch()
        found.append(seen[-1])
    return found


def test_crops_are_small_in_the_early_epochs_alone(tiny_images):
    size = tiny_images.size
    assert sides(simclr(tiny_images)) == [size] * 4
    assert sides(simclr_of_small_crops(tiny_images)) == [5, 5, size, size]


def test_early_epochs_of_the_same_augmentation_change_nothing(tiny_images):
    plain, same = simclr(tiny_images), simclr(tiny_images, early_epochs=2)
    for _ in range(3):
        assert plain.run_epoch() == same.run_epoch()
    expected, found = plain.state_dict(), same.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)

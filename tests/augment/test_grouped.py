import torch

from scan_core.augment.grouped import apply_operations, apply_to_some


def add(images, values):
    return images + values[:, None, None, None]


def multiply(images, values):
    return images * values[:, None, None, None]


def refuse(images, values):
    raise AssertionError("called without images")


def test_each_image_gets_its_own_sequence():
    images = torch.tensor([1.0, 2, 3]).view(3, 1, 1, 1)
    ids = torch.tensor([[0, 1], [1, 0], [1, 1]])
    values = torch.tensor([[10.0, 2], [10, 2], [10, 2]])
    # (1 + 10) * 2, 2 * 10 + 2, 3 * 10 * 2; the third operation is drawn by none.
    result = apply_operations(images, ids, values, [add, multiply, refuse])
    assert result.flatten().tolist() == [22, 22, 60]


def test_many_images_match_a_loop(generator):
    images = torch.rand(50, 2, 3, 4, generator=generator)
    ids = torch.randint(0, 2, (50, 5), generator=generator)
    values = torch.rand(50, 5, generator=generator)
    operations = [add, multiply]
    result = apply_operations(images, ids, values, operations)
    for image, sequence, strengths, found in zip(images, ids, values, result, strict=True):
        expected = image[None]
        for operation, strength in zip(sequence, strengths, strict=True):
            expected = operations[operation](expected, strength[None])
        assert torch.equal(found, expected[0])


def test_apply_to_some_changes_only_the_chosen():
    images = torch.ones(3, 1, 2, 2)
    result = apply_to_some(images, torch.tensor([True, False, True]), lambda chosen: chosen * 5)
    assert result[:, 0, 0, 0].tolist() == [5, 1, 5]
    assert (images == 1).all()


def test_apply_to_none():
    images = torch.ones(2, 1, 2, 2)
    assert torch.equal(apply_to_some(images, torch.tensor([False, False]), lambda chosen: chosen * 5), images)


def test_operations_may_overwrite_their_images_and_nothing_else(generator):
    images = torch.rand(9, 1, 2, 2, generator=generator)
    before = images.clone()
    ids = torch.randint(0, 3, (9, 3), generator=generator)
    overwriting = [lambda group, _: group.add_(1), lambda group, _: group * 2, None]
    plain = [lambda group, _: group + 1, lambda group, _: group * 2, None]
    found, expected = (apply_operations(images, ids, ids.float(), operations) for operations in (overwriting, plain))
    assert torch.equal(found, expected)
    assert torch.equal(images, before)

import torch

from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet


def test_what_is_said_of_an_image_does_not_depend_on_the_others(tiny_images):
    torch.manual_seed(0)
    network = ResNet("resnet10", width=2, stem="3x3", channels=1)
    ids = torch.arange(24)
    everything, some = (
        infer(network, tiny_images, rows, mean=[0.5], std=[0.2], precision="float32") for rows in (ids, ids[::5])
    )
    assert everything.std(0).max() > 0.01
    torch.testing.assert_close(some, everything[::5])
    assert int(network.bn1.num_batches_tracked) == 0

import numpy as np
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from scan_core.artifacts.standardization import Standardization


def test_rows_of_a_file_are_standardized():
    standardization = Standardization(2)
    standardization.center.copy_(torch.tensor([1.0, 2.0]))
    standardization.scale.copy_(torch.tensor([1.0, 4.0]))
    assert standardization.of_array(np.array([[3, 10], [0, 2]], np.float32)).tolist() == [[2, 2], [-1, 0]]


def test_they_are_on_the_cpu_when_the_model_is_on_a_gpu():
    with FakeTensorMode():  # tensors of a GPU that is not there: with a device and a shape, without values
        standardization = Standardization(2).to("cuda")
        assert standardization.center.device.type == "cuda"
        found = standardization.of_array(np.zeros((5, 2), np.float32))
    assert (found.device.type, found.shape) == ("cpu", (5, 2))

"""What tests need to know of GPUs."""

from __future__ import annotations

import pytest
import torch

#: For tests of what is said where `--device cuda` has no GPU.
without_gpu = pytest.mark.skipif(torch.cuda.device_count() > 0, reason="this machine has a GPU")

"""DeepSubDAS, a picker of P and S on whole sections of a submarine fibre.

Source: Xiao, H., Tilmann, F., van den Ende, M., Rivet, D. and others (2026), DeepSubDAS: an
earthquake phase picker from submarine distributed acoustic sensing data, Geophysical Journal
International 245(2), ggag061. The network is DeepLabV3 (Chen and others, 2017, arXiv:1706.05587) of
torchvision, with one input image and three classes. Tensors have the names of SeisBench's class.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from quakeline.core.errors import ConfigError
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.picks import DASPickingCallback

_SAMPLES, _CHANNELS = 4000, 2000
#: Names of the backbones in torchvision.
_BACKBONES = ("resnet50", "resnet101")
_TINY = 1e-10


class DeepSubDAS(DASModel):
    """Segments patches of 4,000 samples and 2,000 channels into P, S and noise.

    Parameters
    ----------
    deeplab_weights, deeplab_weights_backbone
        Weights of torchvision to begin a training with, by their names there; None: random ones.
    deeplab_backbone
        "resnet50" or "resnet101".
    remove_common_mode
        Subtract the mean of all channels from each sample.
    transpose_for_model
        Show the network (channels, samples), as the original program does.
    **options
        Those of `DASModel`.

    Raises
    ------
    ConfigError
        torchvision is not installed, or another backbone is given.

    Examples
    --------
    >>> import quakeline
    >>> model = quakeline.DeepSubDAS(deeplab_backbone="resnet50")
    >>> model.annotate_keys
    ['P', 'S']
    """

    def __init__(
        self,
        deeplab_weights: str | None = None,
        deeplab_weights_backbone: str | None = None,
        deeplab_backbone: str = "resnet101",
        remove_common_mode: bool = False,
        transpose_for_model: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            **{
                "citation": "Xiao and others (2026), doi:10.1093/gji/ggag061",
                "patching_structure": PatchingStructure(
                    in_samples=_SAMPLES,
                    in_channels=_CHANNELS,
                    out_samples=_SAMPLES,
                    out_channels=_CHANNELS,
                    range_samples=(0, _SAMPLES),
                    range_channels=(0, _CHANNELS),
                ),
                "annotate_keys": ["P", "S"],
                "annotate_forward_kwargs": {"logits": False},
                **options,
            }
        )
        self.deeplab_weights = deeplab_weights
        self.deeplab_weights_backbone = deeplab_weights_backbone
        self.deeplab_backbone = deeplab_backbone
        self.remove_common_mode = remove_common_mode
        self.transpose_for_model = transpose_for_model
        self.model = _deeplab(deeplab_backbone, deeplab_weights, deeplab_weights_backbone)

    def normalize_batch(self, x: Tensor, eps: float = _TINY) -> Tensor:
        """Each channel with mean 0 and deviation 1; and without the common mode, if so wanted."""
        deviation = x.std(dim=1, keepdim=True)
        x = (x - x.mean(dim=1, keepdim=True)) / (deviation + eps)
        return x - x.mean(dim=2, keepdim=True) if self.remove_common_mode else x

    def forward(  # type: ignore[override]
        self, x: Tensor, logits: bool = False, argdict: dict[str, Any] | None = None
    ) -> dict[str, Tensor]:
        """Probabilities, or logits, for (batch, samples, channels): P, S, "full" with all."""
        image = self.normalize_batch(x)[:, None]
        turned = self.transpose_for_model
        found = self.model(image.transpose(2, 3) if turned else image)["out"]
        found = found.transpose(2, 3) if turned else found
        classes = found if logits else found.softmax(dim=1)
        return {"full": classes, "P": classes[:, 0], "S": classes[:, 1]}

    def get_model_args(self) -> dict[str, Any]:
        """See `DASModel.get_model_args`."""
        names = (
            "deeplab_weights",
            "deeplab_weights_backbone",
            "deeplab_backbone",
            "remove_common_mode",
            "transpose_for_model",
        )
        return {name: getattr(self, name) for name in names}

    @property
    def classify_callback(self) -> type[DASPickingCallback]:
        """Picks."""
        return DASPickingCallback


def _deeplab(backbone: str, weights: str | None, weights_backbone: str | None) -> nn.Module:
    """DeepLabV3 of torchvision for images of one colour and three classes."""
    if backbone not in _BACKBONES:
        raise ConfigError(f"deeplab_backbone: {backbone!r} given; allowed: {', '.join(_BACKBONES)}")
    try:
        from torchvision.models import segmentation
    except ImportError as error:
        raise ConfigError(
            "DeepSubDAS needs torchvision, which is not installed: pip install torchvision"
        ) from error
    build = getattr(segmentation, f"deeplabv3_{backbone}")
    made: nn.Module = build(weights=weights, weights_backbone=weights_backbone)
    made.get_submodule("backbone").conv1 = nn.Conv2d(
        1, 64, kernel_size=7, stride=2, padding=3, bias=False
    )
    head = made.get_submodule("classifier")
    head[4] = nn.Conv2d(256, 3, kernel_size=1)  # type: ignore[operator]
    return made

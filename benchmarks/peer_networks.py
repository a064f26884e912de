"""SeisBench's networks with the authors' original weights, as quakeline reads them.

So that both programs compute the same network and nothing need be downloaded: `save("PhaseNet",
path)` writes path.json and path.pt, which `seisbench.models.PhaseNet.load(path)` reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

#: The weight set of quakeline that a class of SeisBench gets.
SETS = {"PhaseNet": "phasenet", "EQTransformer": "eqtransformer-original"}
_BAND = {"freqmin": 1.0, "freqmax": 45.0, "corners": 2, "zerophase": True}
#: What the classes are told, so that windows are prepared as the authors do.
_OPTIONS: dict[str, dict[str, Any]] = {
    "PhaseNet": {},
    "EQTransformer": {
        "original_compatible": "non-conservative",
        "lstm_blocks": 2,
        "filter_args": ["bandpass"],
        "filter_kwargs": _BAND,
    },
}
#: Names of our parameters of EQTransformer as they are at SeisBench, replaced one after the other.
_EQTRANSFORMER = (
    (r"^encoder\.", "encoder.convs."),
    (r"^residual\.(\d)\.(norm|conv)\.0", r"res_cnn_stack.members.\1.\g<2>1"),
    (r"^residual\.(\d)\.(norm|conv)\.1", r"res_cnn_stack.members.\1.\g<2>2"),
    (r"^recurrent\.(\d)\.lstm\.lstm\.0\.(\w+)_l0", r"bi_lstm_stack.members.\1.lstm.cell_f.\2"),
    (r"^recurrent\.(\d)\.lstm\.lstm\.1\.(\w+)_l0", r"bi_lstm_stack.members.\1.lstm.cell_b.\2"),
    (r"^recurrent\.", "bi_lstm_stack.members."),
    (r"^lstm\.lstm\.", "pick_lstms."),
    (r"^decoder\.0\.(\d)\.conv", r"decoder_d.convs.\1"),
    (r"^decoder\.1\.(\d)\.conv", r"pick_decoders.0.convs.\1"),
    (r"^decoder\.2\.(\d)\.conv", r"pick_decoders.1.convs.\1"),
    (r"^head\.0", "conv_d"),
    (r"^head\.1", "pick_convs.0"),
    (r"^head\.2", "pick_convs.1"),
    (r"^attention\.", "pick_attentions."),
    (r"^transformer\.0", "transformer_d0"),
    (r"^transformer\.1", "transformer_d"),
    (r"query\.weight$", "Wt"),
    (r"query\.bias$", "bh"),
    (r"key\.weight$", "Wx"),
    (r"score\.weight$", "Wa"),
    (r"dense\.0", "ff.lin1"),
    (r"dense\.1", "ff.lin2"),
    (r"^(transformer_\w+)\.norm\.0\.weight$", r"\1.norm1.gamma"),
    (r"^(transformer_\w+)\.norm\.0\.bias$", r"\1.norm1.beta"),
    (r"^(transformer_\w+)\.norm\.1\.weight$", r"\1.norm2.gamma"),
    (r"^(transformer_\w+)\.norm\.1\.bias$", r"\1.norm2.beta"),
)
_TRANSPOSED = (".Wt", ".Wx", ".Wa")
_COLUMNS = (".gamma", ".beta")


def save(kind: str, path: str) -> None:
    """Write a SeisBench network with the original weights as path.json and path.pt."""
    import seisbench.models

    model = getattr(seisbench.models, kind)(component_order="ENZ", norm="std", **_OPTIONS[kind])
    state = {"PhaseNet": phasenet, "EQTransformer": eqtransformer}[kind]()
    # The bias of the scores of an attention cancels, so ours has none.
    own = model.state_dict().items()
    state |= {name: value.zero_() for name, value in own if name.endswith(".ba")}
    model.load_state_dict(state)
    model.save(path)


def phasenet() -> dict[str, Tensor]:
    """The original weights of PhaseNet under SeisBench's names."""
    names = {"first.conv": "inc", "first.norm": "in_bn", "last": "out"}
    for level in range(5):
        down, up = f"down_branch.{level}", f"up_branch.{3 - level}"
        parts = {"level": (down, 0), "shrink": (down, 2), "grow": (up, 0), "join": (up, 2)}
        for part, (branch, place) in parts.items():
            names[f"{part}.{level}.conv"] = f"{branch}.{place}"
            names[f"{part}.{level}.norm"] = f"{branch}.{place + 1}"
    state = {}
    for name, tensor in _original("PhaseNet").items():
        layer, _, kind = name.rpartition(".")
        state[f"{names[layer]}.{kind}"] = tensor
    return state


def eqtransformer() -> dict[str, Tensor]:
    """The original weights of EQTransformer, the variant with two recurrent blocks, likewise."""
    state = {}
    for name, tensor in _original("EQTransformer").items():
        for pattern, there in _EQTRANSFORMER:
            name = re.sub(pattern, there, name)
        if name.endswith(_TRANSPOSED):
            tensor = tensor.T.contiguous()
        state[name] = tensor[:, None] if name.endswith(_COLUMNS) else tensor
    return state


def _original(kind: str) -> dict[str, Tensor]:
    from quakeline.models.named import weights_file
    from quakeline.models.networks import read

    _, module, _ = read(weights_file(SETS[kind]))
    return dict(module.state_dict())

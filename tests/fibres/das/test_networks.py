"""Networks that see many channels, as weights of the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import blurred
import fibre
import numpy as np
import pytest
import torch

from quakeline import DASPickingCallback
from quakeline.core.errors import WeightsError
from quakeline.fibres.das import networks
from quakeline.fibres.das.weights_section import Fibres
from quakeline.models import weights
from quakeline.workflow.stages import das_weights

DATA = fibre.array(fibre.wave(4000, 20))
GIVEN: dict[str, Any] = {"model": "blurred:Blurred", "window_samples": 1000}


def product(folder: Path, **given: Any) -> Path:
    """The weights file of a section."""
    path = folder / "fibres.safetensors"
    das_weights.run(Fibres(**{**GIVEN, **given}), weights=path)
    return path


def picks(model: Any) -> list[tuple[Any, ...]]:
    callback = DASPickingCallback(0.3)
    model.annotate(DATA, callback)
    return [tuple(row) for row in callback.get_results_dataframe().itertuples(index=False)]


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    model = blurred.Blurred(window=800, width=7, scale=4.0)
    saved = model.save(tmp_path / "mine.safetensors")
    path = product(tmp_path, weights=str(saved), window_samples=800, thresholds={"P": 0.4})
    card, weights_id = weights.card_of(path)
    assert (card.name, card.citation) == ("das-blurred-mine", "nobody")
    assert card.thresholds == {"P": 0.4, "S": 0.3}
    assert len(weights_id) == 12
    saved.unlink()
    again = networks.build(path)
    assert type(again) is blurred.Blurred
    assert (again.window, again.width) == (800, 7)
    found = picks(again)
    assert len(found) > 100
    assert found == picks(model)


def test_a_network_that_was_trained_further(tmp_path: Path) -> None:
    """The card of its file stays, with rate, window and thresholds of the section."""
    first = blurred.Blurred().save(tmp_path / "first.safetensors")
    model = blurred.Blurred.load(first)
    for parameter in model.parameters():
        parameter.data += 1
    saved = model.save(tmp_path / "mine.safetensors", name="valley")
    section = Fibres(**GIVEN, weights=str(saved), thresholds={"P": 0.4})
    assert section.card().name == "valley"
    card, _ = weights.card_of(product(tmp_path, weights=str(saved), thresholds={"P": 0.4}))
    assert (card.name, card.thresholds) == ("valley", {"P": 0.4, "S": 0.3})
    assert card.parent is not None
    assert card.parent.name == "das-blurred-first"


@pytest.mark.parametrize(("name", "options"), [("Blurred", {}), ("Louder", {"gain": 2.0})])
def test_a_network_of_seisbench(tmp_path: Path, name: str, options: dict[str, float]) -> None:
    """From the .json and .pt files that it writes, without unpickling."""
    pytest.importorskip("seisbench.models.das_base", reason="SeisBench has no DAS models")
    import seisbench_blurred

    torch.manual_seed(2)
    model = getattr(seisbench_blurred, name)(sharpness=3.0, **options)
    model.save(tmp_path / "theirs")
    given = {"model": f"seisbench_blurred:{name}", "phases": ["P"]}
    for file in ("theirs", "theirs.json"):
        path = product(tmp_path, weights=str(tmp_path / file), **given)
    again = networks.build(path)
    x = torch.randn(1, 1000, 20)
    assert torch.equal(again(x)["P"], model(x)["P"])
    assert again.model.sharpness == 3.0
    assert np.isfinite([row[1] for row in picks(again)]).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "blurred:Sharp"}, "blurred:Sharp cannot be imported: AttributeError"),
        ({"model": "nowhere:Sharp"}, "nowhere:Sharp cannot be imported: ModuleNotFoundError"),
        ({"model": "fractions:Fraction"}, "derives from quakeline's or SeisBench's DASModel"),
        ({"weights": "best"}, "no weights 'best' of Blurred; known: none"),
        ({"window_samples": 900}, "window_samples: 900 given; .* has 1000"),
        ({"phases": ["P", "Q"]}, "phases: Q given; .* gives P, S"),
        ({"sampling_rate_hz": 20}, "sampling_rate_hz: 20 given; .* takes 50 to 200 Hz"),
    ],
)
def test_what_is_not_as_the_section_says(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    saved = blurred.Blurred().save(tmp_path / "mine.safetensors")
    with pytest.raises(WeightsError, match=message):
        product(tmp_path, **{"weights": str(saved), **given})

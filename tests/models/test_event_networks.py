"""Networks of events against what the code of their authors gave for the same windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quakeline.core.errors import WeightsError
from quakeline.models import spectrogram_cnn
from quakeline.models.event_cards import card_of_events
from quakeline.models.event_networks import EventNetwork, at_temperature, opened

#: SeisSCOPED/QuakeScope, sb_catalog/src/classifier.py at 3526d70, on the windows of `quakexnet`.
_QUAKEXNET = [
    [0.29364511370658875, 0.12389060854911804, 0.4974179267883301, 0.08504635840654373],
    [0.7727799415588379, 0.05340028554201126, 0.1057712659239769, 0.06804853677749634],
    [0.9174664616584778, 0.03758477047085762, 0.015223802998661995, 0.02972499094903469],
    [0.7316834330558777, 0.05229270085692406, 0.19205594062805176, 0.023967837914824486],
]
#: seisclass 0.2.5 with Keras 3 on the records as they are, filtered.
_SEISCLASS = [
    [1.0, 8.671476080593377e-13, 2.1372369206438396e-15],
    [1.0, 3.175575002956066e-08, 1.607125277303112e-08],
    [0.9672257900238037, 0.03151911869645119, 0.0012551202671602368],
    [0.10964497923851013, 0.22751177847384406, 0.6628431677818298],
]


def records(shared: Path) -> np.ndarray:
    """Four records of a minute at 100 Hz; components E, N, Z."""
    archive = np.load(shared / "data/ncedc_mini24.npz", allow_pickle=False)
    scale = archive["scale"][:4, None, None]
    return np.asarray(archive["waveforms_i2"][:4] * scale, np.float32)


def test_quakexnet_gives_what_its_authors_program_gives(shared: Path) -> None:
    network = opened(shared / "weights/event/quakexnet_base.pt.v1")
    half = records(shared)[:, :, ::2]
    windows = np.concatenate([half, half[:, :, :2000]], axis=2)
    uncalibrated = replace(network, card=replace(network.card, temperature=1.0))
    np.testing.assert_allclose(uncalibrated.probabilities(windows), _QUAKEXNET, atol=2e-5)
    assert network.card.classes == ("earthquake", "explosion", "noise", "surface event")


def test_seisclass_gives_what_its_authors_program_gives(shared: Path) -> None:
    network = opened(shared / "weights/event/seisclass_model_3class.h5")
    uncalibrated = replace(network, card=replace(network.card, temperature=1.0))
    found = uncalibrated.probabilities(records(shared)[:, ::-1])  # Z, N, E
    np.testing.assert_allclose(found, _SEISCLASS, atol=2e-5)


def test_windows_without_motion_and_no_windows(shared: Path) -> None:
    for name in ("quakexnet_base.pt.v1", "seisclass_model_3class.h5"):
        network = opened(shared / "weights/event" / name)
        shape = len(network.card.components), network.card.window_samples
        still = network.probabilities(np.zeros((1, *shape), np.float32))
        assert np.isfinite(still).all()
        assert still.sum() == pytest.approx(1)
        assert network.probabilities(np.zeros((0, *shape))).shape == (0, len(network.card.classes))


def test_a_file_that_is_no_network_of_events(tmp_path: Path, shared: Path) -> None:
    strange = tmp_path / "x.pt"
    strange.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"is no network of events that is known: .*quakexnet"):
        card_of_events(strange)
    with pytest.raises(WeightsError, match="does not exist"):
        card_of_events(tmp_path / "gone.pt")
    with pytest.raises(WeightsError, match="is no network of events that is known"):
        card_of_events(shared / "weights/polarity/PolarCAP.h5")


def test_temperature_makes_surer_or_less_sure() -> None:
    given = np.array([[0.8, 0.2]])
    assert at_temperature(given, 1.0) == pytest.approx(given)
    # 0.8^2 : 0.2^2 = 16 : 1
    assert at_temperature(given, 0.5) == pytest.approx(np.array([[16 / 17, 1 / 17]]))
    assert at_temperature(given, 2.0)[0, 0] == pytest.approx(2 / 3)


def test_pictures_of_spectrogram_cnn() -> None:
    """A tone of 25 Hz, half of the Nyquist frequency, is a white row in the middle."""
    card = spectrogram_cnn.card_for(60.0)
    at = np.arange(card.window_samples) / card.sampling_rate_hz
    windows = np.zeros((1, 3, card.window_samples))
    windows[0, 0] = np.sin(2 * np.pi * 25 * at)
    pictures = spectrogram_cnn.prepared(windows)
    assert pictures.shape == (1, 3, 100, 150)
    assert pictures[0, 0].mean(axis=1).argmax() in (49, 50)
    assert pictures[0, 0].max() == pytest.approx(255, abs=60)
    assert not pictures[0, 1:].any()
    windows[0, 0] = np.sin(2 * np.pi * 40 * at)  # higher stands above
    assert spectrogram_cnn.prepared(windows)[0, 0].mean(axis=1).argmax() == pytest.approx(20, abs=2)
    network = EventNetwork(card, spectrogram_cnn.SpectrogramCNN().eval(), "x")
    assert network.probabilities(windows).sum() == pytest.approx(1)

"""Networks of SeisBench give what SeisBench gives."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pytest
import seisbench_material as sb
import torch

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.inference.annotator import Annotator
from quakeline.inference.waveforms import Arrays
from quakeline.models.cards import Filter
from quakeline.models.named import weights_file
from quakeline.models.networks import read as network
from quakeline.models.sections import Ensemble, SeisBench
from quakeline.models.sections.seisbench import KNOWN, write_model
from quakeline.models.weights import card_of, load
from quakeline.models.windowing import Windowing
from quakeline.workflow.stages import weights

seisbench = sb.seisbench()

START = obspy.UTCDateTime("2010-05-27T00:00:00")
LO = START.ns // 10_000_000
N = 24_000
#: Small networks and the one of the issue's table with several outputs.
MODELS = ["PhaseNet", "PhaseNetLight", "EQTransformer", "GPD", "VariableLengthPhaseNet"]


def record(scale: float = 1000.0, seed: int = 0) -> np.ndarray:
    """Noise with onsets, components Z, N, E, in counts."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(3, N))
    for onset in range(1500, N - 2000, 3300):
        shape = np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) * 0.4)
        samples[:, onset : onset + 2000] += 15 * shape
    return (scale * samples).astype(np.float32)


def stream(samples: np.ndarray) -> obspy.Stream:
    header = {"network": "XX", "station": "A", "starttime": START, "sampling_rate": 100.0}
    return obspy.Stream(
        obspy.Trace(row, {**header, "channel": f"HH{c}"})
        for row, c in zip(samples, "ZNE", strict=True)
    )


def theirs(model: Any, samples: np.ndarray, first: int, **options: Any) -> dict[str, np.ndarray]:
    """SeisBench's curves over the samples, nan where it gives none; windows begin at `first`."""
    found = model.annotate(stream(samples).slice(START + first / 100), **options)
    result = {}
    for trace in found:
        at = round((trace.stats.starttime - START) * 100)
        curve = np.full(N, np.nan)
        step = round(100 / trace.stats.sampling_rate)
        index = at + step * np.arange(len(trace.data))
        curve[index[index < N]] = trace.data[index < N]
        result[trace.stats.channel.partition("_")[2]] = curve
    return result


def ours(path: Path, samples: np.ndarray, hop: int) -> dict[str, np.ndarray]:
    annotator = Annotator.load(path, "cpu", batch=4, windowing=Windowing(hop))
    source = Arrays(samples[None], np.ones((1, 3, N), bool), LO, "ZNE", annotator.card.components)
    pieces = [piece.curves for piece in annotator.annotate(source, LO, LO + N)]
    return dict(zip(annotator.card.phases, np.concatenate(pieces, axis=1), strict=True))


def check_equal(model: Any, path: Path, samples: np.ndarray, hop: int, **options: Any) -> None:
    """Curves agree wherever all windows over a sample lie inside the record."""
    window = model.in_samples
    first = -LO % hop
    expected, found = theirs(model, samples, first, **options), ours(path, samples, hop)
    inside = slice(first + window, N - 2 * window - hop if window < 4000 else N - window - hop)
    compared = 0
    for phase, curve in found.items():
        there = expected[phase][inside]
        known = np.isfinite(there)
        assert known.sum() > 100 / (10 if model.output_type == "point" else 1)
        assert curve[inside][known] == pytest.approx(there[known], abs=1e-5)
        assert there[known].std() > 1e-7
        compared += 1
    assert compared


def random_model(name: str) -> Any:
    torch.manual_seed(3)
    options = {"phases": "PSN"} if name == "GPD" else {}
    model = getattr(seisbench.models, name)(**options).eval()
    if name == "EQTransformer":
        # as it begins, its output is the same for all input
        for parameter in model.parameters():
            parameter.data *= 1.6
    return model


def options_of(model: Any, hop: int) -> dict[str, Any]:
    if model.output_type == "point":
        return {"stride": hop}
    # some networks stack by the maximum when nothing is said: annotate.stacking: maximum
    return {"overlap": model.in_samples - hop, "stacking": "avg"}


@pytest.mark.parametrize("name", MODELS)
def test_equals_annotate_of_seisbench(name, tmp_path):
    model = random_model(name)
    path = write_model(model, tmp_path / "x.safetensors")
    hop = 10 if name == "GPD" else model.in_samples // 3
    check_equal(model, path, record(), hop, **options_of(model, hop))


def section(path: Path | str, model: str = "PhaseNetLight", **more: Any) -> SeisBench:
    return SeisBench(model=model, weights=str(path), **more)


def made(config: Any, folder: Path) -> Path:
    path = folder / "w" / "picker.safetensors"
    weights.run(config, weights=path)
    return path


@pytest.mark.parametrize("given", ["", "ethz", "ethz.json.v2", "ethz.pt.v2"])
def test_real_weights_from_files(given, tmp_path):
    config = section(sb.ethz() / given)
    path = made(config, tmp_path)
    card, _ = card_of(path)
    assert card.network == "seisbench"
    assert card.classes == ("P", "S", "N")
    assert card.thresholds == pytest.approx({"P": 0.4439247878516038, "S": 0.4502677090692625})
    assert card.components == "ZNE"
    assert "ETHZ" in card.training_data
    assert {file.name for file in card.source.files} == {"ethz.json.v2", "ethz.pt.v2"}
    assert config.card().name == card.name
    assert config.missing() == []


@pytest.mark.parametrize("normalisation", ["scale", "none"])
def test_real_weights_equal_seisbench(normalisation, tmp_path):
    model = seisbench.models.PhaseNetLight.load(sb.ethz() / "ethz", version_str="2").eval()
    path = made(section(sb.ethz(), normalisation=normalisation), tmp_path)
    check_equal(model, path, record(), 1489, overlap=3001 - 1489)


def test_data_in_metres_per_second(tmp_path):
    """SeisBench's 1e-10 makes its output depend on the unit; ours depends on it when asked to."""
    model = seisbench.models.PhaseNetLight.load(sb.ethz() / "ethz", version_str="2").eval()
    small = record(scale=1e-10)
    as_upstream = made(section(sb.ethz(), normalisation="none"), tmp_path / "a")
    check_equal(model, as_upstream, small, 1489, overlap=3001 - 1489)
    sound = made(section(sb.ethz()), tmp_path / "b")
    large = ours(sound, record(scale=1000.0), 1489)
    for phase, curve in ours(sound, small, 1489).items():
        assert curve == pytest.approx(large[phase], abs=1e-4)


@pytest.mark.parametrize("normalisation", ["scale", "none"])
def test_the_vertical_alone(normalisation, tmp_path):
    """Components without data are zeros; the network divides them by 1e-10, not by nothing."""
    path = made(section(sb.ethz(), normalisation=normalisation), tmp_path)
    samples = record() * np.array([[1], [0], [0]], np.float32)
    model = seisbench.models.PhaseNetLight.load(sb.ethz() / "ethz", version_str="2").eval()
    check_equal(model, path, samples, 1489, overlap=3001 - 1489)


def test_a_weights_file_is_weights_again(tmp_path):
    first = made(section(sb.ethz()), tmp_path)
    again = made(section(first, thresholds={"P": 0.9}), tmp_path / "again")
    assert card_of(again)[1] == card_of(first)[1]
    assert card_of(again)[0].thresholds["P"] == 0.9
    assert load(again)[1].keys() == load(first)[1].keys()


def test_member_of_an_ensemble(tmp_path):
    members = [section(sb.ethz()), {"model": "phasenet"}]
    path = made(Ensemble(members=members), tmp_path)
    card, _ = card_of(path)
    assert card.thresholds["P"] == pytest.approx((0.4439247878516038 + 0.3) / 2)
    annotator = Annotator.load(path, "cpu", batch=4)
    source = Arrays(record()[None], np.ones((1, 3, N), bool), LO, "ZNE", card.components)
    pieces = list(annotator.annotate(source, LO, LO + N))
    assert sum(piece.curves.shape[1] for piece in pieces) == N


def test_state_alone_with_arguments(tmp_path):
    model = random_model("PhaseNet")
    torch.save(model.state_dict(), tmp_path / "mine.pt")
    config = section(tmp_path / "mine.pt", "PhaseNet", arguments={"phases": "NPS"})
    _, module, _ = network(made(config, tmp_path))
    windows = torch.randn(2, 3, 3001)
    with torch.inference_mode():
        expected = model(model.annotate_batch_pre(windows, {}))
        assert torch.allclose(module(windows), expected, atol=1e-6)


def test_no_code_in_a_file_is_run(tmp_path):
    """A .pt file is data: what unpickling would call is refused."""

    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"a": Evil()}, tmp_path / "x.pt")
    assert "is not what SeisBench writes" in refused(section(tmp_path / "x.pt"), tmp_path)
    assert not (tmp_path / "ran").exists()


def refused(config: Any, folder: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        made(config, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(folder: Path, **arguments: Any) -> Path:
    """The real weights with other arguments in their description."""
    for file in sb.ethz().glob("ethz.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    facts = json.loads((folder / "ethz.json.v2").read_text())
    facts["model_args"] |= arguments
    (folder / "ethz.json.v2").write_text(json.dumps(facts))
    return folder


def test_facts_that_differ_say_what_to_set(tmp_path):
    place = changed(tmp_path, sampling_rate=50)
    message = refused(section(place), tmp_path)
    assert message.endswith("set weights.sampling_rate_hz: 50")
    assert card_of(made(section(place, sampling_rate_hz=50), tmp_path))[0].sampling_rate_hz == 50
    message = refused(section(place, sampling_rate_hz=50, window_samples=999), tmp_path)
    assert message.endswith("set weights.window_samples: 3001")
    message = refused(section(place, sampling_rate_hz=50, phases=["Pn"]), tmp_path)
    assert "has the classes P, S, N: set weights.phases" in message


def test_the_filter_of_weights(tmp_path):
    place = changed(tmp_path, filter_args=["highpass"], filter_kwargs={"freq": 0.5})
    message = refused(section(place), tmp_path)
    wanted = {"low_hz": 0.5, "high_hz": None, "order": 4, "zero_phase": False}
    assert message.endswith(
        "set weights.filter: {low_hz: 0.5, high_hz: null, order: 4, zero_phase: false}"
    )
    card, _ = card_of(made(section(place, filter=wanted), tmp_path))
    assert card.filter == Filter(0.5, None, 4, False)


def test_weights_that_cannot_be_used(tmp_path):
    message = refused(section(sb.ethz() / "ethz.pt.v2", "PhaseNet"), tmp_path)
    assert "does not hold weights of PhaseNet" in message
    assert "allowed are the .json or .pt file" in refused(section(tmp_path / "no.pt"), tmp_path)
    config = section(sb.ethz(), "DKPN", window_samples=3001)
    assert "DKPN prepares records in a way of its own" in refused(config, tmp_path)
    config = section(sb.ethz(), "Nothing", window_samples=3001)
    assert "has no network 'Nothing'" in refused(config, tmp_path)


def test_names_need_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(seisbench, "cache_model_root", tmp_path / "cache")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    message = refused(section("geofon", "PhaseNet"), tmp_path)
    assert message.startswith("SeisBench cannot give the weights 'geofon' of PhaseNet (")
    assert "or give weights: PATH" in message


def test_names_come_from_the_cache_of_seisbench(tmp_path, monkeypatch):
    monkeypatch.setattr(seisbench, "cache_model_root", tmp_path / "cache")
    place = tmp_path / "cache" / "phasenetlight"
    place.mkdir(parents=True)
    changed(place)
    card, _ = card_of(made(section("ethz"), tmp_path))
    assert card.name == "seisbench-phasenetlight-ethz"
    assert len(card.source.files) == 2


def test_weights_by_one_name(tmp_path, monkeypatch):
    """What weights state themselves needs no settings where no configuration has any."""
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "kept"))
    whole = sb.ethz()
    card, _ = card_of(weights_file(f"seisbench:phasenetlight/{whole}"))
    by_section, _ = card_of(made(section(whole), tmp_path))
    assert replace(card, name="", source=by_section.source) == replace(by_section, name="")
    (tmp_path / "other").mkdir()
    place = changed(
        tmp_path / "other",
        sampling_rate=50, filter_args=["highpass"], filter_kwargs={"freq": 0.5},
    )  # fmt: skip
    card, _ = card_of(weights_file(f"SeisBench:PhaseNetLight/{place}"))
    assert (card.sampling_rate_hz, card.filter) == (50, Filter(0.5, None, 4, False))
    for name, line in (
        ("seisbench:PhaseNet", "allowed: seisbench:NETWORK/WEIGHTS, such as"),
        ("seisbench:PhaseNt/stead", "did you mean PhaseNet"),
    ):
        with pytest.raises(ConfigError, match=line):
            weights_file(name)
    with pytest.raises(ConfigError, match="cannot be given as well"):
        weights_file("seisbench:PhaseNet/stead", "x.pt")


def random_weights(folder: Path, seed: int) -> Path:
    """A PhaseNetLight of random tensors, as SeisBench would keep it: ethz.pt and ethz.json."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    torch.save(seisbench.models.PhaseNetLight().state_dict(), folder / "ethz.pt")
    (folder / "ethz.json").write_text('{"docstring": "random", "model_args": {"phases": "PSN"}}')
    return folder / "ethz.pt"


def test_files_of_one_name_are_not_taken_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(seisbench, "cache_model_root", tmp_path / "cache")
    random_weights(tmp_path / "cache" / "phasenetlight", 3)
    given = [random_weights(tmp_path / str(seed), seed) for seed in (1, 2)]
    named = ["seisbench:PhaseNetLight/" + str(path) for path in (*given, "ethz")]
    first = [weights_file(name) for name in named]
    ids = [card_of(path)[1] for path in first]
    assert len(set(first)) == len(set(ids)) == 3
    assert [card_of(weights_file(name))[1] for name in reversed(named)] == ids[::-1]
    # A file that is replaced leaves alone what a running process reads.
    given[0].write_bytes(given[1].read_bytes())
    assert card_of(weights_file(named[0]))[1] == ids[1]
    assert card_of(first[0])[1] == ids[0]


def test_a_file_of_quakeline_by_the_name_of_its_network(tmp_path, monkeypatch):
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "kept"))
    own = write_model(seisbench.models.PhaseNetLight(sampling_rate=50), tmp_path / "a.safetensors")
    found = weights_file(f"seisbench:phasenetlight/{own}")
    assert card_of(found) == card_of(own)
    assert card_of(found)[0].sampling_rate_hz == 50
    with pytest.raises(WeightsError, match="not weights of SeisBench's GPD"):
        weights_file(f"seisbench:GPD/{own}")
    with pytest.raises(WeightsError, match=r"b\.safetensors' given; allowed are"):
        weights_file(f"seisbench:GPD/{tmp_path}/b.safetensors")


@pytest.mark.parametrize("name", sorted(set(KNOWN) - {"BasicPhaseAE"}))
def test_what_is_said_of_the_networks_holds(name):
    facts = KNOWN[name]
    model = getattr(seisbench.models, name)()
    assert model.in_samples == facts.window_samples
    assert model.sampling_rate == facts.sampling_rate_hz
    assert (model.output_type == "point") == (facts.output == "window")
    assert set(facts.phases) <= set(model.labels or facts.phases)
    documented = model._annotate_args
    default = documented.get(f"{facts.phases[0]}_threshold", documented.get("*_threshold"))
    assert default is None or facts.threshold == default[1]
    assert facts.blind_samples == max(documented.get("blinding", ("", (0, 0)))[1])


def test_a_network_that_writes_nan_at_its_ends(tmp_path):
    path = write_model(random_model("BasicPhaseAE"), tmp_path / "x.safetensors")
    assert card_of(path)[0].blind_samples == 131
    found = ours(path, record(), 200)
    assert all(np.isfinite(curve).all() for curve in found.values())


def test_without_seisbench(tmp_path):
    code = "import sys; sys.modules['seisbench'] = None; from pathlib import Path;"
    code += "from quakeline.models.sections import SeisBench;"
    code += "from quakeline.workflow.stages import weights;"
    code += "section = SeisBench(model='PhaseNet', weights='stead');"
    code += "from quakeline.core.errors import QuakelineError\n"
    code += "try:\n    weights.run(section, weights=Path('x.safetensors'))\n"
    code += "except QuakelineError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "not installed" in done.stdout
    assert "pip install 'quakeline[seisbench]'" in done.stdout

"""Networks and callbacks as a user of SeisBench writes them: they run here as they are.

Each is written once, as a function of the bases it derives from, and is run with those of both.
"""

import inspect
import sys
from typing import Any

import fibre
import numpy as np
import pytest
import seisbench_material as sb
import torch

import quakeline
from quakeline.core.errors import ConfigError, DataError, WeightsError

seisbench = sb.seisbench()
das_base = pytest.importorskip("seisbench.models.das_base", reason="SeisBench has no DAS models")

SAMPLES = fibre.wave(6_000, 24)
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def phasenet():
    """A network of SeisBench that is compiled once."""
    torch.manual_seed(1)
    return seisbench.models.PhaseNet().eval()


def compiled(network, **options):
    return quakeline.DASWaveformModelWrapper(network, threads=1, batch=8, **options)


class WithWrapper:
    """SeisBench's names in one place, as quakeline has them."""

    DASWaveformModelWrapper = seisbench.models.DASWaveformModelWrapper

    def __getattr__(self, name):
        return getattr(das_base, name)


THEIRS = WithWrapper()


def annotated(model, lib, data=None, stacking="avg", **options):
    callback = lib.InMemoryCollectionCallback(stacking)
    if lib is THEIRS:
        options["pbar"] = False
    model.annotate(fibre.array(SAMPLES) if data is None else data, callback, **options)
    return callback.annotations


def equal(found, expected, spread=1e-3):
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].shape == array.shape
        assert found[key].values == pytest.approx(array.values, abs=TOLERANCE)
        assert array.values.std() > spread


def picker(lib):
    """A picker whose arguments come with the call of annotate."""

    class Sharp(lib.DASModel):
        _annotate_args = lib.DASModel._annotate_args.copy()
        _annotate_args["sharpness"] = ("How steep the curves are", 1.0)

        def __init__(self, **kwargs):
            super().__init__(
                patching_structure=lib.PatchingStructure(
                    in_samples=800,
                    in_channels=12,
                    out_samples=800,
                    out_channels=12,
                    range_samples=(0, 800),
                    range_channels=(0, 12),
                ),
                annotate_keys=["P"],
                buffer_queue_size=4,
                citation="none",
                default_args={"offset": 0.1},
                **kwargs,
            )
            torch.manual_seed(3)
            self.layer = torch.nn.Conv2d(1, 1, 5, padding=2)

        def forward(self, x, argdict=None):
            sharpness = self._argdict_get_with_default(argdict, "sharpness")
            shifted = self.layer(x.to(self.device, self.dtype)[:, None])[:, 0]
            return {"P": torch.sigmoid(sharpness * (shifted + argdict.get("offset", 0.0)))}

        def get_model_args(self):
            model_args = super().get_model_args()
            del model_args["citation"]
            return model_args

        @property
        def classify_callback(self):
            return lib.DASPickingCallback

    return Sharp


@pytest.mark.parametrize(
    ("made", "call"),
    [
        ({}, {}),
        ({}, {"sharpness": 2.5, "offset": -0.2}),
        ({}, {"overlap_samples": 100, "overlap_channels": 0.25}),
        ({"fk_filter_args": {"v_min": 200.0, "v_max": 4000.0}}, {}),
        ({"fk_filter_args": {"v_max": 2000.0, "mode": "reject"}}, {}),
        ({"filter_samples": ("butter", {"N": 4, "btype": "highpass", "Wn": 2.0})}, {}),
        ({"dt_range": (0.015, 0.03), "dx_range": (4.0, 6.0)}, {}),
    ],
)
def test_a_picker_that_asks_its_argdict(made, call):
    here, there = picker(quakeline)(**made), picker(THEIRS)(**made)
    found, expected = annotated(here, quakeline, **call), annotated(there, THEIRS, **call)
    if "dt_range" in made:  # SeisBench's filter begins and ends with its patch
        found, expected = ({"P": part["P"].isel(time=slice(1, -1))} for part in (found, expected))
    equal(found, expected)
    ratios = here.get_resample_ratios(fibre.array(SAMPLES), None)
    assert ratios == there.get_resample_ratios(fibre.array(SAMPLES), None)
    assert ratios == (((1, 2), (2, 1)) if "dt_range" in made else ((1, 1), (1, 1)))
    assert (here.device, here.dtype, here.citation) == (there.device, there.dtype, there.citation)


def test_unknown_arguments_reach_a_network_that_may_look_for_them(caplog):
    annotated(picker(quakeline)(), quakeline, depth=3)
    assert "annotate: depth given; allowed: batch_size" in caplog.text
    assert "the network gets it in its argdict" in caplog.text
    with pytest.raises(ConfigError, match="annotate: depth given; allowed: batch_size"):
        annotated(fibre.Loud(), quakeline, depth=3)


def test_a_file_builds_it_again(tmp_path):
    model = picker(quakeline)()
    again = type(model).load(model.save(tmp_path / "sharp.safetensors"))
    equal(annotated(again, quakeline), annotated(model, quakeline))
    assert again.default_args == {"offset": 0.1}


def growing(lib):
    """A network that sets its patches by the data, in a structure of its own."""

    class Growing(lib.DASModel):
        def __init__(self):
            structure = lib.PatchingStructure(1, 1, 1, 1, (0, 1), (0, 1))
            super().__init__(annotate_keys=["loud"], patching_structure=structure, citation=None)

        def get_patching_structure(self, data_shape, argdict):
            structure = self.patching_structure
            structure.in_samples = structure.out_samples = min(1000, int(data_shape[0]))
            structure.in_channels = structure.out_channels = int(data_shape[1])
            structure.range_samples = (0, structure.in_samples)
            structure.range_channels = (0, structure.in_channels)
            structure.overlap_samples = int(argdict.get("overlap_samples", 0.25) * 1000)
            structure.overlap_channels = 0
            return structure

        def forward(self, x, argdict):
            return {"loud": x.abs() / x.abs().amax(dim=1, keepdim=True)}

    return Growing


@pytest.mark.parametrize("call", [{}, {"overlap_samples": 0.5}])
def test_patches_that_the_network_changes(call):
    expected = annotated(growing(THEIRS)(), THEIRS, **call)
    model = growing(quakeline)()
    equal(annotated(model, quakeline, **call), expected)
    equal(annotated(model, quakeline, **call), expected)


def strongest(lib):
    """A callback that compares annotations with the data themselves."""

    class Strongest(lib.DASAnnotateCallback):
        def setup(self, data, patching_structure, annotate_keys):
            self.mean = float(np.asarray(data.data.values, dtype=float).mean())
            self.size = (len(data), data.shape, data.dx, data.dt, data.data.dims)
            structure = data.patching_structure
            self.overlap = (structure.overlap_samples, patching_structure.overlap_channels)
            self.output_shape, coords = lib.DASModel.calc_output_shape_and_coordinates(
                data, patching_structure
            )
            self.begin_time = coords["time"][0].values
            self.best = dict.fromkeys(annotate_keys, (0.0, None))

        def handle_patch(self, annotations, in_coords, out_coords):
            for key, values in annotations.items():
                largest = float(values.max())
                if largest > self.best[key][0]:
                    self.best[key] = (round(largest, 4), np.array(out_coords).tolist())

        def get_results_dict(self):
            return self.best

    return Strongest


def test_a_callback_that_looks_at_the_data():
    found = []
    for lib in (quakeline, THEIRS):
        callback = strongest(lib)()
        picker(lib)().annotate(fibre.array(SAMPLES), callback, pbar=False)
        found.append(vars(callback))
    own = ("_begun", "_adds_sections")
    assert {k: v for k, v in found[0].items() if k not in own} == found[1]
    assert found[1]["size"][0] > 20


def test_a_callback_of_one_section_does_not_lose_the_others():
    callback = strongest(quakeline)()
    data = fibre.array(SAMPLES, (0, 3000), (100, 3000))
    with pytest.raises(DataError, match="2 gapless sections; Strongest keeps only one"):
        picker(quakeline)().annotate(data, callback)
    picker(quakeline)().annotate(data.isel(time=slice(3000, None)), callback)
    assert callback.size[1] == (3000, 24)


class Amplified(seisbench.models.PhaseNet):
    """A picker of records with its own steps before and after the network."""

    _annotate_args = seisbench.models.PhaseNet._annotate_args.copy()
    _annotate_args["power"] = ("Exponent of the probabilities", 1.0)

    def annotate_batch_pre(self, batch, argdict):
        clipped = batch.clamp(-argdict.get("clip", 8.0), argdict.get("clip", 8.0))
        return super().annotate_batch_pre(clipped, argdict), clipped.abs().amax(dim=(1, 2))

    def annotate_batch_post(self, batch, piggyback, argdict):
        found = super().annotate_batch_post(batch, None, argdict)
        weight = (piggyback / (1 + piggyback))[:, None, None]
        return weight * found ** self._argdict_get_with_default(argdict, "power")


@pytest.mark.parametrize(
    "call", [{}, {"power": 2.0, "clip": 2.0}, {"blinding": (100, 300)}, {"stacking": "max"}]
)
def test_steps_of_ones_own_around_a_picker_of_records(call):
    torch.manual_seed(1)
    network = Amplified().eval()
    network.default_args["blinding"] = (40, 60)
    there = THEIRS.DASWaveformModelWrapper(network)
    here = compiled(network)
    equal(annotated(here, quakeline, **call), annotated(there, THEIRS, **call))
    assert here.model is there.model is network


def wrapper(lib):
    """A wrapper with something of its own behind the picker."""

    class Smoothed(lib.DASWaveformModelWrapper):
        def __init__(self, model, width=5, **kwargs):
            super().__init__(model, **kwargs)
            self.width = width

        def forward(self, x, argdict=None):
            found = super().forward(x, argdict=argdict)
            half = self.width // 2
            return {
                key: torch.nn.functional.avg_pool1d(curves, self.width, 1, half)
                for key, curves in found.items()
            }

    return Smoothed


@pytest.mark.parametrize(
    "made", [{}, {"fk_filter_args": {"v_min": 300.0}}, {"dx_range": (4.0, 6.0)}]
)
def test_a_wrapper_that_smooths_along_the_fibre(phasenet, made):
    network = phasenet
    found = annotated(wrapper(quakeline)(network, **made), quakeline)
    expected = annotated(wrapper(THEIRS)(network, **made), THEIRS)
    plain = annotated(compiled(network, **made), quakeline)
    theirs = annotated(THEIRS.DASWaveformModelWrapper(network, **made), THEIRS)
    equal(plain, theirs)
    equal(found, expected)
    assert np.abs(found["P"].values - plain["P"].values).max() > 1e-3


@pytest.mark.parametrize("blinding", [None, (700, 200)])
def test_the_detection_of_eqtransformer(blinding):
    torch.manual_seed(1)
    network = seisbench.models.EQTransformer(lstm_blocks=1, in_samples=3000).eval()
    for parameter in network.parameters():
        parameter.data *= 2  # else the curves are flat
    options = {} if blinding is None else {"blinding": blinding}
    here = compiled(network)
    found = annotated(here, quakeline, fibre.array(SAMPLES[:, :4]), **options)
    there = THEIRS.DASWaveformModelWrapper(network)
    equal(found, annotated(there, THEIRS, fibre.array(SAMPLES[:, :4]), **options), 1e-4)
    assert list(found) == ["Detection", "P", "S"]
    assert here.classify(fibre.array(SAMPLES[:, :2]), thresholds=1.5).Detection == []


def test_a_network_without_a_rate_takes_any():
    torch.manual_seed(1)
    network = seisbench.models.PhaseNet(sampling_rate=None).eval()
    data = fibre.array(SAMPLES, rate=500.0)
    found = annotated(compiled(network), quakeline, data)
    equal(found, annotated(THEIRS.DASWaveformModelWrapper(network), THEIRS, data))


def test_what_is_said_to_the_wrapper_and_not_to_the_callback(phasenet, caplog):
    model = quakeline.DASWaveformModelWrapper(phasenet, threads=1, batch=24)
    data = fibre.array(SAMPLES)
    callback = quakeline.InMemoryCollectionCallback()
    model.annotate(data, callback, P_threshold=0.6, stacking="max")
    assert "P_threshold, stacking given, without effect here: the callback has" in caplog.text
    picks = model.classify(data, P_threshold=0.4)
    expected = model.classify(data, thresholds={"P": 0.4, "S": 0.3})
    assert [list(picks[key]) for key in "PS"] == [list(expected[key]) for key in "PS"]
    with pytest.raises(ConfigError, match="annotate: S_treshold given; allowed: batch_size"):
        annotated(model, quakeline, data, S_treshold=0.6)
    with pytest.raises(ConfigError, match=r"blinding: \(2000, 2000\) given; allowed: two counts"):
        annotated(model, quakeline, data, blinding=(2000, 2000))
    with pytest.raises(ConfigError, match="component_strategy: 'copy' given; allowed: clone, pad"):
        model.component_strategy = "copy"


def test_values_that_are_no_probabilities():
    found = []
    for lib in (quakeline, THEIRS):

        class Ratio(growing(lib)):  # type: ignore[misc]
            def forward(self, x, argdict):
                return {"loud": 10 * super().forward(x, argdict)["loud"]}

        callback = lib.DASPickingCallback(thresholds=7.5, blinding=(0, 0))
        Ratio().annotate(fibre.array(SAMPLES), callback, pbar=False)
        picks = callback.get_results_dict()["loud"]
        found.append(sorted((p.channel, p.time, p.confidence) for p in picks))
    assert found[0] == found[1]
    assert len(found[0]) > 50
    assert callback.channel_coord_name == "distance"


#: Public names of SeisBench that are not here on purpose.
ELSEWHERE = {
    "DASModel": {
        "weights_docstring": "the card has it",
        "weights_version": "the card has it",
    },
}
CLASSES = (
    "DASModel",
    "DASAnnotateCallback",
    "DASPickingCallback",
    "InMemoryCollectionCallback",
    "WriterCallback",
    "MultiCallback",
    "FKFilter",
    "PatchCoordinate",
    "PatchingStructure",
    "DASWaveformModelWrapper",
)


def public(kind: Any) -> set[str]:
    """Names of a class that are its own or of its bases in SeisBench, and arguments of it."""
    bases = [base for base in inspect.getmro(kind) if base.__module__.startswith("seisbench")]
    names = {name for base in bases for name in vars(base) if not name.startswith("_")}
    return names | {f for base in bases for f in getattr(base, "__annotations__", {})}


@pytest.mark.parametrize("name", CLASSES)
def test_each_public_name_of_seisbench_is_here(name):
    here, there = getattr(quakeline, name), getattr(THEIRS, name)
    known = set(dir(here)) | set(getattr(here, "__annotations__", {}))
    known = {attribute for attribute in known if not attribute.startswith("_")}
    absent = public(there) - known
    assert absent == set(ELSEWHERE.get("DASModel", {})) & absent
    arguments = inspect.signature(there).parameters
    ours = inspect.signature(here).parameters
    hands_on = any(p.kind is p.VAR_KEYWORD for p in ours.values())
    assert hands_on or set(arguments) - {"kwargs"} <= set(ours)
    for method in sorted(public(there) & known):
        theirs, own = getattr(there, method, None), getattr(here, method, None)
        if inspect.isroutine(theirs) and inspect.isroutine(own):
            assert called(own) >= called(theirs) - {"kwargs"}, method


def called(method: Any) -> set[str]:
    """Names of the arguments; those of a method that takes any are not compared."""
    parameters = inspect.signature(method).parameters.values()
    return {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


def test_files_take_the_arguments_of_seisbench(tmp_path):
    path = tmp_path / "loud.safetensors"
    model = fibre.Loud()
    model.save(path, "100 records of a lake", version_str="2")
    assert [one.name for one in tmp_path.iterdir()] == ["loud.v2.safetensors"]
    again = fibre.Loud.load(path, version_str="2")
    assert again.card.training.described == "100 records of a lake"
    assert again.state_dict().keys() == model.state_dict().keys()
    file = tmp_path / "loud.v2.safetensors"
    fibre.Loud.from_pretrained(file, update=True, force=True, wait_for_file=True)
    assert fibre.Loud.list_pretrained(details=True, remote=False) == {}
    assert fibre.Loud.list_versions("none", remote=False) == []
    with pytest.raises(WeightsError, match="version '3' given; known: latest, none: a file has"):
        fibre.Loud.from_pretrained(file, version_str="3")
    wrapper = quakeline.DASWaveformModelWrapper
    assert "Zhu" in wrapper.list_pretrained(details=True)["phasenet"]
    (version,) = wrapper.list_versions("phasenet")
    with pytest.raises(WeightsError, match=f"phasenet: version '1' .*known: latest, {version}"):
        wrapper.from_pretrained("phasenet", version_str="1")


def test_what_is_not_here_says_so():
    with pytest.raises(AttributeError, match="no VirtualTransformedDataArray: a callback"):
        quakeline.VirtualTransformedDataArray  # noqa: B018


def test_deepsubdas():
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    assert torchvision.__version__
    model = quakeline.DeepSubDAS(deeplab_backbone="resnet50", remove_common_mode=True).eval()
    peer = seisbench.models.DeepSubDAS(deeplab_backbone="resnet50", remove_common_mode=True).eval()
    peer.load_state_dict(model.state_dict())
    x = torch.randn(1, 256, 128)
    with torch.inference_mode():
        found, expected = model(x), peer(x)
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert torch.equal(found[key], values)


def test_deepsubdas_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ConfigError, match="DeepSubDAS needs torchvision, which is not installed"):
        quakeline.DeepSubDAS()
    with pytest.raises(ConfigError, match="deeplab_backbone: 'vgg' given; allowed: resnet50"):
        quakeline.DeepSubDAS(deeplab_backbone="vgg")

"""Why quakeline and SeisBench pick differently: what is done otherwise, changed one at a time.

`python -m benchmarks.pick_agreement [FILE] [--quick]`: FILE holds three components of one station
at 100 Hz; without it, 80 minutes of a borehole station after the Ridgecrest earthquakes (PB.B916)
from QUAKELINE_SHARED. Both sides compute the same network with the authors' original weights and
thresholds of 0.3. Each row has other settings: of quakeline, compared with SeisBench's `classify`
as it comes, or of SeisBench, compared with itself. `theirs` is the share of SeisBench's picks (of
its own settings) that have a pick of the row of the same phase within 0.1 s, `theirs_07` that of
those with a probability of 0.7 at least, `ours` the share of the row's picks that SeisBench has.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure, peer_networks, whole_process
from quakeline.inference.annotator import Annotator
from quakeline.inference.backends import Backend, Torch
from quakeline.inference.engine import Engine
from quakeline.inference.waveforms import Arrays, Paged
from quakeline.models.named import weights_file
from quakeline.signal.peaks import find_peaks
from quakeline.signal.resample import to_grid

_RATE_HZ, _STEP_NS = 100.0, 10_000_000
_THRESHOLD, _NEAR_S, _HIGH = 0.3, 0.1, 0.7
_APART = 50
#: Phase, time in ns and probability of each pick.
Picks = list[tuple[str, int, float]]


@dataclass(frozen=True)
class Way:
    """How quakeline makes its picks: as it comes, or with something as SeisBench does it.

    `card` are changed fields of the network's card; `seisbench` computes SeisBench's windows, with
    its normalisation; `aligned` moves samples to whole hundredths of a second; `absolute` lays
    windows at multiples of the step since 1970, else from the first sample; `trigger` takes the
    highest sample from where a curve exceeds the threshold to where it falls below its half.
    """

    card: dict[str, Any]
    seisbench: bool = False
    aligned: bool = True
    absolute: bool = True
    trigger: bool = False


_PHASENET = {"blind_samples": 0}
_LONGER = {"window_samples": 3001, "hop_samples": 1501}
_MAXIMUM = {"stacking": "maximum"}
#: Rows of each network; the last one does all as SeisBench.
_WAYS: dict[str, dict[str, Way]] = {
    "PhaseNet": {
        "as it comes": Way({}),
        "samples where they are": Way({}, aligned=False),
        "SeisBench's rule of peaks": Way({}, trigger=True),
        "ends of windows count": Way(_PHASENET),
        "step 1500 for 1489": Way({"hop_samples": 1500}),
        "windows of 3001, step 1501": Way(_LONGER, seisbench=True),
        "windows from the first sample": Way({}, absolute=False),
        "all but where windows begin": Way({**_PHASENET, **_LONGER}, True, False, True, True),
        "all": Way({**_PHASENET, **_LONGER}, True, False, False, True),
    },
    "EQTransformer": {
        "as it comes": Way({}),
        "SeisBench's rule of peaks": Way({}, trigger=True),
        "largest of windows for their mean": Way(_MAXIMUM),
        "no windows at the ends of data": Way({"edge_windows": False}),
        "SeisBench's normalisation and taper": Way({}, seisbench=True),
        "step 3000 for 2987": Way({"hop_samples": 3000}),
        "step and largest": Way({**_MAXIMUM, "hop_samples": 3000}),
        "all": Way(
            {**_MAXIMUM, "hop_samples": 3000, "edge_windows": False}, True, False, False, True
        ),
    },
}
#: SeisBench against itself: seconds cut off at the start, and its arguments.
_SELF: dict[str, dict[str, tuple[float, dict[str, Any]]]] = {
    "PhaseNet": {
        "data begin 1 s later": (1.0, {}),
        "data begin 5 s later": (5.0, {}),
        "overlap 1512 for 1500": (0.0, {"overlap": 1512}),
        "ends of windows do not count": (0.0, {"blinding": (250, 250)}),
    },
    "EQTransformer": {
        "data begin 1 s later": (1.0, {}),
        "data begin 5 s later": (5.0, {}),
        "overlap 3013 for 3000": (0.0, {"overlap": 3013}),
        "mean of windows for the largest": (0.0, {"stacking": "avg"}),
    },
}


class Station:
    """A record, SeisBench's network and quakeline's."""

    def __init__(self, network: str, source: Path, folder: Path) -> None:
        import obspy
        import seisbench.models

        peer_networks.save(network, str(folder / network))
        self.peer = getattr(seisbench.models, network).load(str(folder / network))
        self.stream = obspy.read(str(source))
        self.annotator = Annotator.load(weights_file(peer_networks.SETS[network]), "cpu", 1)
        n = min(trace.stats.npts for trace in self.stream)
        order = {"E": 0, "N": 1, "Z": 2, "2": 0, "1": 1}
        self.samples = np.zeros((3, n))
        for trace in self.stream:
            self.samples[order[trace.stats.channel[-1]]] = trace.data[:n]
        self.start_ns = int(self.stream[0].stats.starttime.ns)

    def theirs(self, cut_s: float, words: dict[str, Any]) -> Picks:
        """SeisBench's picks of the record without its first seconds."""
        stream = self.stream.slice(starttime=self.stream[0].stats.starttime + cut_s)
        limits = {"P_threshold": _THRESHOLD, "S_threshold": _THRESHOLD}
        found = self.peer.classify(stream.copy(), **limits, **words)
        return [(p.phase, int(p.peak_time.ns), float(p.peak_value)) for p in found.picks]

    def ours(self, way: Way) -> Picks:
        """Picks of quakeline's engine."""
        card = replace(self.annotator.card, **way.card)
        backend: Backend = self.annotator.engine.backend
        if way.seisbench:
            card = replace(card, normalisation="none")
            backend = _peer_backend(self.peer, card.classes)
        first, samples = round(self.start_ns / _STEP_NS), self.samples
        start_ns = self.start_ns
        if way.aligned:
            first, samples = to_grid(samples, start_ns, _RATE_HZ, _RATE_HZ)
            start_ns = first * _STEP_NS
        if not way.absolute:
            first = card.hop_samples * 10
        data = samples[None].astype(np.float32)
        source = Arrays(data, np.ones(data.shape, bool), first, "ENZ", card.components)
        pieces = Engine(card, backend).annotate(Paged(source, card), first, first + data.shape[2])
        curves = np.concatenate([piece.curves for piece in pieces], axis=1)
        return [
            (phase, start_ns + at * _STEP_NS, float(curve[at]))
            for phase, curve in zip(card.phases, curves, strict=True)
            for at in (_triggered(curve) if way.trigger else _peaks(curve))
        ]


def _peaks(curve: np.ndarray) -> list[int]:
    return [int(at) for at in find_peaks(curve, _THRESHOLD, _APART)]


def _triggered(curve: np.ndarray) -> list[int]:
    """Peaks as SeisBench finds them."""
    from obspy.signal.trigger import trigger_onset

    spans = trigger_onset(curve, _THRESHOLD, _THRESHOLD / 2)
    return [int(first + np.argmax(curve[first : last + 1])) for first, last in spans]


def _peer_backend(peer: Any, classes: tuple[str, ...]) -> Backend:
    """SeisBench's network behind its own preparation of windows; classes in our order."""
    import torch

    labels = [str(name)[0] for name in peer.labels]

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.peer = peer  # a module of this one, which `Torch` copies and sets to evaluation

        def forward(self, windows: Any) -> Any:
            output = self.peer(self.peer.annotate_batch_pre(windows.clone(), {}))
            output = output if torch.is_tensor(output) else torch.stack(list(output), 1)
            return output[:, [labels.index(name) for name in classes]]

    return Torch(Whole(), 16, [torch.device("cpu")])


def share(of: Picks, among: Picks, least: float = 0.0) -> float | None:
    """Share of some picks, from a probability on, that have one of the others near."""
    found: list[np.ndarray] = []
    for phase in sorted({one[0] for one in of}):
        wanted = np.array([t for name, t, p in of if name == phase and p >= least], np.int64)
        there = np.sort(np.array([t for name, t, _ in among if name == phase], np.int64))
        if not len(there):
            found.append(np.zeros(len(wanted), bool))
            continue
        right = np.searchsorted(there, wanted)
        near = [there[np.clip(right + side, 0, len(there) - 1)] for side in (-1, 0)]
        distance = np.minimum(*(np.abs(one - wanted) for one in near))
        found.append(distance <= _NEAR_S * 1e9)
    held = np.concatenate(found) if found else np.zeros(0, bool)
    return round(float(held.mean()), 4) if len(held) else None


def compare(network: str, source: Path, folder: Path) -> list[dict[str, Any]]:
    """The rows of a network."""
    station = Station(network, source, folder)
    theirs = station.theirs(0.0, {})
    sides = [(f"quakeline, {name}", station.ours(way)) for name, way in _WAYS[network].items()]
    sides += [
        (f"SeisBench, {name}", station.theirs(*words)) for name, words in _SELF[network].items()
    ]
    return [
        {
            "case": f"{network}: {name}",
            "picks": len(picks),
            "seisbench": len(theirs),
            "theirs": share(theirs, picks),
            "theirs_07": share(theirs, picks, _HIGH),
            "ours": share(picks, theirs),
        }
        for name, picks in sides
    ]


def main() -> None:
    """Compare both networks; --quick takes PhaseNet alone."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--quick", action="store_true", help="PhaseNet alone, keeps no figures")
    words = parser.parse_args()
    source = whole_process.source_of(words.file)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for network in ["PhaseNet"] if words.quick else _WAYS:
            rows += compare(network, source, Path(name))
    measure.finish("pick_agreement", rows, words.quick)


if __name__ == "__main__":
    main()

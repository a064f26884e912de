"""`quakeline scan` beside the output of Seismo-Performer's own program."""

from __future__ import annotations

import urllib.request
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from recordings import picker_weights
from workfolder import WorkFolder

from quakeline.api.direct.archive_scan import lines, thresholds
from quakeline.commands.scan import scan
from quakeline.core.errors import ConfigError, DataError, WeightsError
from quakeline.waveforms.sources.archive_list import ArchiveList

__all__ = ["picker_weights"]

REFERENCE = "reference/archive_scan/hengill_200hz_performer_v2_predictions.txt"


def predictions(path: Path, station: str = "") -> list[tuple[str, str, float, datetime]]:
    found = []
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) == 5 and words[1] in "PS" and words[0].startswith(station):
            time = datetime.strptime(f"{words[3]} {words[4]}0", "%d.%m.%Y %H:%M:%S.%f")
            found.append((words[0], words[1], float(words[2]), time))
    return found


@pytest.mark.slow
def test_the_predictions_are_those_of_the_authors_program(shared: Path, tmp_path: Path) -> None:
    names = (shared / "reference/archive_scan/hengill_list.txt").read_text().splitlines()[:3]
    text = "\n".join(" ".join(f"{shared}/data/hengill/{n}" for n in one.split()) for one in names)
    (tmp_path / "list.txt").write_text(text)
    weights = shared / "weights/seismo_performer/w_model_performer_v2.0.h5"
    done = WorkFolder(tmp_path).quakeline(
        "scan", "list.txt", "-w", str(weights), "--threshold", "p: 0.9, s: 0.9", "--time", "--cpu",
        "--trace-normalization", "--resampling", "interpolate", "--print-precision", "10",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "network" in done.stdout
    found = predictions(tmp_path / "predictions.txt")
    stations = {one[0] for one in found}
    expected = [one for one in predictions(shared / REFERENCE) if one[0] in stations]
    assert len(stations) == 3
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert abs((ours[3] - theirs[3]).total_seconds()) < 0.011
        assert ours[2] == pytest.approx(theirs[2], abs=1e-6)


def test_the_text_of_a_prediction() -> None:
    times = pd.to_datetime(["2021-04-01T12:35:55.664Z", "2021-12-31T23:59:59.996Z"])
    picks = pd.DataFrame(
        {
            "station": ["NYSH", "NYSH"],
            "phase": ["P", "S"],
            "probability": [0.99976056819, 1.0],
            "time": times.astype("datetime64[ns, UTC]"),
        }
    )
    assert lines(picks, 10)[0] == "NYSH P 0.9997605681 01.04.2021 12:35:55.66"
    assert lines(picks, 4)[1] == "NYSH S 1.0000 01.01.2022 00:00:00.00"


def test_thresholds_as_its_readme_writes_them() -> None:
    assert thresholds("0.95") == {"P": 0.95, "S": 0.95}
    assert thresholds("p: 0.9997, s:0.9995") == {"P": 0.9997, "S": 0.9995}
    for wrong in ("", "x", "p: 2", "q: 0.5", "p: 0.5, p: 0.6", "0.5, 0.6"):
        with pytest.raises(ConfigError, match="--threshold"):
            thresholds(wrong)


def test_groups_are_the_lines_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("n e z\n\n# all\nb\n")
    found = ArchiveList(kind="archive_list", list_file=str(tmp_path / "list.txt")).groups
    assert [[path.name for path in group] for group in found] == [["n", "e", "z"], ["b"]]


def test_options_that_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n")
    listed = tmp_path / "list.txt"
    with pytest.raises(ConfigError, match="--cnn and --gpd given"):
        scan(listed, cnn=True, gpd=True)
    with pytest.raises(ConfigError, match="--model and --weights given"):
        scan(listed, model="x", weights=listed)
    with pytest.raises(ConfigError, match="--loader_argv: 'x' given"):
        scan(listed, model="x", loader_argv="x")
    with pytest.raises(DataError, match="lists no files"):
        scan(listed, out=tmp_path / "out.txt")


def test_weights_that_are_not_those_of_the_network(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("list.txt\n")
    listed, weights = tmp_path / "list.txt", tmp_path / "w.h5"
    with pytest.raises(ConfigError, match=r"--weights: .*w.h5 does not exist"):
        scan(listed, weights=weights)
    weights.write_text("no weights")
    with pytest.raises(
        WeightsError, match=r"w.h5 given; allowed: .* spec-cnn-v2 or spec-cnn-v1"
    ) as e:
        scan(listed, weights=weights, cnn=True)
    assert "it is none: " in str(e.value)
    assert "w.h5 has the SHA-256" in str(e.value)
    assert "a folder with weights_model_cnn_spec.hd5" in str(e.value)


def test_weights_of_a_network_that_picks_samples(picker_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("list.txt\n")
    with pytest.raises(ConfigError, match=r"--weights: .*picker.safetensors given, of phasenet"):
        scan(tmp_path / "list.txt", weights=picker_weights, out=tmp_path / "out.txt")
    assert not (tmp_path / "out.txt").exists()


def test_files_are_looked_for_before_weights(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("n e z\n")
    with pytest.raises(DataError, match=r"none of its files exists, the first is .*/n$"):
        scan(tmp_path / "list.txt", weights=tmp_path / "absent.h5")


def test_weights_that_cannot_be_fetched_are_asked_for_by_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(urllib.request, "_opener", None)  # it would keep the proxy
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # a closed port: every fetch fails at once
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "list.txt").write_text("list.txt\n")
    with pytest.raises(WeightsError, match=r"give --weights: a \.safetensors file"):
        scan(tmp_path / "list.txt")

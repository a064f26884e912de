"""Several processes and 16 bits: what is refused on CPUs, and that both learn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gpus import without_gpu
from labelled_records import wavelets

from quakeline.core.errors import ConfigError
from quakeline.training.beginning import from_scratch
from quakeline.training.jobs import Job
from quakeline.training.loop import Fit
from quakeline.training.settings import Settings
from quakeline.training.team import Team
from quakeline.training.tuning import tune
from quakeline.training.windows import Windows

HERE = Path(__file__).resolve()
SETTINGS = Settings(epochs=2, batch=4, norms="train", learning_rate=1e-3)


def fit(folder: Path, settings: Settings = SETTINGS, team: Team | None = None) -> Fit:
    data = wavelets(folder, 8, n=900).resampled(40.0)
    begun = from_scratch("earthquake-cnn", "mine", 0)
    train = Windows(data, data.rows("train"), begun.card, settings, training=True)
    dev = Windows(data, data.rows("dev"), begun.card, settings, training=False)
    place = torch.device("cpu")
    return Fit(begun.network, begun.card, train, dev, settings, place, "r", team or Team())


def test_shares_of_a_batch_are_all_of_it() -> None:
    teams = [Team(rank, 3) for rank in range(3)]
    assert sorted(item for team in teams for item in team.share([*range(8)])) == [*range(8)]
    assert [team.share([1, 2]) for team in teams] == [[1, 2]] * 3, "none is without work"


def test_sixteen_bits_learn_what_thirty_two_do(tmp_path: Path) -> None:
    narrow = SETTINGS.model_copy(update={"precision": "bfloat16"})
    histories = [
        fit(tmp_path / f"ds{number}", settings).run(tmp_path / f"{number}.st", lambda row: None)
        for number, settings in enumerate((SETTINGS, narrow))
    ]
    losses = [[row["dev_loss"] for row in one.history] for one in histories]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
    assert {value.dtype for value in histories[1].best.values()} <= {torch.float32, torch.int64}


@pytest.mark.parametrize(
    ("settings", "processes", "words"),
    [
        ({"precision": "bfloat16"}, "", "precision: bfloat16 given; a CPU is slower with it"),
        ({}, "2", "2 processes of torchrun on a CPU"),
        ({}, "two", "RANK and WORLD_SIZE: .* given; torchrun sets them to numbers"),
    ],
)
def test_what_is_for_gpus_is_refused_on_a_cpu(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    processes: str,
    words: str,
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", processes)
    data = wavelets(tmp_path / "ds", 8, n=900)
    given = SETTINGS.model_copy(update=settings)
    job = Job(data, given, tmp_path / "m.safetensors", "m", network="gpd", device="cpu")
    with pytest.raises(ConfigError, match=words) as told:
        tune(replace(job), lambda row: None)
    assert "\n" not in str(told.value)
    assert not job.checkpoint.exists()


@without_gpu
def test_a_gpu_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 8, n=900)
    job = Job(data, SETTINGS, tmp_path / "m.safetensors", "m", network="gpd", device="cuda")
    with pytest.raises(ConfigError, match=r"^device: 'cuda' given; this machine has no usable GPU"):
        tune(job, lambda row: None)
    assert not job.checkpoint.exists()


@pytest.mark.slow
def test_two_processes_end_with_the_same_network(tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    paths = os.pathsep.join([str(HERE.parents[1] / "helpers"), str(HERE.parents[2])])
    done = subprocess.run(
        [*launcher, "2", str(HERE), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["sums"] == second["sums"], "gradients are averaged"
    assert first["losses"] == second["losses"], "all decide by the same"
    assert (first["told"], second["told"]) == (3, 0)
    assert first["losses"][-1] < first["losses"][0]


def _process(folder: Path) -> None:
    """One of the processes that the test starts."""
    team = Team.of_environment()
    team.join(torch.device("cpu"))
    work = fit(folder / f"ds{team.rank}", team=team)
    told: list[dict[str, float]] = []
    progress = work.run(folder / "c.safetensors", told.append)
    state = work.network.named_parameters()
    facts = {
        "sums": [float(np.abs(value.detach().numpy()).sum()) for _, value in state],
        "losses": [row["dev_loss"] for row in progress.history],
        "told": len(told),
    }
    (folder / f"{team.rank}.json").write_text(json.dumps(facts))
    team.leave()


if __name__ == "__main__":
    _process(Path(sys.argv[1]))

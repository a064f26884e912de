"""Messages name the options that were typed, and keys where a configuration may have set them."""

from __future__ import annotations

import pytest

from quakeline import cli
from quakeline.commands.typed import as_typed
from quakeline.core.errors import ConfigError

ALL = (
    "--hop-samples",
    "--shift",
    "--threshold",
    "--weights",
    "--velocity",
    "--vp-vs",
    "--no-filter",
)


@pytest.mark.parametrize(
    ("words", "options", "message", "said"),
    [
        ("pick a", ALL, "annotate.hop_samples: 9 given", "--hop-samples: 9 given"),
        ("scan a", ["--shift"], "annotate.hop_samples: 9 given", "--shift: 9 given"),
        ("pick a", ALL, "annotate.filtered: false given; gpd", "--no-filter given; gpd"),
        ("pick a", ALL, "threshold of Q given; x", "--threshold of Q given; x"),
        ("pick a", ALL, "x; give weights.path", "x; give --weights"),
        ("catalog a", ALL, "velocity.table.vp_vs: 1.0 given", "--vp-vs: 1.0 given"),
        ("catalog a", ALL, "give velocity.vp_vs (--vp-vs)", "give velocity.vp_vs (--vp-vs)"),
        ("catalog a", ALL, "cannot read my/velocity.table: x", "cannot read my/velocity.table: x"),
        # typed as a key
        (
            "catalog a --set locate.depth_km=x",
            ["--depth"],
            "--set: locate.depth_km: 'x' given",
            "--set: locate.depth_km: 'x' given",
        ),
        (
            "catalog a --set velocity.vp_vs=1",
            ALL,
            "--set: 'velocity.vp_vs=1' given",
            "--set: 'velocity.vp_vs=1' given",
        ),
        # a run's configuration may hold it
        ("relocate a", ALL, "velocity.table: none", "velocity.table: none"),
        ("relocate a --velocity b", ALL, "velocity.table: none", "--velocity: none"),
        ("relocate a --velocity=b", ALL, "velocity.table: none", "--velocity: none"),
        ("run mine", ["--cores"], "annotate.hop_samples: 9 given", "annotate.hop_samples: 9 given"),
    ],
)
def test_as_typed(words: str, options: list[str], message: str, said: str) -> None:
    assert as_typed(message, words.split(), options) == said


def test_the_program_says_it_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise ConfigError("annotate.hop_samples: 5000 given; at most 2500 for phasenet")

    monkeypatch.setattr("quakeline.waveforms.preparation.recordings.of_files", refuse)
    assert cli._code_of(["pick", "a.mseed", "-o", "b.csv", "--hop-samples", "5000"], []) == 2
    said = capsys.readouterr().err
    assert said == "quakeline: --hop-samples: 5000 given; at most 2500 for phasenet\n"


@pytest.mark.parametrize("depth", ["9,3", "3,3", "3", "a,b", "nan,3"])
def test_depths_are_refused_by_their_option(depth: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._code_of(["catalog", "a.csv", "b.csv", "-o", "c", "--depth", depth], []) == 2
    assert capsys.readouterr().err.startswith(f"quakeline: --depth: {depth!r} given; allowed: SH")

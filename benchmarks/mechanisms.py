"""Focal mechanisms against HASH and against the truth: `python -m benchmarks.mechanisms`.

`northridge`: HASH's examples of Northridge 1994 with rays that its phase file states, ten draws of
their errors; Kagan angles to HASH's own output, of which the medians over the draws are kept.
`spheres`: known mechanisms, polarities at random rays that are known to 3 degrees, some of them
wrong, angles to the truth and how often it is within the stated error of both planes together.
`explosions`: all polarities up, how many come out as double couples of quality A or B.
`networks`: records with an analyst's P; polarities of the mirrored trace, and where the pick moves.

`northridge` and `networks` read what QUAKELINE_SHARED names, and are left out without it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import arguments, finish, timed
from quakeline.events.mechanisms import first_motions, hash_files, quality, reference, rotations
from quakeline.events.mechanisms.launching import Stated
from quakeline.events.mechanisms.mechanisms import Found, Rules, of_events
from quakeline.events.mechanisms.search import Rays, amplitudes, one_sided, solved
from quakeline.models import polarity, polarity_cards

DRAWS, SPHERES, EXPLOSIONS = 10, 60, 60
RAY_SIGMA_DEG, TRIALS = 3.0, 30
COUNTS, WRONG = (8, 15, 30, 60), (0.0, 0.1, 0.2)
#: Error of the picks of the records, and by how much they are moved, in seconds.
PICK_SIGMA_S, SHIFTS_S = 0.05, (-0.05, -0.03, 0.03, 0.05)
NETWORKS = {
    "pnsn-polar": ["pnsn_polar.onnx"],
    "PolarCAP": ["PolarCAP.h5"],
    "DiTingMotion": ["DiTingMotionJul.onnx"],
    "all three": ["pnsn_polar.onnx", "PolarCAP.h5", "DiTingMotionJul.onnx"],
}


def northridge(shared: Path, draws: int) -> dict[str, Any]:
    """Medians over draws of the rays' errors of what each draw gives."""
    data = shared / "data/hash_northridge"
    groups = [[event] for event in hash_files.phases(data / "north1.phase")]
    turned = hash_files.reversals(data / "scsn.reverse")
    theirs = reference.read(data / "example1.out")
    rows, found = [], []
    for seed in range(draws):
        made: list[Found] = []
        took = timed(lambda: made.append(of_events(groups, Stated(), turned, Rules(seed=seed))))  # noqa: B023
        found.append(made[0].mechanisms)
        one = reference.compared(made[0].mechanisms, theirs, 2.0).summary()
        rows.append({**one, "cpu_s": took["cpu_s"] / len(groups)})
    table = pd.DataFrame(rows)
    apart = [
        float(np.median(reference.compared(a, _as_reference(b), 2.0).pairs["kagan_deg"]))
        for a, b in itertools.pairwise(found)
    ]
    return {
        "events": len(groups),
        "draws": draws,
        "median_deg": _rounded(table["median_deg"].median()),
        "median_of_draws_deg": [
            _rounded(table["median_deg"].min()),
            _rounded(table["median_deg"].max()),
        ],
        "p90_deg": _rounded(table["p90_deg"].median()),
        "p90_of_draws_deg": [_rounded(table["p90_deg"].min()), _rounded(table["p90_deg"].max())],
        "within_sigma": _rounded(table["within_sigma"].median(), 2),
        "two_draws_median_deg": _rounded(np.median(apart)) if apart else None,
        "cpu_s_per_event": _rounded(table["cpu_s"].median(), 3),
    }


def _as_reference(mechanisms: pd.DataFrame) -> pd.DataFrame:
    own = mechanisms.rename(columns={f"{n}_1_deg": n for n in ("strike", "dip", "rake")})
    return pd.DataFrame(own[list(reference.COLUMNS)])


def random_mechanism(rng: np.random.Generator) -> np.ndarray:
    """A frame (3, 3), all orientations being equally likely."""
    strike, rake = rng.uniform(0, 360, 1), rng.uniform(-180, 180, 1)
    dip = np.degrees(np.arccos(rng.uniform(0, 1, 1)))
    return np.asarray(rotations.frames(strike, dip, rake)[0])


def rays_of(truth: np.ndarray, rng: np.random.Generator, count: int, wrong: float) -> Rays:
    """Polarities at random rays, a part turned round; trials know the rays to some degrees."""
    azimuth = rng.uniform(0, 360, count)
    takeoff = np.degrees(np.arccos(rng.uniform(-0.9, 0.9, count)))
    wave = amplitudes(rotations.moments(truth[None]), azimuth, takeoff)[0]
    signs = np.where(wave > 0, 1, -1)
    signs[rng.permutation(count)[: round(wrong * count)]] *= -1
    moved = rng.normal(scale=RAY_SIGMA_DEG, size=(2, TRIALS, count))
    moved[:, 0] = 0.0
    return Rays(azimuth + moved[0], np.clip(takeoff + moved[1], 0, 180), signs, np.ones(count))


def spheres(count: int, wrong: float, number: int) -> dict[str, Any]:
    """Angles to the truth, stated errors, and quality, of known mechanisms."""
    rng = np.random.default_rng([count, round(100 * wrong)])
    apart, stated, good, refused = [], [], 0, 0
    for _ in range(number):
        truth = random_mechanism(rng)
        rays = rays_of(truth, rng, count, wrong)
        found = solved(rays)
        apart.append(float(rotations.angles(found.frame[None], truth)[0]))
        stated.append(float(np.hypot(*found.sigmas_deg)))
        good += quality.letter(found, quality.fit_of(rays, found)) in "AB"
        refused += one_sided(rays, found)
    angles, errors = np.array(apart), np.array(stated)
    return {
        "mechanisms": number,
        "median_deg": _rounded(np.median(angles)),
        "p90_deg": _rounded(np.quantile(angles, 0.9)),
        "stated_deg": _rounded(np.median(errors)),
        "within_sigma": _rounded((angles <= errors).mean(), 2),
        "quality_a_or_b": _rounded(good / number, 2),
        "taken_for_explosions": _rounded(refused / number, 2),
    }


def explosions(count: int, wrong: float, number: int) -> dict[str, Any]:
    """Qualities of what polarities give that are up but for a part that is wrong."""
    rng = np.random.default_rng([count, round(100 * wrong)])
    letters = []
    for _ in range(number):
        rays = rays_of(random_mechanism(rng), rng, count, 0.0)
        signs = np.ones(count, dtype=int)
        signs[rng.permutation(count)[: round(wrong * count)]] = -1
        up = Rays(rays.azimuth, rays.takeoff, signs, rays.weight)
        found = solved(up)
        letter = quality.letter(found, quality.fit_of(up, found))
        letters.append("one-sided" if one_sided(up, found) else letter)
    return {
        "events": number,
        **{letter: letters.count(letter) for letter in (*"ABCD", "one-sided")},
    }


def networks(shared: Path, files: list[str]) -> dict[str, Any]:
    """What networks tell of records, of their mirror images, and where the pick moves."""
    opened = [polarity.opened(shared / "weights/polarity" / name) for name in files]
    data = np.load(shared / "data/ncedc_mini24.npz")
    waves = data["waveforms_i2"][:, str(data["component_order"][()]).index("Z")].astype(np.float32)
    onsets = data["p_index"].tolist()
    rules = first_motions.FirstMotionRules()

    def told(sign: int = 1, shift_s: float = 0.0) -> np.ndarray:
        shift, valid = round(shift_s * polarity_cards.RATE_HZ), np.ones(waves.shape[1], dtype=bool)
        pairs = zip(waves, onsets, strict=True)
        return np.array(
            [
                first_motions.first_motion(
                    sign * wave, valid, onset + shift, PICK_SIGMA_S, opened, rules
                ).polarity
                for wave, onset in pairs
            ]
        )

    plain = told()
    known = plain != 0
    moved = [told(shift_s=shift)[known] for shift in SHIFTS_S]
    own = plain[known]
    return {
        "records": len(waves),
        "told": int(known.sum()),
        "opposite_when_mirrored": _share(told(sign=-1)[known] == -own),
        "same_when_moved": _share(np.concatenate([one == own for one in moved])),
        "turned_when_moved": _share(np.concatenate([one == -own for one in moved])),
    }


def _share(good: np.ndarray) -> float | None:
    return _rounded(good.mean(), 3) if len(good) else None


def _rounded(value: Any, digits: int = 1) -> float:
    return round(float(value), digits)


def main() -> None:
    """Measure all cases, or those that `--only` names."""
    given = arguments(__doc__)
    few = 4 if given.quick else 1
    named = os.environ.get("QUAKELINE_SHARED", "")
    shared = Path(named) if named else None
    cases: list[tuple[str, Callable[[], dict[str, Any]]]] = []
    if shared is not None:
        cases.append(("northridge", lambda: northridge(shared, max(DRAWS // few, 2))))
        for name, files in NETWORKS.items():
            cases.append((f"networks {name}", lambda files=files: networks(shared, files)))  # type: ignore[misc]
    for count in COUNTS:
        for wrong in WRONG:
            name = f"spheres {count} polarities, {100 * wrong:.0f} % wrong"
            cases.append(
                (name, lambda c=count, w=wrong: spheres(c, w, SPHERES // few))  # type: ignore[misc]
            )
        for wrong in WRONG[:2]:
            name = f"explosions {count} polarities, {100 * wrong:.0f} % wrong"
            cases.append(
                (name, lambda c=count, w=wrong: explosions(c, w, EXPLOSIONS // few))  # type: ignore[misc]
            )
    rows: list[dict[str, Any]] = []
    for name, work in cases:
        if given.only in name:
            rows.append({"case": name, **work()})
            finish("mechanisms", rows, given.quick, given.only)


if __name__ == "__main__":
    main()

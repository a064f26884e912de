"""First motions of P arrivals from waveforms, by one or several networks.

A network's answer on a single window often changes with the sign of the trace, or when the onset
moves by some hundredths of a second. So onsets are looked for once more around each pick, where the
trace changes most (Akaike's criterion: Maeda, N., 1985, A method for reading and checking phase
times in auto-processing system of seismic wave data, Zisin 38, 365-379), and networks are asked at
several shifts within the error that is left, for the trace and for its mirror image, whose answer
must be the opposite; the mean counts. Several networks must agree. Whatever is not sure stays
unknown, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import POLARITIES
from quakeline.core.timeline import SECOND, first_sample
from quakeline.io.products import stores, tables
from quakeline.models.polarity import DOWN, UNKNOWN, UP, PolarityNetwork
from quakeline.models.polarity_cards import RATE_HZ

_CODES = ["network", "station", "location", "instrument"]
_NAMES = ["event_id", "pick_id", "network", "station", "location"]
#: Shifts of the onset, in its standard deviations.
_SHIFTS = np.linspace(-1.5, 1.5, 7)
#: Onsets lie so many standard deviations of the pick from it, at most, and their own one, seconds.
_SEARCHED, _ONSET_SIGMA_S = 2.0, 0.02
#: Samples on each side of an onset that its criterion needs, and least share of the variance.
_FEWEST, _FLOOR = 3, 1e-6
#: Noise is measured so long before the onset, signal so long after it, in seconds.
_NOISE_S, _SIGNAL_S, _GUARD_S = 2.0, 0.5, 0.1


@dataclass(frozen=True)
class FirstMotionRules:
    """When a polarity is told.

    `min_probability` of the answer, the mean of the networks; `min_snr`, ratio of the root mean
    squares after and before the pick; `sigma_s`, the least and largest error of a pick.
    """

    min_probability: float = 0.7
    min_snr: float = 3.0
    sigma_s: tuple[float, float] = (0.075, 0.1)


@dataclass(frozen=True)
class FirstMotion:
    """1 for up, -1 for down, 0 for unknown with the reason; `probability` of the answer."""

    polarity: int
    probability: float
    reason: Reason | None = None


def reach_s(networks: Sequence[PolarityNetwork], rules: FirstMotionRules) -> tuple[float, float]:
    """Seconds before and after an onset that the networks and the noise need."""
    moved = _SEARCHED * rules.sigma_s[1] + _SHIFTS.max() * _ONSET_SIGMA_S + 0.02
    before = max(network.card.onset for network in networks) / RATE_HZ
    after = max(network.card.samples - network.card.onset for network in networks) / RATE_HZ
    return max(before, _NOISE_S) + moved, max(after, _SIGNAL_S) + moved


def first_motion(
    motion: np.ndarray,
    valid: np.ndarray,
    onset: int,
    sigma_s: float,
    networks: Sequence[PolarityNetwork],
    rules: FirstMotionRules,
) -> FirstMotion:
    """The first motion of one arrival.

    Parameters
    ----------
    motion
        The vertical component at 100 Hz, up positive, shape (n,), as long as `reach_s` says.
    valid
        Whether samples are real, (n,): not in a gap and not clipped.
    onset
        Sample of the arrival.
    sigma_s
        Its standard deviation in seconds; NaN where it is not known.
    networks
        All must give the same answer.
    """
    before, after = (round(seconds * RATE_HZ) for seconds in reach_s(networks, rules))
    here = slice(onset - before, onset + after)
    if here.start < 0 or here.stop > len(motion) or not valid[here].all():
        return FirstMotion(0, np.nan, Reason.of(Code.ONSET_SPOILT))
    ratio = _snr(motion, onset)
    if ratio < rules.min_snr:
        weak = Reason.of(Code.WEAK_ONSET, snr=round(ratio, 1), needed=rules.min_snr)
        return FirstMotion(0, np.nan, weak)
    sigma = float(np.clip(np.nan_to_num(sigma_s, nan=rules.sigma_s[1]), *rules.sigma_s))
    exact = onset_near(motion, onset, round(_SEARCHED * sigma * RATE_HZ))
    answers = np.array([_answer(motion, exact, network) for network in networks])
    said = answers.argmax(axis=1)
    if {UP, DOWN} <= set(said.tolist()):
        return FirstMotion(0, np.nan, Reason.of(Code.NETWORKS_DISAGREE))
    probability = float(answers[:, said[0]].mean())
    if UNKNOWN in said or probability < rules.min_probability:
        return FirstMotion(0, probability, Reason.of(Code.POLARITY_UNSURE))
    return FirstMotion(1 if said[0] == UP else -1, probability)


def of_arrivals(
    arrivals: pd.DataFrame,
    store_at: Callable[[int], Any | None],
    networks: Sequence[PolarityNetwork],
    rules: FirstMotionRules,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Rows of POLARITIES, one for each P arrival of instruments.

    Parameters
    ----------
    arrivals
        event_id, pick_id, phase, time, time_sigma_s and the codes of instruments; those of S and of
        fibres are left out.
    store_at
        Gives the store of waveforms in which a time lies, in ns, or None. Its vertical component
        is up positive, as the orientations of the StationXML say.
    progress
        Is called with the arrivals done and those of all.
    """
    own = arrivals[(arrivals["phase"] == "P") & (arrivals["source"] == "waveform")]
    rows = []
    for number, (_, arrival) in enumerate(own.iterrows(), start=1):
        motion = _of_arrival(arrival, store_at, networks, rules)
        known = motion.polarity != 0
        row = {name: arrival[name] for name in _NAMES} | {
            "polarity": motion.polarity,
            "probability": motion.probability,
            "weight": 2 * motion.probability - 1 if known else np.nan,
        }
        rows.append(row | cells("note", [motion.reason] if motion.reason else []))
        if progress:
            progress(number, len(own))
    return tables.typed(pd.DataFrame(rows, columns=POLARITIES.names), POLARITIES)


def _of_arrival(
    arrival: pd.Series,
    store_at: Callable[[int], Any | None],
    networks: Sequence[PolarityNetwork],
    rules: FirstMotionRules,
) -> FirstMotion:
    time = int(pd.Timestamp(arrival["time"]).value)
    store = store_at(time)
    label = ".".join(str(arrival[name]) for name in _CODES)
    labels = [] if store is None else stores.labels_of(store, "instruments")
    if store is None or label not in labels or "Z" not in stores.labels_of(store, "components"):
        return FirstMotion(0, np.nan, Reason.of(Code.NO_WAVEFORMS))
    rate = stores.grid_of(store).rate_hz
    if rate != RATE_HZ:
        return FirstMotion(0, np.nan, Reason.of(Code.NOT_100_HZ, rate_hz=rate))
    before, after = (round(seconds * rate) + 1 for seconds in reach_s(networks, rules))
    onset = first_sample(time - round(0.5 * SECOND / rate), rate)
    begin = onset - before - stores.grid_of(store).start_sample
    data, valid = stores.window(store, labels.index(label), begin, begin + before + after)
    row = stores.labels_of(store, "components").index("Z")
    sigma = arrival["time_sigma_s"]
    sigma_s = float("nan") if pd.isna(sigma) else float(sigma)
    motion, good = np.asarray(data[row]), np.asarray(valid[row])
    return first_motion(motion, good, before, sigma_s, networks, rules)


def _snr(motion: np.ndarray, onset: int) -> float:
    """Root mean square of half a second after an onset over that of two seconds before it."""
    noise, signal, guard = (round(seconds * RATE_HZ) for seconds in (_NOISE_S, _SIGNAL_S, _GUARD_S))
    before, after = motion[onset - noise : onset - guard], motion[onset : onset + signal]
    level = max(float(before.std()), 1e-12 * float(np.abs(motion).max()), 1e-300)
    return float(np.sqrt(np.mean((after - before.mean()) ** 2))) / level


def onset_near(motion: np.ndarray, pick: int, reach: int) -> int:
    """The sample within `reach` samples of a pick before and after which a trace differs most.

    It has the least k log var(before) + (n - k) log var(after) of the 2 `reach` samples around.
    """
    wave = motion[pick - reach : pick + reach].astype(float)
    wave = wave - wave.mean()
    count = np.arange(1, len(wave) + 1)
    variances = []
    for one in (wave, wave[::-1]):
        mean = np.cumsum(one) / count
        variances.append(np.cumsum(one**2) / count - mean**2)
    floor = max(_FLOOR * float(wave.var()), 1e-300)
    cut = np.arange(_FEWEST, len(wave) - _FEWEST)
    if not len(cut):
        return pick
    before = np.maximum(variances[0][cut - 1], floor)
    after = np.maximum(variances[1][len(wave) - cut - 1], floor)
    criterion = cut * np.log(before) + (len(wave) - cut) * np.log(after)
    return pick - reach + int(cut[criterion.argmin()])


def _answer(motion: np.ndarray, onset: int, network: PolarityNetwork) -> np.ndarray:
    """Mean probabilities of up, down and unknown, (3,), over shifts and the mirror image."""
    card = network.card
    steps = np.round(_SHIFTS * _ONSET_SIGMA_S * RATE_HZ).astype(int)
    begins = onset + steps - card.onset
    windows = np.stack([motion[begin : begin + card.samples] for begin in begins])
    direct = network.probabilities(windows)
    mirrored = network.probabilities(-windows)[:, [DOWN, UP, UNKNOWN]]
    chance = np.exp(-0.5 * _SHIFTS**2)
    both = (direct + mirrored) / 2
    return np.asarray((chance[:, None] * both).sum(axis=0) / chance.sum())

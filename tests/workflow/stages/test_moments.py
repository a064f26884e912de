"""Moment magnitudes of Brune sources whose moment is known."""

import numpy as np
import obspy
import pandas as pd
import pytest
from pydantic import ValidationError
from scenes import DEPTH_KM, ORIGIN_S, RATE, START, VP, VS, Scene
from workfolder import demo_like

from quakeline.core.errors import ConfigError
from quakeline.core.timeline import SECOND
from quakeline.events.magnitudes import brune
from quakeline.events.magnitudes.formulas import FORMULAS
from quakeline.signal import spectra, wood_anderson
from quakeline.workflow.stages import magnitude, measure

KM = (20.0, 40.0, 60.0)
#: Direction of motion on Z, N, E.
TOWARDS = {"P": np.array([0.8, 0.36, 0.48]), "S": np.array([0.48, 0.8, 0.36])}


class Source(Scene):
    """Pulses u(t) = level wc^2 t exp(-wc t) of P and S, by their transforms."""

    def __init__(self, mw, corner_hz=6.0, q=400.0, noise=1e-9, km=KM):
        super().__init__(km)
        rng = np.random.default_rng(11)
        self.data = noise * rng.normal(size=self.data.shape).astype("f4")
        moment = 10 ** (1.5 * mw + 9.1)
        for row, distance in enumerate(np.hypot(km, DEPTH_KM)):
            for phase, speed, pattern in (("P", VP, 4 / 15), ("S", VS, 2 / 5)):
                level = 2 * np.sqrt(pattern) * moment
                level /= 4 * np.pi * 2700 * (1000 * speed) ** 3 * 1000 * distance
                wave = self.pulse(level, corner_hz, distance / speed, distance / speed / q)
                self.data[row] += (TOWARDS[phase][:, None] * wave).astype("f4")

    def pulse(self, level, corner_hz, travel_s, t_star_s):
        """Ground velocity below the Nyquist frequency; attenuated without dispersion."""
        hertz = np.fft.rfftfreq(self.data.shape[-1], 1 / RATE)
        moved = level * 2j * np.pi * hertz / (1 + 1j * hertz / corner_hz) ** 2
        moved *= np.exp(-np.pi * hertz * t_star_s - 2j * np.pi * hertz * (ORIGIN_S + travel_s))
        return np.fft.irfft(moved * RATE, self.data.shape[-1])

    def mw(self, folder, **config):
        event, _ = self.run(folder, moment=config)
        return event


@pytest.mark.parametrize(
    ("mw", "corner_hz", "q"),
    [(1.0, 15.0, 400.0), (2.0, 8.0, 150.0), (3.0, 3.0, 400.0), (4.0, 1.5, 1000.0)],
)
def test_a_known_moment_is_recovered(tmp_path, mw, corner_hz, q):
    scene = Source(mw, corner_hz, q)
    event = scene.mw(tmp_path)
    assert event["mw"] == pytest.approx(mw, abs=0.1)
    assert (event["mw_stations"], pd.isna(event["mw_note"])) == (3, True)
    rows = scene.moments.dropna(subset=["magnitude"])
    assert rows["magnitude"].tolist() == pytest.approx([mw] * len(rows), abs=0.15)
    assert rows["moment_nm"].tolist() == pytest.approx(
        (10 ** (1.5 * rows["magnitude"] + 9.1)).tolist(), rel=1e-3
    )


def test_corner_and_attenuation_are_near_the_truth(tmp_path):
    scene = Source(3.0, 3.0, 400.0)
    scene.mw(tmp_path)
    of_s = scene.moments.xs("S", level="phase")
    assert of_s["corner_hz"].tolist() == pytest.approx([3.0] * 3, rel=0.25)
    truth = np.hypot(KM, DEPTH_KM) / VS / 400.0
    assert of_s["t_star_s"].tolist() == pytest.approx(truth.tolist(), abs=0.02)


def test_the_level_is_the_median_of_noisy_spectra():
    rng = np.random.default_rng(2)
    hertz = spectra.frequencies(19)[2:]
    truth = 1e-6 * np.exp(-np.pi * hertz * 0.03) / (1 + (hertz / 4.0) ** 2)
    found = []
    for _ in range(200):
        noisy = truth * 10 ** rng.normal(0, 0.1, len(truth))
        noisy[rng.integers(len(truth))] *= 10
        found.append(np.log10(brune.fit(hertz, noisy).level_m_s / 1e-6) / 1.5)
    assert abs(np.median(found)) < 0.03
    assert np.percentile(np.abs(found), 95) < 0.2


def test_reasons_and_no_magnitude_rather_than_a_wrong_one(tmp_path):
    scene = Source(3.0, 3.0, km=(20.0, 30.0, 40.0, 50.0, 60.0))
    scene.phases["S1"] = "P"
    second = round((ORIGIN_S + np.hypot(40, DEPTH_KM) / VS + 1.0) * RATE)
    scene.valid[2, 0, second] = False
    scene.clipped = {scene.labels[3]: [[START // SECOND * RATE + second + 300] * 2]}
    scene.clipped[scene.labels[3]][0][1] += 2
    scene.units[scene.labels[4]] = "counts"
    event = scene.mw(tmp_path, phases=["S"])
    why = scene.moments["reason"].droplevel("phase")
    assert pd.isna(why["S0"])
    assert why["S1"] == "S not picked"
    assert why["S2"].startswith("gap or clipped")
    assert why["S3"].startswith("gap or clipped")
    assert why["S4"] == "no instrument response"
    assert np.isnan(event["mw"])
    assert event["mw_note"].startswith("1 of 2 stations needed; ")


def test_a_p_window_must_not_hold_s(tmp_path):
    scene = Source(3.0)
    scene.mw(tmp_path)
    assert scene.moments.loc[("S0", "P"), "reason"] == "S in the P window"
    assert scene.moments.loc[("S2", "P"), "magnitude"] == pytest.approx(3.0, abs=0.15)


class Rjob(Scene):
    """A local event at BW.RJOB, 2009-08-24, that ships with obspy, as far as S minus P says."""

    def __init__(self, seconds):
        far = S_AFTER_P_S / (1 / VS - 1 / VP)
        super().__init__([float(np.sqrt(far**2 - DEPTH_KM**2))])
        self.measuring = measure.Config(spectrum_s=seconds)
        begin = round((ORIGIN_S + far / VP - P_AT_S) * RATE)
        self.data[:], self.valid[:] = 0, False
        stream = obspy.read().remove_response(output="VEL", pre_filt=(0.1, 0.2, 40, 45))
        for row, letter in enumerate("ZNE"):
            (trace,) = stream.select(component=letter)
            self.data[0, row, begin : begin + len(trace)] = trace.data
            self.valid[0, row, begin : begin + len(trace)] = True


P_AT_S, S_AFTER_P_S = 4.74, 1.62


def test_a_real_event_has_a_moment_that_goes_with_its_local_magnitude(tmp_path):
    scene = Rjob(3.0)
    event, _ = scene.run(tmp_path, moment={}, min_stations=1)
    assert scene.moments.loc[("S0", "P"), "reason"] == "S in the P window"
    row = scene.moments.loc[("S0", "S")]
    assert pd.isna(row["reason"])
    assert row["misfit"] < 0.1
    taps = wood_anderson.kernel(RATE, "m/s")
    peaks = np.abs(wood_anderson.simulate(scene.data[0, 1:], taps, RATE)).max(axis=1)
    amplitude = np.exp(np.log(peaks).mean())
    local = FORMULAS["hutton_boore_1987"].magnitude(amplitude, row["distance_km"])
    # Goertz-Allmann et al. (2011), Bull. Seism. Soc. Am. 101, 3029-3038, below ML 2.
    assert abs(event["mw"] - (0.594 * local + 0.985)) < 0.4
    event, _ = Rjob(7.0).run(tmp_path, moment={"phases": ["S"]}, min_stations=1)
    assert event["mw_note"] == "no noise before the onset to compare with (1)"


def test_noise_and_large_events_have_no_moment(tmp_path):
    weak = Source(0.0, 20.0, noise=1e-7)
    assert (
        weak.mw(tmp_path, phases=["S"])["mw_note"] == "too little of the band above the noise (3)"
    )
    large = Source(6.0, 0.2)
    event = large.mw(tmp_path)
    assert np.isnan(event["mw"])
    of_s = large.moments["reason"].xs("S", level="phase")
    assert of_s.str.startswith("no low-frequency level").all()


def test_far_stations_do_not_count(tmp_path):
    event = Source(3.0).mw(tmp_path, distance_km=(0, 30))
    assert "outside of 0 to 30 km (2)" in event["mw_note"]


def test_no_moment_unless_asked_for(tmp_path):
    scene = Source(3.0)
    event, _ = scene.run(tmp_path)
    assert pd.isna(event["mw"])
    assert pd.isna(event["mw_note"])
    assert scene.moments.empty


def test_spectra_are_those_of_the_pulse():
    """A sine's energy stands at its frequency, a pulse's level is its area; units are equal."""
    times = np.arange(500) / RATE
    pulse = np.exp(-(((times - 2.5) / 0.1) ** 2))
    area = np.sqrt(np.pi) * 0.1
    hertz = spectra.frequencies(spectra.count(RATE))
    expected = area * np.exp(-((np.pi * hertz * 0.1) ** 2))
    low = hertz < 4
    for units, motion in (
        ("m", pulse),
        ("m/s", np.gradient(pulse, 1 / RATE)),
        ("m/s2", np.gradient(np.gradient(pulse, 1 / RATE), 1 / RATE)),
    ):
        found = spectra.displacement(motion[None], RATE, units)[0]
        at = low & (hertz >= (1.0 if units == "m" else 0.5))
        np.testing.assert_allclose(found[at], expected[at], rtol=0.05)


def test_the_band_must_be_what_the_filter_keeps():
    overlay = {"prepare": {"response": {"pre_filter_hz": [0.5, 1, 40, 45]}}}
    with pytest.raises(ConfigError, match=r"magnitude.moment.band_hz: \[0.5, 20.0\] given"):
        demo_like({**overlay, "magnitude": {"moment": {}}})
    demo_like({**overlay, "magnitude": {"moment": {"band_hz": [1, 20]}}})
    with pytest.raises(ValidationError):
        magnitude.Config(moment={"band_hz": (20, 1)})

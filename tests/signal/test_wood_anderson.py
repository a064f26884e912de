"""The Wood-Anderson seismograph: against obspy on a real event, and against its own equation."""

import numpy as np
import obspy
import pytest

from quakeline.signal import wood_anderson

RATE = 100.0
#: Velocity to deflection in m: h 0.7, T 0.8 s, magnification 2080 (IASPEI).
PAZ = {
    "poles": [-5.49779 - 5.60886j, -5.49779 + 5.60886j],
    "zeros": [0j],
    "gain": 1.0,
    "sensitivity": 2080.0,
}


@pytest.mark.parametrize("component", "ZNE")
def test_a_real_event_is_what_obspy_simulates(component):
    """BW.RJOB, 2009-08-24; `pitsasim` would draw a line through the ends."""
    trace = obspy.read().select(component=component)[0]
    trace.detrend("demean").taper(0.05)
    trace.remove_response(obspy.read_inventory(), output="VEL", pre_filt=(0.2, 0.5, 40, 48))
    deflection = wood_anderson.simulate(trace.data, wood_anderson.kernel(RATE, "m/s"), RATE)
    simulated = trace.copy().simulate(
        paz_simulate=PAZ, zero_mean=False, taper=False, pitsasim=False
    )
    expected = simulated.data * 1000
    top = np.abs(expected).max()
    assert np.abs(deflection).max() == pytest.approx(top, rel=0.005)
    assert np.abs(deflection - expected)[500:2500].max() < 0.01 * top


@pytest.mark.parametrize("units", wood_anderson.ORDERS)
@pytest.mark.parametrize("hz", [0.7, 2.0, 5.0, 12.0])
def test_a_steady_wave_of_a_micrometre_has_the_amplitude_of_the_equation(units, hz):
    """|W/U| = 2080 w^2 / sqrt((w0^2 - w^2)^2 + (2 h w0 w)^2), worked out by itself."""
    w, w0 = 2 * np.pi * hz, 2 * np.pi / 0.8
    expected_mm = 1e-3 * 2080 * w**2 / np.hypot(w0**2 - w**2, 2 * 0.7 * w0 * w)
    times = np.arange(0, 20, 1 / RATE)
    motion = 1e-6 * w ** wood_anderson.ORDERS[units] * np.sin(w * times)
    deflection = wood_anderson.simulate(motion, wood_anderson.kernel(RATE, units), RATE)
    found = wood_anderson.peak_of(deflection[None, 800:1200])[0]
    assert found == pytest.approx(expected_mm, rel=0.01)


def test_nothing_is_remembered_beyond_the_reach():
    motion = np.zeros(2000)
    motion[1000] = 1e-6
    deflection = wood_anderson.simulate(motion, wood_anderson.kernel(RATE, "m/s"), RATE)
    ahead, memory = wood_anderson.reach(RATE)
    moved = np.flatnonzero(np.abs(deflection) > 1e-12 * np.abs(deflection).max())
    assert 1000 - ahead <= moved[0]
    assert moved[-1] <= 1000 + memory
    assert np.abs(deflection[1000 + memory - 5 :]).max() < 1e-3 * np.abs(deflection).max()


def test_the_peak_lies_between_samples():
    times = np.arange(0, 1, 1 / RATE)
    wave = np.sin(2 * np.pi * 10 * (times - 0.0037))
    assert np.abs(wave).max() < 0.999
    assert wood_anderson.peak_of(wave[None])[0] == pytest.approx(1.0, abs=0.005)
    assert wood_anderson.peak_of(-3 * wave[None])[0] == pytest.approx(3.0, abs=0.015)
    assert wood_anderson.peak_of(np.zeros((2, 9))).tolist() == [0, 0]

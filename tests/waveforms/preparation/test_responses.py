"""The responses of real instruments, against obspy."""

import copy

import numpy as np
import obspy
import pytest
from recordings import OBSPY

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND
from quakeline.signal.segments import Segment
from quakeline.waveforms.preparation.responses import Responses
from quakeline.waveforms.preparation.sensors import Sensor, Unusable
from quakeline.waveforms.preparation.settings import Response

#: Sensors of different kinds: file, rate in Hz, kind.
REAL = {
    "RJOB: poles and zeros, FIR": (None, 100.0),
    "CRLZ: FIR stages, RESP": ("signal/tests/data/RESP.NZ.CRLZ.10.HHZ", 100.0),
    "NMIA0: accelerometer, RESP": ("io/xseed/tests/data/RESP.JM.NMIA0.00.HHN", 100.0),
    "ANMO: coefficients, StationXML": ("core/tests/data/IU_ANMO_00_BHZ.xml", 20.0),
    "HRV: poles and zeros alone": ("io/xseed/tests/data/RESP.HRV.IU.00.BHZ_cropped", 20.0),
    "IL31: list of values": ("core/tests/data/IM_IL31__BHZ.xml", 40.0),
    "BACU: dataless SEED": ("io/xseed/tests/data/UP_BACU_HH.dataless", 100.0),
    "BOJS: nm/s": ("core/tests/data/SL_BOJS_LHZ.xml", 1.0),
}
CODES = {"displacement": "DISP", "velocity": "VEL", "acceleration": "ACC"}


def inventory_of(name):
    """An inventory with one channel: the first of a file."""
    path, rate = REAL[name]
    if path is None:
        return obspy.read_inventory().select(station="RJOB", channel="EHZ"), rate
    return obspy.read_inventory(str(OBSPY / path)), rate


def first(inventory):
    """Codes, channel and a time in ns inside the first epoch of an inventory."""
    channel = inventory[0][0][0]
    codes = (inventory[0].code, inventory[0][0].code, channel.location_code, channel.code)
    return codes, channel, channel.start_date.ns + 86_400 * SECOND


def counts(n):
    """Red noise with the real recording of an event in the middle."""
    rng = np.random.default_rng(1)
    samples = rng.normal(size=n).cumsum() * 3 + rng.normal(size=n) * 10 + 500
    samples[n // 2 : n // 2 + 3000] += obspy.read().select(channel="EHZ")[0].data
    return samples.round()


def obspys(samples, rate, response, **options):
    trace = obspy.Trace(samples.copy(), {"sampling_rate": rate})
    trace.stats.response = response
    return trace.remove_response(**options).data


def removed(inventory, samples, rate, to_hz=None, **settings):
    codes, _, start_ns = first(inventory)
    responses = Responses(inventory, Response(**settings))
    start_ns = start_ns // SECOND * SECOND
    segments = [Segment(start_ns, rate, samples)]
    ((_, values),), notes = responses.on_grid(codes, segments, to_hz or rate)
    return values, notes


@pytest.mark.parametrize("output", list(CODES))
@pytest.mark.parametrize("name", list(REAL))
def test_whole_segments_are_those_of_obspy(name, output):
    inventory, rate = inventory_of(name)
    n = 20_000
    for level, share in (
        (60.0, None),
        (60.0, (0.001, 0.01, 0.35, 0.45)),
        (None, (0.02, 0.1, 0.3, 0.4)),
    ):
        band = share and tuple(part * rate for part in share)
        options = {"water_level": level, "pre_filt": band, "taper_fraction": 0.1}
        _, channel, _ = first(inventory)
        expected = obspys(counts(n), rate, channel.response, output=CODES[output], **options)
        found, _ = removed(
            inventory, counts(n), rate, output=output, water_level_db=level, pre_filter_hz=band,
            reach_s=None, taper_s=0.05 * n / rate,
        )  # fmt: skip
        inner = slice(n // 10, -n // 10)
        difference = np.abs(found - expected)[inner].max()
        assert difference < 1e-6 * np.abs(expected[inner]).max(), (level, band)


def test_many_frequencies_come_from_a_spline():
    inventory, rate = inventory_of("CRLZ: FIR stages, RESP")
    n, band = 260_000, (0.05, 0.1, 40.0, 45.0)
    _, channel, _ = first(inventory)
    options = {"water_level": 60.0, "pre_filt": band, "taper_fraction": 0.1, "output": "VEL"}
    expected = obspys(counts(n), rate, channel.response, **options)
    found, _ = removed(
        inventory, counts(n), rate, pre_filter_hz=band, reach_s=None, taper_s=0.05 * n / rate
    )
    assert np.abs(found - expected).max() < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["RJOB: poles and zeros, FIR", "CRLZ: FIR stages, RESP"])
@pytest.mark.parametrize(("reach", "most"), [(20.0, 1e-5), (60.0, 1e-6)])
def test_the_local_filter_is_that_of_obspy_in_a_smooth_band(name, reach, most):
    inventory, rate = inventory_of(name)
    n, band = 60_000, (0.5, 2.0, 30.0, 40.0)
    _, channel, _ = first(inventory)
    options = {"water_level": 60.0, "pre_filt": band, "taper_fraction": 0.1, "output": "VEL"}
    expected = obspys(counts(n), rate, channel.response, **options)
    found, _ = removed(inventory, counts(n), rate, pre_filter_hz=band, reach_s=reach)
    inner = slice(n // 5, -n // 5)
    difference = np.abs(found - expected)[inner].max()
    assert difference < most * np.abs(expected[inner]).max()


@pytest.mark.parametrize("rate", [200.0, 128.0, 80.0, 100.3])  # 1/2, 25/32, 5/4, no simple ratio
def test_both_methods_resample_alike(rate):
    inventory, _ = inventory_of("RJOB: poles and zeros, FIR")
    n, band = 60_000, (0.5, 2.0, 25.0, 35.0)
    local, _ = removed(inventory, counts(n), rate, 100.0, pre_filter_hz=band)
    whole, _ = removed(
        inventory, counts(n), rate, 100.0, pre_filter_hz=band, reach_s=None, taper_s=20
    )
    assert len(local) == len(whole)
    assert len(local) == pytest.approx(n * 100 / rate, abs=1)
    inner = slice(5000, -5000)
    assert np.abs(local - whole)[inner].max() < 1e-5 * np.abs(whole[inner]).max()


def test_a_longer_reach_keeps_slower_motion():
    inventory, rate = inventory_of("HRV: poles and zeros alone")
    n = 20 * 1800
    samples = 1e5 * np.sin(2 * np.pi * 0.03 * np.arange(n) / rate)
    short, _ = removed(inventory, samples, rate)
    long, _ = removed(inventory, samples, rate, reach_s=200.0)
    _, channel, _ = first(inventory)
    gain = abs(Sensor.of(channel.response).evaluated(np.array([0.03]), "velocity")[0])
    inner = slice(n // 3, -n // 3)
    assert np.abs(long[inner]).max() * gain == pytest.approx(1e5, rel=0.01)
    assert np.abs(short[inner]).max() * gain < 5e3


def test_a_polynomial_of_a_real_gauge():
    inventory = obspy.read_inventory(str(OBSPY / "core/tests/data/polynomial_response.xml"))
    samples = counts(20_000)
    _, channel, _ = first(inventory)
    expected = obspys(samples, 1.0, channel.response)
    found, notes = removed(
        inventory, samples, 1.0, output="displacement", reach_s=None, taper_s=500
    )
    inner = slice(600, -600)
    found, expected = (wave[inner] - wave[inner].mean() for wave in (found, expected))
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
    assert notes == [Reason.of(Code.RESPONSE_POLYNOMIAL)]


def test_a_total_sensitivity_alone_is_a_flat_response():
    path = OBSPY / "io/stationxml/tests/data/stationxml_with_availability.xml"
    inventory = obspy.read_inventory(str(path))
    _, channel, _ = first(inventory)
    assert not channel.response.response_stages
    samples = counts(40_000)
    found, notes = removed(inventory, samples, 20.0, pre_filter_hz=(0.5, 2.0, 7.0, 9.0))
    assert notes == [Reason.of(Code.RESPONSE_FLAT)]
    flat = obspys(
        samples / channel.response.instrument_sensitivity.value,
        20.0,
        obspy.core.inventory.Response.from_paz([], [], 1.0, input_units="M/S"),
        output="VEL", water_level=None, pre_filt=(0.5, 2.0, 7.0, 9.0),
    )  # fmt: skip
    inner = slice(5000, -5000)
    assert np.abs(found - flat)[inner].max() < 1e-5 * np.abs(flat[inner]).max()
    band = (0.2, 0.5, 1.0, 2.0)
    displacement, _ = removed(inventory, samples, 20.0, output="displacement", pre_filter_hz=band)
    velocity, _ = removed(inventory, samples, 20.0, pre_filter_hz=band)
    difference = np.gradient(displacement) * 20 - velocity
    assert np.abs(difference[inner]).max() < 0.1 * np.abs(velocity[inner]).max()


@pytest.mark.parametrize(
    ("unit", "order", "per_metre"),
    [
        ("M", 0, 1.0), ("nm", 0, 1e9), ("M/S", 1, 1.0), ("nm/sec", 1, 1e9), ("CM/SEC**2", 2, 1e2),
        ("m/s/s", 2, 1.0), ("M/(S**2)", 2, 1.0), ("um/s", 1, 1e6), ("mm/s^2", 2, 1e3),
        ("M/S2", 2, 1.0), ("cm/s2", 2, 1e2), ("m/s²", 2, 1.0), ("M/S/S", 2, 1.0),
    ],
)  # fmt: skip
def test_units_of_motion(unit, order, per_metre):
    """Also those which obspy takes for no motion, and would leave as they are."""
    paz = obspy.core.inventory.Response.from_paz([0], [-6.28], 5.0, input_units=unit)
    sensor = Sensor.of(paz)
    assert (sensor.order, sensor.per_metre) == (order, per_metre)
    metres = obspy.core.inventory.Response.from_paz(
        [0], [-6.28], 5.0, input_units=("M", "M/S", "M/S**2")[order]
    )
    at = np.array([0.5, 3.0])
    expected = metres.get_evalresp_response_for_frequencies(at, output="VEL") * per_metre
    assert sensor.evaluated(at, "velocity") == pytest.approx(expected)


@pytest.mark.parametrize("unit", ["PA", "V", "M/M", "M**3/M**3", "RAD/S", "C", "MS"])
def test_anything_else_is_no_motion(unit):
    paz = obspy.core.inventory.Response.from_paz([0], [-6.28], 5.0, input_units=unit)
    with pytest.raises(Unusable, match=r"no ground motion|neither stages"):
        Sensor.of(paz)


def test_a_sensitivity_that_is_not_that_of_the_stages_is_reported():
    path = OBSPY / "core/tests/data/TM.SKLT.__.BHZ_faulty_response.xml"
    wrong, _ = inventory_of("RJOB: poles and zeros, FIR")
    wrong = copy.deepcopy(wrong)
    assert removed(wrong, counts(9000), 100.0)[1] == []
    wrong[0][0][0].response.instrument_sensitivity.value *= 1.2
    _, (note,) = removed(wrong, counts(9000), 100.0)
    assert note.code is Code.RESPONSE_GAINS_DIFFER
    faulty = obspy.read_inventory(str(path))[0][0][0].response
    sensor = Sensor.of(faulty)
    with pytest.raises(Unusable, match=r"cannot be evaluated|zero or not finite"):
        sensor.evaluated(np.array([1.0]), "velocity")


def test_a_gain_of_zero_is_reported_and_nothing_is_left():
    inventory, rate = inventory_of("RJOB: poles and zeros, FIR")
    broken = copy.deepcopy(inventory)
    broken[0][0][0].response.response_stages[1].stage_gain = 0.0
    codes, _, start_ns = first(broken)
    for settings in (Response(), Response(reach_s=None)):
        pieces, notes = Responses(broken, settings).on_grid(
            codes, [Segment(start_ns, rate, counts(9000))], rate
        )
        assert pieces == []
        assert len(notes) == 1
        assert "response" in str(notes[0])


def test_the_same_response_of_three_channels_is_designed_once():
    inventory = obspy.read_inventory().select(station="RJOB", channel="EH?", time="2010-01-01")
    digests = {Sensor.of(channel.response).digest for channel in inventory[0][0]}
    assert len(inventory[0][0]) == 3
    assert len(digests) == 1


def test_what_is_read_ahead_follows_the_reach():
    assert Response().read_ahead_s == 145.0
    assert Response(reach_s=100.0).read_ahead_s == 225.0
    assert Response(reach_s=None, taper_s=300.0).read_ahead_s == 425.0
    assert Response(reach_s=None, pre_filter_hz=(0.001, 0.01, 10, 20)).pre_filter_hz
    with pytest.raises(ValueError, match=r"four rising frequencies from 0\.01 Hz"):
        Response(reach_s=100.0, pre_filter_hz=(0.005, 0.1, 10, 20))

"""Filters, windows at the ends of data, ensembles and responses in live sessions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import Stream
from packets import cut, live_picks, loaded, session_of, stream_of
from recordings import UNTERHACHING, picker_weights

from quakeline.inference.annotator import Annotator
from quakeline.io.formats import inventory
from quakeline.models.cards import Card, Filter
from quakeline.picking.direct.picks import picks_of, settings_of
from quakeline.waveforms.preparation.recordings import of_stream

__all__ = ["picker_weights"]

BAND = Filter(low_hz=1.0, high_hz=45.0, order=2, zero_phase=True)
CAUSAL = Filter(low_hz=2.0, high_hz=None, order=4, zero_phase=False)


@pytest.fixture(scope="module")
def annotator(picker_weights: Path) -> Annotator:
    return loaded(picker_weights)


def with_card(annotator: Annotator, **changes) -> Annotator:
    card = replace(annotator.card, **changes)
    return replace(annotator, card=card, engines=(replace(annotator.engine, card=card),))


def ensemble(one: Annotator, other: Annotator, rule: str) -> Annotator:
    """A network twice, once at other steps and behind a filter."""
    cards: list[Card] = [one.card, replace(one.card, hop_samples=997, filter=BAND)]
    whole = replace(one.card, members=tuple(cards), options={"rule": rule})
    engines = (one.engine, replace(other.engine, card=cards[1]))
    return replace(one, card=whole, engines=engines)


def demo() -> Stream:
    return Stream([one for path in UNTERHACHING for one in obspy.read(str(path))])


def of_archive(stream: Stream, annotator: Annotator, **known) -> pd.DataFrame:
    return picks_of(of_stream(stream, **known), annotator, settings_of(annotator.card)).picks


@pytest.mark.parametrize(
    "changes",
    [
        {"edge_windows": True},
        {"filter": BAND},
        {"filter": CAUSAL, "edge_windows": True},
        {"stacking": "maximum"},
        {"stacking": "weighted", "blind_samples": 0},
    ],
    ids=str,
)
def test_cards_of_all_kinds(annotator, changes):
    """What is filtered is equal to rounding, all else to the last bit."""
    network = with_card(annotator, **changes)
    packets = cut(demo(), 4, 3.0, 2.0, loss=0.03)
    expected = of_archive(stream_of(packets), network)
    found = live_picks(session_of(network, 20.0), packets, 2)
    assert len(expected) > 5
    if "filter" not in changes:
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert list(found["pick_id"]) == list(expected["pick_id"])
    assert np.abs(found["probability"] - expected["probability"]).max() < 1e-5


@pytest.mark.parametrize("rule", ["mean", "max"])
def test_ensembles(annotator, picker_weights, rule):
    network = ensemble(annotator, loaded(picker_weights), rule)
    packets = cut(demo(), 5, 3.0, 2.0)
    expected = of_archive(stream_of(packets), network)
    found = live_picks(session_of(network, 20.0), packets, 2)
    assert len(expected) > 5
    assert list(found["pick_id"]) == list(expected["pick_id"])
    assert np.abs(found["probability"] - expected["probability"]).max() < 1e-5


def test_responses_are_removed_as_in_archives(annotator, shared):
    """Stations of six components, broadband and accelerometer: ground motion and amplitudes."""
    known = inventory.read([shared / "data/pnsn/uw61965081_Example_Stations.xml"])
    whole = obspy.read(str(shared / "data/pnsn/uw61965081_PortTownsend_M4.3.mseed"))
    six = Stream([one for one in whole if one.stats.station in ("HANS", "NATEM")])
    packets = cut(six, 3, 5.0, 4.0)
    expected = of_archive(stream_of(packets), annotator, inventory=known)
    found = live_picks(session_of(annotator, 20.0, inventory=known), packets)
    assert len(expected) >= 2
    assert expected["instrument"].nunique() == 2
    assert list(found["pick_id"]) == list(expected["pick_id"])
    assert np.abs(found["probability"] - expected["probability"]).max() < 1e-4
    assert found["amplitude_m_s"].notna().any()
    ratio = found["amplitude_m_s"] / expected["amplitude_m_s"]
    assert np.nanmax(np.abs(ratio - 1)) < 1e-4

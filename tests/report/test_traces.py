"""Samples in the page: packed without loss of what is seen, and drawn, filtered and told of."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode

import numpy as np
import pytest
from pages import DESKTOP, OUTSIDE, PHONE
from scipy.signal import butter, sosfilt

from quakeline.report.traces import pack, thinned


def unpacked(step: float, text: str) -> np.ndarray:
    """What the page's script does, by numpy."""
    planes = np.frombuffer(zlib.decompress(b64decode(text)), np.uint8).reshape(2, -1)
    differences = np.ascontiguousarray(planes.T).view(np.uint16).ravel()
    return np.cumsum(differences, dtype=np.uint16).view(np.int16) * step


def test_samples_keep_noise_and_the_largest_amplitude():
    values = np.random.default_rng(4).normal(0, 30, 3000)
    values[1000:1200] *= 3000
    step, text = pack(values)
    off = np.abs(unpacked(step, text) - values)
    assert off.max() <= step / 2 + 1e-9
    assert off.max() / np.abs(values).max() < 1e-4
    assert np.array_equal(unpacked(*pack(np.zeros(7))), np.zeros(7))
    quiet = np.random.default_rng(4).normal(0, 1, 30_000)
    assert len(pack(quiet)[1]) < 1.35 * len(quiet)


def test_high_rates_are_thinned_without_aliases():
    time = np.arange(0, 20, 1 / 500)
    values, rate = thinned(np.sin(2 * np.pi * 5 * time) + np.sin(2 * np.pi * 95 * time), 500.0)
    assert (len(values), rate) == (2000, 100.0)
    middle = slice(200, -200)
    expected = np.sin(2 * np.pi * 5 * np.arange(2000) / 100)
    assert np.abs(values - expected)[middle].max() < 0.02


@pytest.fixture
def opened(visit):
    seen = visit(DESKTOP)
    seen.page.locator("#closer").wait_for()
    return seen


def test_the_page_reads_and_filters_as_numpy_and_scipy(opened):
    values = np.random.default_rng(1).normal(0, 100, 500)
    step, text = pack(values)
    given = opened.page.evaluate(
        """async ([text, step]) => { const v = await traces.unpacked(text, step);
        return [v, traces.filtered(v, 100, 1, 10), traces.power(v.slice(0, 64))].map(
          values => [...values]); }""",
        [text, step],
    )
    plain = unpacked(step, text)
    np.testing.assert_allclose(given[0], plain, rtol=1e-6, atol=1e-3)
    expected = plain
    for corner, kind in ((1, "highpass"), (10, "lowpass")):
        expected = sosfilt(butter(2, corner, kind, fs=100, output="sos"), expected)
    np.testing.assert_allclose(given[1], expected, atol=0.01)
    power = np.abs(np.fft.fft(plain[:64])) ** 2
    np.testing.assert_allclose(given[2], power[:32], rtol=1e-3, atol=1)


INK = """name => { const c = document.querySelector('#closer canvas.' + name);
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  let sum = 0; for (let i = 0; i < d.length; i++) sum = (sum * 31 + d[i]) % 1e9; return sum; }"""


def test_the_chosen_event_is_drawn_filtered_and_zoomed(opened):
    page = opened.page
    heading = page.locator("#closer h3")
    page.evaluate("selection.choose(2)")
    page.locator("#closer h3", has_text="Event 2").wait_for()
    assert "Event 2, seconds after 2010-05-27 16:27:00.60 UTC" in heading.inner_text()
    pictures = [page.evaluate(INK, "section")]
    page.locator("#closer [name=filter]").select_option("1 to 10 Hz")
    pictures.append(page.evaluate(INK, "section"))
    page.locator("#closer [name=component]").select_option("Z")
    pictures.append(page.evaluate(INK, "section"))
    for name in ("in", "larger", "whole"):
        page.locator(f"#closer [name={name}]").click()
        pictures.append(page.evaluate(INK, "section"))
    assert len(set(pictures[:5])) == 5
    assert pictures[5] == pictures[2]
    more = page.locator("#closer canvas.more")
    assert not more.is_visible()
    drawn = set()
    for name in ("spectrogram", "motion"):
        page.locator("#closer [name=kind]").select_option(name)
        assert more.is_visible()
        drawn.add(page.evaluate(INK, "more"))
    assert len(drawn) == 2
    assert [said for said in opened.complaints if "willReadFrequently" not in said] == []


def test_a_pointer_on_a_pick_tells_probability_and_residual(opened):
    page = opened.page
    page.evaluate("selection.choose(1)")
    page.locator("#closer h3", has_text="Event 1").wait_for()
    pick = page.evaluate("""() => JSON.parse(
      document.getElementById('traces-data').textContent)['1']""")
    first = pick["rows"][0]["picks"][0]
    canvas = page.locator("#closer canvas.section")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    share = (first["t"] - pick["start"]) / (pick["end"] - pick["start"])
    page.mouse.move(box["x"] + 150 + share * (box["width"] - 150), box["y"] + 40)
    said = page.locator("#closer output").inner_text()
    assert said.startswith("BW.UH3..SH: ")
    assert re.search(r"probability 0.90, residual [+−]0\.\d{3} s", said)


def test_it_fits_a_phone(visit):
    seen = visit(PHONE)
    seen.page.locator("#closer").wait_for()
    assert seen.page.evaluate(OUTSIDE) == []

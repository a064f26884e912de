import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline import __version__
from quakeline.io.products import provenance
from quakeline.io.products.provenance import Record

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=6), st.randoms())
def test_digests_do_not_depend_on_the_order_of_keys(mapping, random):
    keys = list(mapping)
    random.shuffle(keys)
    assert provenance.digest_of(mapping) == provenance.digest_of({k: mapping[k] for k in keys})


def test_products_differ_with_each_part_of_their_recipe():
    record = Record("pick", 1, {"a": 1}, {"waveforms": "abc"})
    others = [
        Record("annotate", 1, {"a": 1}, {"waveforms": "abc"}),
        Record("pick", 2, {"a": 1}, {"waveforms": "abc"}),
        Record("pick", 1, {"a": 2}, {"waveforms": "abc"}),
        Record("pick", 1, {"a": 1}, {"waveforms": "abd"}),
        Record("pick", 1, {"a": 1}, {"waveforms": "abc"}, quakeline="0.0.0"),
    ]
    ids = {other.product_id for other in others}
    assert len(ids) == len(others)
    assert record.product_id not in ids
    assert record.product_id == Record("pick", 1, {"a": 1}, {"waveforms": "abc"}).product_id
    assert record.config_digest == others[1].config_digest != others[2].config_digest
    assert record.as_json()["quakeline"] == __version__


def test_a_record_holds_inside_its_block_alone():
    assert provenance.current() == {}
    outer, inner = Record("a", 1, {}), Record("b", 1, {})

    def fail():
        with provenance.recording(inner):
            assert provenance.current()["stage"] == "b"
            raise RuntimeError

    with provenance.recording(outer):
        assert provenance.current()["stage"] == "a"
        with pytest.raises(RuntimeError):
            fail()
        assert provenance.current()["stage"] == "a"
    assert provenance.current() == {}


def test_files_without_a_record_have_the_digest_of_their_content(tmp_path):
    path = tmp_path / "velocity.csv"
    path.write_bytes(b"depth_km,vp,vs\n")
    digest = hashlib.sha256(b"depth_km,vp,vs\n").hexdigest()
    assert provenance.identify(path) == provenance.digest_file(path) == digest
    assert provenance.read(path) == {}
    assert provenance.identify(tmp_path / "none.csv") == "missing"
    assert provenance.read(tmp_path / "none.zarr") == {}

"""Parts of files, seams of files and axes of files: all samples of all channels are used."""

import numpy as np

from quakeline.fibres.recordings.description import AutoFormat
from quakeline.fibres.recordings.files import open_file
from quakeline.fibres.recordings.recording import runs


def test_three_patches_of_one_file(shared):
    parts = open_file(shared / "cases/das_patches/three.h5", AutoFormat())
    (run,) = runs(parts)
    assert (run.n_samples, run.rate_hz) == (6000, 100.0)
    assert np.isfinite(run.members.read(0, 6000)).all()


def test_consecutive_files_of_blocks(shared):
    folder = shared / "cases/das_join"
    parts = [p for name in ("f00", "f10") for p in open_file(folder / f"{name}.h5", AutoFormat())]
    (run,) = runs(parts)
    assert (run.n_samples, run.rate_hz) == (2000, 100.0)
    around = run.members.read(990, 1010)
    expected = [np.asarray(part.array.data) for part in parts]
    assert np.array_equal(around, np.concatenate([expected[0][-10:], expected[1][:10]]))


def test_axes_that_the_file_states(shared):
    (part,) = open_file(shared / "cases/das_axes/locus_time.h5", AutoFormat())
    assert (part.n_samples, len(part.distances), part.rate_hz) == (3000, 8, 100.0)
    (run,) = runs([part])
    assert run.members.read(0, 3000).shape == (3000, 8)

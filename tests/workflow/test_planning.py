import json

import pytest
from workfolder import demo_like

from quakeline.workflow import planning
from quakeline.workflow.planning import Rate, Rates
from quakeline.workflow.stages import table as stages

RATES = Rates(
    {
        "prepare": Rate(2.0, 1.0, 200.0, 0.5),
        "annotate": Rate(4.0, 2.0, 400.0, 0.0),
        "associate": Rate(10.0, 0.1, 300.0, 0.0),
    },
    {"waveforms": 1e6, "picks": 1e3},
)


def run_of(repository, days, chunk_h=24, keep=()):
    start, end = "2014-01-01T00:00:00Z", f"2014-01-{1 + days:02d}T00:00:00Z"
    time = {"start": start, "end": end, "chunk_h": chunk_h, "margin_s": 0.0 + 60}
    overlay = {"time": time, "keep": list(keep)}
    return demo_like(overlay)


def test_hours_and_bytes_follow_from_rates(repository):
    made = planning.plan(run_of(repository, 2, keep=["probabilities"]), 10, RATES, 2)
    hours = (24 + 120 / 3600) * 10
    assert made.jobs["annotate"] == 2
    assert made.jobs["merge"] == 1
    assert made.cpu_h["annotate"] == pytest.approx(2 * (4 + 2 * hours) / 3600)
    assert made.cpu_h["associate"] == pytest.approx((10 + 0.1 * 2 * hours) / 3600)
    assert made.memory_mb["prepare"] == pytest.approx(200 + 0.5 * hours / 10)
    assert made.kept_bytes == pytest.approx(1e3 * 2 * hours)
    assert made.peak_bytes == pytest.approx((1e3 + 1e6) * 2 * hours)
    chunk_h = made.cpu_h["prepare"] + made.cpu_h["annotate"]
    assert made.wall_h == pytest.approx(chunk_h / 2 + made.cpu_h["associate"])


def test_a_job_that_does_the_work_of_two_starts_once(repository):
    apart = planning.shipped(run_of(repository, 2, keep=["probabilities"]))
    joint = planning.shipped(run_of(repository, 2))
    assert "annotate" not in joint.stages
    seconds = [apart.stages[name].seconds(24) for name in ("annotate", "pick")]
    assert max(seconds) < joint.stages["pick"].seconds(24) < sum(seconds)
    memory = [apart.stages[name].memory_mb(24) for name in ("annotate", "pick")]
    # of jobs measured, 343 MB beside 279 and 243 for 6 h, 338 beside 304 for a day
    assert 1.1 < joint.stages["pick"].memory_mb(6) / apart.stages["annotate"].memory_mb(6) < 1.3
    assert max(memory) < joint.stages["pick"].memory_mb(24) < 1.25 * max(memory)


def test_a_network_counts_once_after_probabilities_are_kept(repository, tmp_path):
    """The jobs of `pick` that were measured did the work of `annotate`, which has its own now."""
    chunk = "20140101T000000_20140102T000000"
    written(tmp_path, "pick", chunk, 60.0, 500)
    own = planning.measured(tmp_path, 10, margin_s=60)
    before = planning.plan(run_of(repository, 2), 10, own, 2)
    run = run_of(repository, 2, keep=["probabilities"])
    usual = planning.shipped(run)
    rates = usual.overlaid(own.parted("annotate", "pick", usual))
    after = planning.plan(run, 10, rates, 2)
    both = after.cpu_h["annotate"] + after.cpu_h["pick"]
    start = 2 * usual.stages["pick"].fixed_s / 3600
    assert before.cpu_h["pick"] == pytest.approx(2 * 60 / 3600)
    assert both == pytest.approx(before.cpu_h["pick"] + start)
    assert after.memory_mb["annotate"] == before.memory_mb["pick"]
    apart = Rates({"annotate": Rate(1, 1, 1, 1), "pick": Rate(1, 1, 1, 1)})
    assert apart.parted("annotate", "pick", usual) is apart


def test_stores_that_pass_are_bounded_by_the_cores(repository):
    two, kept = (
        planning.plan(run_of(repository, 20, keep=keep), 10, RATES, 2)
        for keep in ((), ("waveforms",))
    )
    assert two.peak_bytes - two.kept_bytes == pytest.approx(kept.kept_bytes / 10, rel=0.01)


def test_the_advised_chunk_makes_jobs_of_minutes():
    assert planning.advised_chunk_h(RATES, 10) == 24
    assert planning.advised_chunk_h(RATES, 100) == 3
    assert planning.advised_chunk_h(RATES, 100_000) == 1


def test_ten_years_of_three_hundred_stations(repository):
    time = {"start": "2014-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z", "chunk_h": 24}
    run = demo_like({"time": time, "keep": []})
    rates = planning.shipped(run)
    made = planning.plan(run, 300, rates, 1000)
    assert made.chunks == 3652
    assert set(made.cpu_h) == {stage.name for stage in stages.of(run)}
    assert max(made.cpu_h, key=made.cpu_h.get) == "pick"
    assert 1e3 < sum(made.cpu_h.values()) < 1e6
    longest = max(
        rates.stages[stage.name].seconds(300 * made.advised_chunk_h)
        for stage in stages.of(run)
        if stage.scope == "chunk"
    )
    assert 60 < longest < 3600


def written(results, stage, name, seconds, megabytes):
    path = results / f"benchmarks/{stage}/{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n1\t0:00:01\t{megabytes}\t{seconds}\n")


def test_rates_of_a_run_are_a_line_through_its_jobs(tmp_path):
    written(tmp_path, "prepare", "20140101T000000_20140101T010000", 3.0, 100)
    written(tmp_path, "prepare", "20140101T010000_20140101T040000", 7.0, 100)
    written(tmp_path, "pick", "20140101T000000_20140101T010000", 8.0, 50)
    written(tmp_path, "annotate", "20140101T000000_20140101T010000", "NA", 50)
    # Seen before Python had begun.
    written(tmp_path, "measure", "20140101T000000_20140101T010000", 0.01, 5)
    (tmp_path / "picks").mkdir()
    (tmp_path / "picks/20140101T000000_20140101T010000.parquet").write_bytes(bytes(4000))
    found = planning.measured(tmp_path, 4, margin_s=0)
    assert found.stages["prepare"].fixed_s == pytest.approx(1.0)
    assert found.stages["prepare"].hour_s == pytest.approx(0.5)
    assert found.stages["prepare"].fixed_mb == pytest.approx(100)
    assert found.stages["pick"].hour_s == pytest.approx(2.0)
    assert "annotate" not in found.stages
    assert found.hour_bytes == {"picks": 1000.0}


FIBRES = [{"name": name, "source": {"kind": "files", "paths": ["a"]}} for name in ("F", "G")]


def test_fibres_have_the_rates_of_their_own_run(tmp_path):
    chunk = "20140101T000000_20140101T010000"
    for fibre, seconds in (("F", 7.0), ("G", 9.0)):
        written(tmp_path, "das_annotate", f"{fibre}-{chunk}", seconds, 900)
        (tmp_path / f"fibres/{fibre}/raw").mkdir(parents=True)
        (tmp_path / f"fibres/{fibre}/raw/{chunk}.parquet").write_bytes(bytes(500))
    written(tmp_path, "associate", "all", 3.0, 200)
    found = planning.measured(tmp_path, 0, margin_s=0)
    assert found.stages["das_annotate"].hour_s == pytest.approx(8.0)
    assert found.stages["associate"].fixed_s == pytest.approx(3.0)
    assert found.hour_bytes == {"fibres/{fibre}/raw": 500.0}
    time = {"start": "2014-01-01", "end": "2014-01-03", "chunk_h": 12, "margin_s": 60}
    run = demo_like({"time": time, "fibres": FIBRES, "fetch": None, "stations": None})
    made = planning.plan(run, 0, found, 2)
    hours = 4 * 12 + 4 * 120 / 3600
    assert made.jobs["das_annotate"] == 8
    assert made.cpu_h["das_annotate"] == pytest.approx(2 * hours * 8 / 3600)
    assert made.kept_bytes == pytest.approx(2 * hours * 500)
    assert made.wall_h == pytest.approx((hours * 8 + 3) / 3600)
    assert made.advised_chunk_h == 72
    assert set(made.jobs) > set(made.cpu_h) == {"das_annotate", "associate"}


def test_no_longer_chunks_are_advised_to_a_run_of_one_chunk():
    minutes = {"start": "2014-01-01", "end": "2014-01-01T00:04", "chunk_h": 1, "margin_s": 60}
    made = planning.plan(demo_like({"time": minutes}), 3, RATES, 2)
    assert made.chunks == 1
    assert made.advised_chunk_h == 1


def test_a_run_that_has_not_begun_has_no_rates(tmp_path):
    assert planning.measured(tmp_path, 4, margin_s=45) == Rates({}, {})


def test_the_command_shows_the_plan(workdir):
    overlay = workdir.demo_overlay(json.dumps({"time": {"end": "2010-05-29T00:00:00Z"}}))
    done = workdir.quakeline("plan", overlay, "--cores", "4")
    assert done.returncode == 0, done.stderr
    assert "stations  4, chunks 2 of 24 h" in done.stdout
    assert "on 4 cores" in done.stdout
    assert "rates     of other runs" in done.stdout
    assert not (workdir.folder / "results").exists()

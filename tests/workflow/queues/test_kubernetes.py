"""What Kubernetes is told of a job, and a run through a program that stands in for `kubectl`."""

from __future__ import annotations

import copy
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml
from workfolder import REPOSITORY, WorkFolder

from quakeline.core.errors import ConfigError
from quakeline.core.installed import PROFILES
from quakeline.workflow.queues import kubernetes
from quakeline.workflow.queues.systems import Job
from quakeline.workflow.queues.table import SYSTEMS

EXAMPLE = yaml.safe_load((PROFILES / "kubernetes/kubernetes.example.yaml").read_text())
WANTED = Namespace(
    name="quakeline.das_annotate",
    threads=2,
    memory_mb=4000,
    runtime_min=90,
    pool="gpu",
    limit=["nvidia.com/gpu=1"],
    script=Path("/runs/a/job.sh"),
)
#: Creates: runs the command of the manifest in its folder, and knows it by its process id.
KUBECTL = """\
#!{python}
import json, os, subprocess, sys
if sys.argv[1] == "create":
    made = json.load(sys.stdin)
    with open("submitted", "a") as kept:
        kept.write(json.dumps(made) + "\\n")
    container = made["spec"]["template"]["spec"]["containers"][0]
    with open(os.devnull, "w") as nothing:
        job = subprocess.Popen(
            container["command"], cwd=container["workingDir"], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=nothing, stderr=nothing,
        )
    print("job.batch/" + made["metadata"]["generateName"] + str(job.pid))
elif sys.argv[1] == "get":
    alive = os.path.exists("/proc/" + sys.argv[3].rpartition("-")[2])
    print("there" if alive else "there Complete")
"""


def test_the_manifest_of_the_site_becomes_that_of_a_job() -> None:
    made = kubernetes.manifest(EXAMPLE, WANTED, Path("/runs/a"))
    pod = made["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert made["metadata"]["generateName"] == "quakeline-das-annotate-"
    assert made["metadata"]["labels"] == EXAMPLE["metadata"]["labels"]
    assert (pod["activeDeadlineSeconds"], made["spec"]["backoffLimit"]) == (5400, 0)
    assert (pod["restartPolicy"], pod["nodeSelector"]) == ("Never", {"pool": "gpu"})
    assert container["command"] == ["/bin/sh", "/runs/a/job.sh"]
    assert container["workingDir"] == "/runs/a"
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "4000M"},
        "limits": {"memory": "4000M", "nvidia.com/gpu": "1"},
    }
    kept = EXAMPLE["spec"]["template"]["spec"]
    assert container["image"] == kept["containers"][0]["image"]
    assert "command" not in kept["containers"][0]


@pytest.mark.parametrize("given", [None, [], {"kind": "Pod"}, {"kind": "Job", "spec": {}}])
def test_what_is_no_manifest_of_a_job_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match="no manifest of a Job whose first container"):
        kubernetes.manifest(given, WANTED, Path("/runs/a"))


def test_empty_parts_of_a_manifest_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAKELINE_SITE", "/runs/site.yaml")
    monkeypatch.setenv("QUAKELINE_CACHE", "/here")
    own = {"name": "QUAKELINE_CACHE", "value": "/runs/cache"}
    given = copy.deepcopy(EXAMPLE) | {"metadata": None}
    pod = given["spec"]["template"]["spec"]
    pod |= {"nodeSelector": None}
    pod["containers"][0]["env"] = [own]
    made = kubernetes.manifest(given, WANTED, Path("/runs/a"))
    assert made["metadata"] == {"generateName": "quakeline-das-annotate-"}
    found = made["spec"]["template"]["spec"]
    assert found["nodeSelector"] == {"pool": "gpu"}
    variables = found["containers"][0]["env"]
    assert [one for one in variables if one["name"] == "QUAKELINE_CACHE"] == [own]
    assert {"name": "QUAKELINE_SITE", "value": "/runs/site.yaml"} in variables


def test_options_of_a_site_are_limits_of_a_job() -> None:
    job = Job("a", 1, 500, 5, "gpu", None, "smp", None, ("nvidia.com/gpu=1",), Path("/logs"))
    words = SYSTEMS["kubernetes"].submission(job)
    assert words[-4:] == ["--pool", "gpu", "--limit", "nvidia.com/gpu=1"]


def test_without_a_manifest_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--name", "a", "--threads", "1", "--memory-mb", "1", "--runtime-min", "1", "job.sh"]
    assert kubernetes.main(words) == 2
    assert "init NAME --profile kubernetes` writes one" in capsys.readouterr().err


def test_jobs_go_through_kubectl(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").write_text(KUBECTL.format(python=sys.executable))
    (programs / "kubectl").chmod(0o755)
    place = WorkFolder.furnished(tmp_path / "work")
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    place = WorkFolder(place.folder, place.snakefile, environment)
    manifest = PROFILES / "kubernetes/kubernetes.example.yaml"
    (place.folder / "config/kubernetes.yaml").write_text(manifest.read_text())
    overlay = place.demo_overlay("run: pods")
    done = place.quakeline("run", overlay, "--profile", "kubernetes", "--", "--until", "stations")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place.folder / "results/pods/stations.parquet").is_file()
    [line] = (place.folder / "submitted").read_text().splitlines()
    made = json.loads(line)
    assert made["metadata"]["generateName"] == "quakeline-stations-"
    assert made["spec"]["template"]["spec"]["volumes"][0]["name"] == "runs"

"""What the package never does: run code from files, or a shell."""

import ast
import re
from pathlib import Path

import obspy
import pytest
from workfolder import demo_like

import quakeline

MODULES = sorted(Path(quakeline.__file__).parent.rglob("*.py"))
#: Calls that run code which a file or a string holds.
FORBIDDEN = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "marshal.loads",
    "shelve.open",
    "joblib.load",
}


def calls(text: str):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}


def mistakes(text: str) -> list[str]:
    found = []
    for name, words in calls(text):
        if name in FORBIDDEN or words.get("shell") == "True":
            found.append(name)
        if name == "torch.load" and words.get("weights_only") != "True":
            found.append(name)
        if name.endswith("np.load") and words.get("allow_pickle") != "False":
            found.append(name)
        if name.endswith((".extractall", ".unpack_archive")):
            found.append(name)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "yaml.load(x)",
        "subprocess.run(x, shell=True)",
        "torch.load(p)",
        "np.load(p)",
        "z.extractall()",
    ],
)
def test_what_is_forbidden_is_seen(text):
    assert len(mistakes(text)) == 1


def test_the_package_runs_no_code_from_files():
    found = {str(path): mistakes(path.read_text(encoding="utf-8")) for path in MODULES}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize("name", ["../evil", "/etc", "a/b", ".hidden", "", "a b", "x\n"])
def test_a_run_stays_in_its_folder(name, repository):
    from quakeline.core.errors import ConfigError

    with pytest.raises(ConfigError, match="run"):
        demo_like({"run": name})


def test_no_rule_has_a_shell():
    from quakeline.core.installed import DAG, SNAKEFILE

    rules = [SNAKEFILE, *DAG.glob("rules/*.smk")]
    assert len(rules) > 4
    text = "\n".join(path.read_text(encoding="utf-8") for path in rules)
    assert "script:" in text
    assert not re.findall(r"^\s*(?:shell|run|notebook)\s*:", text, flags=re.MULTILINE)


def test_entities_of_stationxml_do_not_read_files(tmp_path):
    from quakeline.core.errors import DataError
    from quakeline.io.formats import inventory

    secret = tmp_path / "secret"
    secret.write_text("TREASURE", encoding="utf-8")
    path = tmp_path / "stations.xml"
    obspy.read_inventory().select(station="FUR").write(str(path), format="STATIONXML")
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("?>")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    rest, count = re.subn("<Site>\\s*<Name>[^<]*", "<Site><Name>&e;", rest)
    assert count
    path.write_text(f"{head}?>{entity}{rest}", encoding="utf-8")
    with pytest.raises(DataError, match="Entity 'e' not defined"):
        inventory.read([path])


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "a b"])
def test_a_fibre_stays_in_its_folder(name, repository):
    from quakeline.core.errors import ConfigError

    fibre = {"name": name, "source": {"kind": "files", "paths": ["*.h5"]}}
    with pytest.raises(ConfigError, match="fibres"):
        demo_like({"fibres": [fibre]})

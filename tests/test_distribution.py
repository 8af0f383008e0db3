"""What is released: a wheel and an sdist of this checkout, and the wheel in an empty environment, without a network.

Built with `python -m build` from a copy of what git knows or would add, so that nothing left over from earlier builds
gets in, and nothing is left behind.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[1]
#: An address at which nobody listens: whatever would ask a server fails at once.
_NOWHERE = "http://127.0.0.1:9"

pytestmark = pytest.mark.slow


def _tracked() -> list[str]:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no git checkout: what belongs to the source is not known")
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in found if name and (ROOT / name).is_file()]


def _build(source: Path, output: Path, *what: str) -> Path:
    call = [sys.executable, "-m", "build", "--outdir", str(output), *what, str(source)]
    subprocess.run(call, check=True, capture_output=True)
    return output


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout."""
    folder = tmp_path_factory.mktemp("source")
    for name in _tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def files(source: Path) -> list[str]:
    """The files of that copy, before anything is built in it."""
    return [str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def released(source: Path, files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist, and of the wheel that is built from it."""
    return _build(source, tmp_path_factory.mktemp("released"))


@pytest.fixture(scope="module")
def wheel(released: Path) -> Path:
    (found,) = released.glob("*.whl")
    return found


def _contents(wheel: Path) -> dict[str, str]:
    """The files of a wheel, each with its hash."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}


def _is_of_the_package(name: str, source: Path) -> bool:
    """Whether a file is part of the package: a module, or what else lies in a room. Scripts have no __init__.py."""
    if name.endswith(".py"):
        return (source / name).with_name("__init__.py").is_file()
    room, slash, _ = name.partition("/")
    return bool(slash) and (source / room / "__init__.py").is_file()


def test_the_wheel_holds_the_whole_package_and_nothing_else(source: Path, files: list[str], wheel: Path):
    held = {name for name in _contents(wheel) if ".dist-info/" not in name}
    assert held == {f"rmt_bench/{name}" for name in files if _is_of_the_package(name, source)}
    shipped = [name for name in files if name.startswith("bench/models/checkpoints/")]
    recipes = [name for name in files if name.startswith("bench/recipes/")]
    assert {Path(name).name for name in shipped} == {"checkpoint.json", "model.safetensors"}
    assert {Path(name).suffix for name in recipes} == {".toml"}
    assert {f"rmt_bench/{name}" for name in shipped + recipes} < held
    for kind in ("prompts/bare.jinja", "templates/index.html", "board.js", "interop/data/lm_eval_task.yaml.jinja"):
        assert any(name.endswith(kind) for name in held), kind
    for no_part in ("tests", "docs", "scripts", "bench/perf"):
        assert not any(name.startswith(f"rmt_bench/{no_part}/") for name in held), no_part


def test_the_sdist_holds_the_whole_source(files: list[str], released: Path):
    (sdist,) = released.glob("*.tar.gz")
    with tarfile.open(sdist) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    assert set(files) - held == {".gitignore"}


def test_the_sdist_builds_the_wheel_that_the_checkout_builds(source: Path, wheel: Path, tmp_path: Path):
    (straight,) = _build(source, tmp_path, "--wheel").glob("*.whl")
    assert _contents(straight) == _contents(wheel)


def test_the_metadata_names_the_licence_and_the_extras(source: Path, wheel: Path):
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        lines = opened.read(name).decode().splitlines()
    assert "License-Expression: Apache-2.0" in lines
    told = {line.partition(": ")[2] for line in lines if line.startswith("Provides-Extra: ")}
    assert told == set(project["optional-dependencies"])


def test_the_citation_names_the_version_that_is_released(source: Path, wheel: Path):
    cited = yaml.safe_load((source / "CITATION.cff").read_text(encoding="utf-8"))
    assert wheel.name.split("-")[1] == cited["version"]


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a program of an environment with the wheel and what it needs, in an empty folder, offline."""
    folder = tmp_path_factory.mktemp("stranger")
    programs = folder / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    call = [programs / "python", "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel]
    subprocess.run(call, check=True)
    (folder / "home").mkdir()
    (folder / "elsewhere").mkdir()
    env = {name: value for name, value in os.environ.items() if name.startswith(("OMP_", "MKL_", "OPENBLAS_"))}
    env |= {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder / "home")}
    env |= {"http_proxy": _NOWHERE, "https_proxy": _NOWHERE, "no_proxy": ""}

    def run(*words: str) -> str:
        done = subprocess.run(words, cwd=folder / "elsewhere", env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    run.folder = folder / "elsewhere"  # type: ignore[attr-defined]
    return run


def test_a_stranger_gets_a_curve_a_board_and_a_data_set_offline_from_any_folder(stranger: Any):
    assert "eval" in stranger("rmt-bench", "--help")
    stranger("rmt-bench", "eval", "rmt-tiny", *"--tasks detect --lengths 1k..32k --samples 8 --output runs/a".split())
    curve = pd.read_csv(stranger.folder / "runs/a/curve.csv")
    assert curve["length"].tolist() == ["1k", "2k", "4k", "8k", "16k", "32k"]
    assert (curve["correct"] == curve["n"]).all()
    assert (stranger.folder / "runs/a/report.html").is_file()
    stranger("rmt-bench", "eval", "random", *"--tasks detect --lengths 1k..32k --samples 8 --output runs/b".split())
    stranger("rmt-bench", "leaderboard", "build", "runs", "--output", "board")
    assert (stranger.folder / "board/index.html").is_file()
    stranger("rmt-bench", "generate", *"--tasks detect,qa1 --lengths 0,1k --samples 4 --output data".split())
    stranger("rmt-bench", "verify", "data")
    code = "from datasets import load_dataset as l; print(l('data', '1k', split='qa1').num_rows)"
    assert stranger("python", "-c", code) == "4\n"


def test_the_doctor_of_a_stranger_finds_all_that_is_needed_and_names_what_extras_lack(stranger: Any):
    found = json.loads(stranger("rmt-bench", "doctor", "--json"))
    assert found["trial"]["works"]
    assert found["folders"]["cache"]["path"].startswith("~/")
    assert [need["name"] for need in found["extras"]["ray"]] == ["ray"]
    assert "pip install 'rmt-bench[ray]'" in stranger("rmt-bench", "doctor", "--no-trial")


def test_no_test_and_no_tool_of_development_came_along(stranger: Any):
    code = "from importlib.metadata import distributions; print(*(found.name.lower() for found in distributions()))"
    assert not {"pytest", "ruff", "ray", "openai"} & set(stranger("python", "-c", code).split())

"""`rmt-bench doctor`: what a user pastes into an issue. Parses, calls, prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..base.packages import Need
    from .doctor import Diagnosis

_WIDTH = 13


@click.command("doctor")
@click.option("--trial/--no-trial", default=True, help="Whether to run the main job once; it does by default.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor_command(trial: bool, as_json: bool) -> None:
    """Say what this machine has for rmt-bench, and whether the main job runs.

    Versions, devices, caches, settings, and what is missing for which extra, with the command that adds it. Logins and
    keys are not shown, so that all of it can be pasted into an issue. Exit code 1 when the main job cannot run: then
    the last line says what to do.
    """
    from ..base.console import print_json
    from ..base.errors import IncompleteError
    from .doctor import diagnose

    found = diagnose(trial)
    if as_json:
        print_json(asdict(found))
    else:
        for label, text in _lines(found):
            click.echo(f"{label:{_WIDTH}} {text}".rstrip())
    if found.problems:
        raise IncompleteError("; ".join(found.problems))


def _lines(found: Diagnosis) -> Iterator[tuple[str, str]]:
    """What is shown, line by line: of what kind it is, and what it says."""
    yield from found.versions.items()
    yield "packages", ", ".join(map(str, found.packages))
    yield from _devices(found.devices)
    yield from _folders(found.folders)
    yield from _group("settings", [f"{name}={value}" for name, value in found.settings.items()] or ["none"])
    complete = [name for name, missing in found.extras.items() if not missing]
    lacking = [_lacking(name, missing) for name, missing in found.extras.items() if missing]
    yield from _group("extras", [f"{', '.join(complete)}: all there"] * bool(complete) + lacking)
    if found.trial:
        how = f"works: {found.trial.told}" if found.trial.works else f"FAILS: {found.trial.told}"
        yield "main job", f"{how} ({found.trial.seconds:.1f} s)"


def _group(label: str, texts: list[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts):
        yield "" if number else label, text


def _devices(devices: dict[str, Any]) -> Iterator[tuple[str, str]]:
    threads = f", {devices['threads']} threads of torch" if "threads" in devices else ""
    yield "processors", f"{devices['processors']} ({devices['machine']}){threads}"
    yield "memory", _bytes(devices["memory_bytes"])
    if "error" in devices:
        yield "accelerators", f"unknown: torch cannot be loaded ({devices['error']})"
        return
    built = f"torch is built for CUDA {devices['cuda_of_torch']}" if devices["cuda_of_torch"] else "torch has no CUDA"
    names = [f"cuda:{i} {device['name']}, {_bytes(device['memory_bytes'])}" for i, device in enumerate(devices["cuda"])]
    yield from _group("accelerators", (names + ["mps"] * devices["mps"]) or [f"none ({built})"])


def _folders(folders: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    cache, hub, data = folders["cache"], folders["hub"], folders["data"]
    state = f"CANNOT BE WRITTEN: {cache['error']}" if "error" in cache else (
        f"{_bytes(cache['bytes'])}, {_bytes(cache['free_bytes'])} free"
    )  # fmt: skip
    yield "cache", f"{cache['path']} ({cache['set_by']}): {state}"
    if hub["path"] is None:
        yield "hub", f"unknown: huggingface_hub cannot be loaded ({hub['error']})"
    else:
        told = "there" if hub["there"] else "empty, nothing was loaded yet"
        yield "hub", f"{hub['path']}: {told}{', offline' if hub['offline'] else ''}"
    if data["path"] is None:
        yield "data", "RMT_BENCH_DATA is not set; only tests and scripts use it"
    else:
        yield "data", f"{data['path']}: {', '.join(data['holds']) if data['holds'] is not None else 'NO SUCH FOLDER'}"


def _lacking(name: str, missing: list[Need]) -> str:
    from .doctor import remedy

    return f"{name}: lacks {', '.join(map(str, missing))}; {remedy(name)}"


def _bytes(count: int) -> str:
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"

"""The package as users get it: wheel, sdist, editable install and a bare checkout all bring the shipped scenarios."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ackdrop.environment import inherited

ROOT = Path(__file__).parent.parent
SCENARIOS = {path.name for path in (ROOT / "scenarios").glob("*.yaml")}
LIST = "from {package}.scenario.files import shipped; print(*sorted(path.name for path in shipped()))"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was made from it."""
    out = tmp_path_factory.mktemp("dist")
    quickly = inherited(CFLAGS="-O0")  # what is compiled need not be fast here
    command = [sys.executable, "-m", "build", "--outdir", out, ROOT]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=240, env=quickly)
    return out


def shipped(code: str, path: Path) -> set[str]:
    """The names that `code` prints, in a process whose import path begins with `path`."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(path)!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=path,
        timeout=60,
    )
    return set(done.stdout.split())


def test_the_wheel_has_one_top_level_and_the_scenarios(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"ackdrop"}
    ours = {
        "ackdrop/capture/README.md",
        "ackdrop/broker/jars.json",
        "ackdrop/report/report.schema.json",
        "ackdrop/ledger/README.md",
    }
    assert ours <= set(names)
    assert "ackdrop/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    # The editable install would come first in its finder, so the wheel's folder is named by the import itself.
    code = "import ackdrop; assert ackdrop.__file__.startswith(sys.path[0]), ackdrop.__file__; "
    drop_editable = "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in str(f)]; "
    assert shipped(drop_editable + code + LIST.format(package="ackdrop"), tmp_path) == SCENARIOS


def test_every_module_is_in_the_wheel(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.endswith(".py") and "/scenarios/" not in name}
    written = {f"ackdrop/{path.relative_to(ROOT / 'proxy').as_posix()}" for path in (ROOT / "proxy").rglob("*.py")}
    assert packed == written


def test_the_sdist_has_what_the_wheel_is_made_of(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"scenarios/{name}" for name in SCENARIOS} <= names
    assert {"LICENSE", "README.md", "pyproject.toml", "proxy/cli/run.py"} <= names


def test_an_installed_ackdrop_finds_them(tmp_path: Path) -> None:
    """This very environment: an editable install when developing."""
    assert shipped(LIST.format(package="ackdrop"), tmp_path) == SCENARIOS


def test_a_bare_checkout_finds_them() -> None:
    """`python -m proxy` in the checkout, with nothing installed under the name ackdrop."""
    assert shipped("sys.modules['ackdrop'] = None; " + LIST.format(package="proxy"), ROOT) == SCENARIOS


def test_the_module_can_be_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ackdrop", "--version"], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.startswith("ackdrop ")


def test_a_users_own_proxy_py_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "proxy.py").write_text("raise SystemExit('the wrong module')\n")
    command = [Path(sys.executable).parent / "ackdrop", "scenario", "list"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert "lost-ack" in done.stdout

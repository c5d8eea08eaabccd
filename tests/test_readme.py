"""The README says what is so: its commands, its table, its scenario, its exit codes, its links."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ackdrop.environment import inherited
from ackdrop.result import EXIT_CODES
from ackdrop.scenario.files import shipped
from ackdrop.scenario.load import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    page
    for folder in ("", "docs", "scenarios", "tests", "tests/captures", "proxy", "proxy/capture", "proxy/ledger")
    for page in (ROOT / folder).glob("*.md")
)
COMMANDS = [line.strip() for line in README.splitlines() if line.startswith("    ")]


def test_its_first_two_commands() -> None:
    """They are a contract: each does everything on a machine with Python alone."""
    assert [line for line in COMMANDS if line.startswith("python3 -m venv")] == [
        "python3 -m venv .venv && .venv/bin/pip install '.[embedded]' && .venv/bin/ackdrop run lost-ack",
        "python3 -m venv .venv && .venv/bin/pip install -e '.[embedded,test]' && .venv/bin/pytest",
    ]


def test_ci_runs_the_test_command() -> None:
    command = next(line for line in COMMANDS if line.endswith("/pytest"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_its_first_screen_says_what_it_is_for_and_shows_a_run() -> None:
    screen = "\n".join(README.splitlines()[:50])
    assert "Is a lost ack my duplicate?" in screen
    assert "idempotence off     idempotence on" in screen
    assert "PASSED" in screen


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_its_scenarios_are_valid(text: str) -> None:
    load(text)


def test_its_exit_codes() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert told == {*EXIT_CODES.values(), 2}


def test_it_can_be_read_in_two_minutes() -> None:
    """What is long has a page of its own: about a thousand words of prose, which people read at 200 to 250 a minute in
    full, and twice as fast where they look for what they need."""
    prose = re.sub(r"```.*?```|^ {4}.*?$", "", README, flags=re.DOTALL | re.MULTILINE)
    assert len(prose.split()) < 1100


def commands(page: Path) -> list[str]:
    """The lines of a page that run ackdrop."""
    return [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("    ackdrop ")]


@pytest.mark.parametrize("name", ["README.md", "docs/on-the-command-line.md", "docs/reading-a-report.md"])
def test_every_verb_and_option_it_names_exists(name: str) -> None:
    """Each `ackdrop VERB ... --option` of a page, checked against the help of that verb."""
    lines = commands(ROOT / name)
    assert lines
    for line in lines:
        words = line.partition(" #")[0].partition(" -- ")[0].split()
        verb = words[1:3] if words[1] in ("scenario", "broker", "tls", "capture", "ctl") else words[1:2]
        text = subprocess.run(
            [sys.executable, "-m", "ackdrop", *verb, "--help"], check=True, capture_output=True, text=True
        ).stdout
        assert [word for word in words if word.startswith("--") and word not in text] == [], line


def test_the_scenarios_it_names_are_shipped() -> None:
    names = {path.stem for path in shipped()}
    told = re.findall(r"ackdrop run ([a-z][a-z-]+)(?=[ `\n])", README)
    assert {"lost-ack", "application-resend", "restarted-producer"} <= set(told) <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_lead_somewhere(page: Path) -> None:
    """To a file, or a folder, and where they name one to a heading."""
    for target, heading in links(page):
        assert target.exists(), target
        assert not heading or heading in headings(target), f"{target}#{heading}"


def test_it_leads_to_every_page() -> None:
    """By itself, or by a page that it leads to."""
    found, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        found.add(page)
        ahead += [target for target, _ in links(page) if target.suffix == ".md" and target not in found]
    assert {*(ROOT / "docs").glob("*.md"), *(ROOT / "scenarios").glob("*.md")} <= found


def links(page: Path) -> list[tuple[Path, str]]:
    """Where a page leads inside the repository: the file, and the heading's name, which may be empty."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)#:]*)#?([^)]*)\)", re.sub(r"\]\(https?:[^)]*\)", "", text))
    return [((page.parent / target).resolve() if target else page, heading) for target, heading in found]


def headings(page: Path) -> set[str]:
    """The names of a page's headings, as GitHub and GitLab make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_its_picture_loads_nothing_and_knows_the_dark() -> None:
    """A host shows it as an image, beside pages whose theme it does not know: it brings its own ground for each."""
    text = (ROOT / "docs" / "picture.svg").read_text(encoding="utf-8")
    names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
    assert names <= {"svg", "title", "desc", "style", "g", "rect", "path", "text"}
    light, dark = text.split("@media (prefers-color-scheme: dark)")
    for colour in re.findall(r"\.(\w+) \{ (?:fill|stroke): #", light):
        assert f".{colour} {{" in dark, colour


def test_which_clients_are_idempotent_by_themselves() -> None:
    kafka = importlib.import_module("kafka").KafkaProducer.DEFAULT_CONFIG["enable_idempotence"]
    aiokafka = importlib.import_module("aiokafka").AIOKafkaProducer
    assert (kafka, inspect.signature(aiokafka).parameters["enable_idempotence"].default) == (True, False)


@pytest.mark.integration
def test_its_table_is_what_a_run_prints(embedded_broker: str, tmp_path: Path) -> None:
    """But for times, and for what the broker is: whatever else is another has to be pasted anew."""
    kept = inherited("ACKDROP_")
    done = subprocess.run(
        [sys.executable, "-m", "ackdrop", "run", "lost-ack", "--bootstrap", embedded_broker],
        cwd=tmp_path,
        env={**kept, "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = (block for block in re.findall(r"```\n(.*?)```", README, re.DOTALL) if "PASSED" in block)
    figures, _, chains = told.partition("\n\noff  ")
    printed, _, rest = done.stdout.partition("\n\noff  ")
    assert steady(figures) == steady(printed)
    assert steady(rest).split()[: len(chains.split())] == steady(chains).split()


def steady(text: str) -> str:
    """What does not vary from run to run, and from broker to broker."""
    text = re.sub(r"\d+\.\d{3} s ", "0.000 s ", text)
    text = re.sub(r"^(?:Apache Kafka|Redpanda) \S+ at \S+ \(\w+\)$", "BROKER", text, flags=re.MULTILINE)
    return re.sub(r"producer \d+,", "producer 0,", re.sub(r"kafka-python [\d.]+", "kafka-python 3", text))

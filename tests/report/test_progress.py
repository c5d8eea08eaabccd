"""Progress: a bar on a terminal, few lines elsewhere, nothing when quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ackdrop.report.progress import Progress


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file():
    return io.StringIO()


def plain(file, clock):
    return Progress(console=lambda: Console(file=file, width=80), clock=clock)


def test_a_phase_is_a_line(file, clock):
    with plain(file, clock) as progress:
        progress.phase("broker")
        clock.now += 2.5
        progress.phase("arm off: producing", 200)
        progress.advance_to(120)
        clock.now += 4.9
        progress.advance_to(130)
        progress.phase("arm off: verifying", 12_000)
    assert file.getvalue() == ("[   0.0 s] broker\n[   2.5 s] arm off: producing\n[   7.4 s] arm off: verifying\n")


def test_every_five_seconds_how_far_it_is(file, clock):
    with plain(file, clock) as progress:
        progress.phase("arm off: verifying", 12_000)
        for done in range(0, 12_001, 1_000):
            progress.advance_to(done)
            clock.now += 1.0
    assert file.getvalue().splitlines() == [
        "[   0.0 s] arm off: verifying",
        "[   5.0 s] arm off: verifying 5,000/12,000",
        "[  10.0 s] arm off: verifying 10,000/12,000",
        "[  13.0 s] arm off: verifying 12,000/12,000",
    ]


def test_nothing_new_is_not_said_twice(file, clock):
    with plain(file, clock) as progress:
        progress.phase("waiting", 10)
        for _ in range(3):
            clock.now += 6
            progress.advance_to(4)
    assert file.getvalue().count("4/10") == 1


@pytest.mark.parametrize(("total", "amount"), [(44 << 20, "12.5/44.0 MiB"), (None, "12.5 MiB")])
def test_a_download_counts_bytes(file, clock, total, amount):
    with plain(file, clock) as progress:
        progress.phase("downloading Apache Kafka", total, bytes=True)
        clock.now += 6
        progress.advance_to(12.5 * (1 << 20))
    assert file.getvalue().splitlines()[-1] == f"[   6.0 s] downloading Apache Kafka {amount}"


def test_without_a_total_only_the_count(file, clock):
    with plain(file, clock) as progress:
        progress.phase("records seen")
        clock.now += 6
        progress.advance_to(1234)
    assert file.getvalue().splitlines()[-1] == "[   6.0 s] records seen 1,234"


def test_hostile_text(file, clock):
    with plain(file, clock) as progress:
        progress.phase("topic \x1b[2J[red]x[/red]\nnext")
        progress.note("client :smile: \x9b")
    assert file.getvalue() == "[   0.0 s] topic \\x1b[2J[red]x[/red] next\n[   0.0 s] client :smile: \\x9b\n"


def test_quiet(capsys):
    with Progress(quiet=True) as progress:
        progress.phase("broker", 3)
        progress.advance_to(1)
        progress.note("a note")
    assert capsys.readouterr() == ("", "")


def test_standard_error_by_default(capsys):
    with Progress() as progress:
        progress.phase("broker")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "[   0.0 s] broker\n")


def test_outside_of_the_context_nothing_is_shown(file, clock):
    progress = plain(file, clock)
    progress.phase("early")
    with progress:
        progress.phase("now")
    progress.advance_to(3)
    assert file.getvalue() == "[   0.0 s] now\n"


def test_a_terminal_shows_a_bar_that_vanishes(file):
    console = Console(file=file, width=100, force_terminal=True, color_system=None)
    with Progress(console=lambda: console) as progress:
        progress.phase("broker")
        progress.phase("arm off: [b]producing[/b] {x}", 200)
        progress.advance_to(120)
        progress.note("Redpanda [b]answers[/b]")
        progress._show._bars.refresh()
        text = file.getvalue()
    assert "arm off: [b]producing[/b] {x}" in text
    assert "120/200" in text
    assert "Redpanda [b]answers[/b]\n" in text
    assert file.getvalue().endswith("\x1b[2K")


def test_a_failure_inside_ends_the_bar_and_passes_on(file):
    console = Console(file=file, width=100, force_terminal=True, color_system=None)
    progress = Progress(console=lambda: console)
    with pytest.raises(RuntimeError, match="boom"):
        fail_in(progress)
    assert progress._show is None


def fail_in(progress):
    with progress:
        progress.phase("broker")
        raise RuntimeError("boom")


def test_a_dumb_terminal_gets_lines(file, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with Progress(console=lambda: Console(file=file, width=100, force_terminal=True)) as progress:
        progress.phase("broker")
    assert file.getvalue() == "[   0.0 s] broker\n"


@pytest.mark.parametrize("width", [40, 80])
def test_a_bar_is_one_line(file, width):
    """A phase with a long name is cut, with a sign; it neither takes a second line nor the amount with it."""
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    with Progress(console=lambda: console) as progress:
        progress.phase("arm idempotence-and-everything-else: waiting for what is late", 200)
        progress.advance_to(120)
        progress._show._bars.refresh()
        last = file.getvalue().split("\x1b[2K")[-1]
    assert "\n" not in last.strip("\n")
    assert "…" in last
    assert "120/200" in last

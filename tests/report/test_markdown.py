"""Markdown for a CI summary, read back with a real parser: what it shows, and that no name from outside acts in it."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ackdrop.report import markdown
from ackdrop.report.clean import clean
from ackdrop.report.finished import Finished
from ackdrop.report.markdown_text import block, in_html, inline
from ackdrop.result import Finding, Reason

KINDS = ["lost_ack", "failed", "inconclusive", "resend", "proxy", "unknown", "repeated", "alone"]
GITHUB = 1024 * 1024

LOST_ACK = """\
## ✓ PASSED: The ack is lost after the append

With idempotence on, the retry left no duplicate; with it off, it left 1.

|  | idempotence off | idempotence on |
|---|---:|---:|
| sent, acked | 200, 200 | 200, 200 |
| acks dropped | 1 | 1 |
| retries forced | 1 | 1 |
| records in the log | 201 | 200 |
| duplicates | 1 | 0 |
| lost, out of order | 0, 0 | 0, 0 |
| expected | duplicates ≥ 1 ✓ | duplicates 0 ✓ |
|  | lost 0 ✓ | lost 0 ✓ |
|  |  | out\\_of\\_order 0 ✓ |

<details>
<summary>off: 1 duplicate</summary>

```text
record 2 stands at offsets 2 and 3 of partition 0
  0.857 s  connection 2  sent: appended at 2, ack dropped: "lose the third ack"
  3.966 s  connection 3  sent again, no producer id: appended at 3, acked
  The client sent it again without a producer id, so the broker could not know it again. (retry-unprotected)
```

</details>

<details>
<summary>on: 1 retry that left no second copy</summary>

```text
record 2 stands at offset 2 of partition 0 alone
  0.864 s  connection 2  producer 1, epoch 0, sequence 2: appended at 2, ack dropped: "lose the third ack"
  3.967 s  connection 3  the same sequence again: answered with offset 2, not written, acked
```

</details>

lost-ack · seed 7 · kafka-python 3.0.12 · Redpanda 22.3.25 at 127.0.0.1:9092 (found) · ackdrop 0.1.0

Folder: ackdrop-runs/one

Again:

```text
ackdrop run lost-ack --seed 7
```
"""


@pytest.fixture(scope="module")
def parser():
    """GitHub's dialect: it links addresses that have a scheme or an `@`, and no bare domains."""
    return github()


def github():
    found = MarkdownIt("gfm-like")
    found.linkify.set({"fuzzy_link": False})
    found.linkify.add("//", None)
    return found


def text(*results, folder=None):
    return markdown.text([Finished(result, folder) for result in results])


def elements(parser, source):
    """What the document is made of, its words aside."""
    tokens = [child for token in parser.parse(source) for child in (token, *(token.children or ()))]
    return [token.type for token in tokens if token.type not in ("text", "text_special")]


def words(parser, source):
    """The words of one paragraph."""
    (inline_token,) = [token for token in parser.parse(source) if token.type == "inline"]
    return "".join(child.content for child in inline_token.children).replace("\u200b", "")


def test_a_run(results):
    result = results.change(results.lost_ack(), run=results.run_info)
    assert text(result, folder=Path("ackdrop-runs/one")) == LOST_ACK


@pytest.mark.parametrize("name", KINDS)
def test_the_verdict_comes_first(results, name):
    result = getattr(results, name)()
    assert text(result).splitlines()[0].endswith(f"{result.verdict.upper()}: {result.scenario.title}")


@pytest.mark.parametrize("name", KINDS)
def test_all_cells_are_in_a_table(results, parser, name):
    """A table, and as many rows as it has lines, each with a cell for each arm."""
    result = getattr(results, name)()
    found = elements(parser, text(result))
    arms = len(result.repeat.arms if result.repeat is not None else result.arms)
    assert found.count("table_open") == 1
    assert found.count("th_open") == arms + 1
    assert found.count("td_open") == (arms + 1) * (found.count("tr_open") - 1)


def test_reasons_follow_the_verdict(results):
    lines = text(results.inconclusive()).splitlines()
    assert lines[2] == "Nothing is proved either way."
    assert lines[4].startswith('- off: The fault "lose the third ack" matched 0 times')
    assert lines[4].endswith("(fault-never-fired)")
    assert lines[5] == "- No retry left a duplicate. (control-clean)"


def test_several_runs_of_a_scenario(results):
    found = text(results.repeated())
    assert "4 of 5 runs: 3 passed, 1 failed · minimum / median / maximum\n" in found
    assert "| duplicates | 1 | 0 / 0 / 2 |" in found
    assert "| expected | duplicates ≥ 1: 3 of 3 ✓ | duplicates 0: 2 of 4 ✗ |" in found
    assert found.index("Findings of run 2:") < found.index("<details>")


def test_several_scenarios(results):
    found = text(results.lost_ack(), results.failed(), results.inconclusive())
    assert found.startswith("**3 results: 1 passed, 1 inconclusive, 1 failed**\n\n## ✓ PASSED")
    assert found.count("\n## ") == 3


def test_notes_and_the_folder(results):
    found = text(results.change(results.failed(), notes=["A *note*."]), folder=Path("runs/a_b"))
    assert "- A \\*note\\*.\n- report.json has every finding" in found
    assert "Folder: runs/a\\_b" in found


def test_a_run_that_could_not_be_done(results):
    result = results.run(verdict="error", broker=None, reasons=[Reason("no-broker", None, "Nobody answers.")])
    assert text(result) == (
        "## ✗ ERROR: The ack is lost after the append\n\nThe run could not be done.\n\n"
        "- Nobody answers. (no-broker)\n\nlost-ack · seed 7 · no broker\n"
    )


def test_nothing_at_all():
    assert markdown.text([]) == "\n"


@pytest.mark.parametrize("name", ["a", "\U0001f600", "|"])
def test_below_the_limit_of_github(results, name):
    """Whatever the number of findings, reasons and arms, and however many bytes a name takes."""
    long = name * 300
    lines = [results.change(results.line, error=long, fault=long, number=n) for n in range(9)]
    findings = [
        Finding(kind, "unexplained", f"{long}/{n}", results.place(n, topic=long), long, lines)
        for kind in ("duplicate", "lost", "phantom")
        for n in range(400)
    ]
    arms = [results.change(results.off_arm(), name=f"{n}{long}", findings=findings) for n in range(8)]
    reasons = [Reason("no-retry", None, long * 20) for _ in range(400)]
    result = results.run(*arms, verdict="failed", reasons=reasons, notes=[f"{long}{n}" for n in range(400)])
    for runs in ([result], [result] * 3):
        found = text(*runs).encode()
        assert len(found) < GITHUB
        assert b"and 350 more" in found
        assert b"see report.json" in found


def test_runs_for_which_there_is_no_room_are_counted(results):
    """They are whole or not there at all; findings give way before a verdict does."""
    found = text(*[results.failed()] * 3000)
    assert len(found.encode()) < GITHUB
    shown = found.count("## ✗ FAILED")
    assert 1000 < shown < 3000
    assert found.endswith(f"\n\n{3000 - shown:,} more runs: there is no room for more here. See report.json.\n")


def test_the_room_is_shared(results):
    """The first run does not take all of it from the others."""
    found = text(*[results.failed(200)] * 60)
    assert found.count("## ✗ FAILED") == 60
    assert found.count("<summary>on: 200 duplicates</summary>") == 60
    assert found.count("</details>") == found.count("<details>")


HOSTILE = [
    "<b>x</b>",
    "</details></summary><script>",
    "<!--",
    "&lt;b&gt;",
    "&#60;",
    "`a` ``b",
    "a|b\\|c\\",
    "[x](http://y.z)",
    "![x](y)",
    "[^1] [x]: y",
    "**a** __b__ _c_ ~~d~~",
    "# a",
    "- a",
    "+ a",
    "1. a",
    "2) a",
    "> a",
    "---",
    "===",
    "    code",
    "a\n\n# b",
    "a\r\n- b",
    "\x1b[31m",
    "http://x.y https://x.y ftp://x.y www.x.y",
    "a@b.cd mailto:a@b.cd",
    "$x$ $$y$$",
    ":smile: #1 GH-1 @me o/r#2",
    "```\n# a\n```",
    "~~~",
    "<http://x.y>",
    "\\",
    "a\u202eb\ud800",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_word_is_shown_and_does_nothing(parser, name):
    """In a paragraph, an entry of a list and a cell of a table."""
    shown = inline(name)
    assert elements(parser, shown) == elements(parser, "plain")
    assert elements(parser, f"- {shown}") == elements(parser, "- plain")
    assert elements(parser, f"| {shown} |\n|---|") == elements(parser, "| plain |\n|---|")
    assert elements(parser, f"## a: {shown}") == elements(parser, "## a: plain")
    assert words(parser, shown) == clean(name).strip()


@pytest.mark.parametrize("name", ["@me", "a@b.cd", "#1", "GH-1", "gh-1", "www.x.y", "http://x", ":smile:", "mailto:x"])
def test_what_github_would_link_is_broken(name):
    """By a zero-width space, which is no part of any name or address."""
    for shown in (inline(name), in_html(name)):
        assert "\u200b" in shown
        assert html.unescape(shown).replace("\u200b", "").replace("\\", "") == name


def test_no_formula_and_no_entity():
    assert inline("$x$ &amp;") == "&#36;x&#36; &amp;amp;"


def test_a_block_of_code_holds_what_would_end_it(parser):
    shown = block(["```", "````text", "# a"])
    (token,) = parser.parse(shown)
    assert (token.type, token.content) == ("fence", "```\n````text\n# a\n")


hostile = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=6), st.sampled_from(list("`*_~[]()<>!|\\#&@$:\n -+=.1"))),
    max_size=5,
).map("".join)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=hostile)
def test_hostile_names(results, parser, name):
    """In a whole report: the elements that it has with a plain name, and no other HTML than the folds."""
    found = text(results.hostile(name), folder=Path("x"))
    assert elements(parser, found) == elements(parser, text(results.hostile("plain"), folder=Path("x")))
    blocks = [token.content for token in parser.parse(found) if token.type == "html_block"]
    assert [part.count("<") for part in blocks] == [3, 1]
    assert "\x1b" not in found
    found.encode()


@settings(max_examples=200, deadline=None)
@given(name=hostile)
def test_hostile_words(name):
    parser, shown = github(), inline(name)
    if shown:
        assert elements(parser, shown) == elements(parser, "plain")
        assert words(parser, shown) == clean(name).strip().replace("\u200b", "")

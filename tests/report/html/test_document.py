"""The document as text: what it holds, in which order, and that nothing from outside can act in it."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ackdrop.report import html
from ackdrop.report.clean import clean
from ackdrop.report.finished import Finished
from ackdrop.report.html.environment import environment
from ackdrop.result import (
    BrokerInfo,
    ExpectationResult,
    FaultCount,
    Place,
    ProducerInfo,
    Reason,
    RunInfo,
    ScenarioInfo,
)

from ...effort import calls

TEMPLATES = Path(html.__file__).parent / "templates"
EMPTY = frozenset({"meta", "link", "br", "input"})


class Document(HTMLParser):
    """What a browser would see: elements with their attributes, and the text outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def shown(result, folder=None) -> str:
    return html.text([Finished(result, folder)])


def evil(results, name):
    """A result in which every text that came from outside is this one."""
    change = results.change

    def arm(told):
        findings = [
            change(
                finding,
                record=name,
                fault=name,
                places=[Place(name, 0, place.offset) for place in finding.places],
                attempts=[change(line, topic=name, fault=name, error=name if n else None)
                          for n, line in enumerate(finding.attempts)],
            )
            for finding in told.findings
        ]  # fmt: skip
        return change(
            told,
            name=f"{name}{told.name}",
            findings=findings,
            producer=ProducerInfo(name, name, {name: name}, [name]),
            wire=change(told.wire, faults=[FaultCount(name, 1, 0)]),
            expectations=[ExpectationResult(name, 1, False)],
        )

    return results.run(
        arm(results.off_arm()),
        arm(results.on_arm()),
        scenario=ScenarioInfo(name, name, 7, name),
        broker=BrokerInfo("kafka", name, "given", name, name),
        verdict="failed",
        exit_code=1,
        reasons=[Reason("expectation-failed", name, name), Reason(name, None, name)],
        notes=[name],
        run=RunInfo(name, name, 1.0, ["ackdrop", name], {name: name}),
    )


def test_all_parts_in_their_order(results, kept):
    result = results.run(
        results.off_arm(), results.on_arm(), run=results.run_info, notes=["A note."],
        reasons=[Reason("no-retry", "on", "Nothing was sent again: look at the client's retries.")],
    )  # fmt: skip
    run = kept(result)
    text = Document(html.text([run])).text
    parts = [
        "The ack is lost after the append",
        "passed With idempotence on, the retry left no duplicate; with it off, it left 1. Exit code 0.",
        "on: Nothing was sent again: look at the client's retries. no-retry",
        "sent, acked",
        "duplicates ≥ 1",
        "Findings 1 duplicate and 1 deduplicated.",
        "record 2 stands at offsets 2 and 3 of partition 0",
        "Sequence diagram: record 2 stands at offsets 2 and 3",
        "Timeline idempotence off",
        "Attempts",
        "Faults",
        "matched 201, fired 1",
        "Scenario version: 1 title: <b>It & that</b>",
        "Producer idempotence off idempotence on client kafka-python 3.0.12",
        "Run and versions",
        "Redpanda 22.3.25 at 127.0.0.1:9092 (found)",
        "ackdrop 0.1.0",
        "Run it again ackdrop run lost-ack --seed 7",
        "Notes A note.",
    ]
    places = []
    for part in parts:
        assert part in text, part
        places.append(text.index(part, places[-1] if places else 0))


def test_a_run_without_a_folder_says_what_is_missing(results):
    text = Document(shown(results.lost_ack())).text
    assert "The run left no folder, so only its result is known." in text
    assert "The ack is lost after the append, seed 7. Its file is not in the run's folder." in text


def test_expectations_are_told_without_colour(results):
    text = Document(shown(results.failed())).text
    assert "duplicates 0, was 7 ✗ did not hold" in text
    assert "lost 0 ✓ held" in text
    assert "duplicates 0 ? not known" in Document(shown(results.unknown())).text


def test_several_runs_of_one_scenario(results):
    text = Document(shown(results.repeated())).text
    assert "4 of 5 runs: 3 passed, 1 failed. Figures that differ read minimum / median / maximum" in text
    assert "200 / 200 / 202" in text
    assert "duplicates 0: 2 of 4 ✗ did not hold" in text
    assert "Run 2, the first of those with the worst verdict" in text


def test_a_log_verified_alone(results):
    text = Document(shown(results.alone())).text
    assert "2 duplicates in the log. Nobody watched the wire" in text
    assert "Nobody watched the wire: the log was verified alone." in text
    assert "There are no findings." in text


def test_a_run_that_never_began(results):
    reasons = [Reason("no-broker", None, "No broker was found.")]
    text = Document(shown(results.run(verdict="error", exit_code=4, reasons=reasons, broker=None))).text
    assert "error The run could not be done. Exit code 4." in text
    assert "No broker was found. no-broker : No broker was found, or none could be started." in text


def test_several_runs_have_an_index_and_names_of_their_own(results):
    document = Document(html.text([Finished(results.lost_ack(), None), Finished(results.failed(2), None)]))
    assert "2 runs verdict scenario what it says exit code passed The ack is lost after the append" in document.text
    names = [attrs["id"] for _, attrs in document.elements if "id" in attrs]
    assert len(names) == len(set(names))
    links = [attrs["href"] for tag, attrs in document.elements if tag == "a"]
    assert {"#r1", "#r2"} <= set(links)
    assert all(link.removeprefix("#") in names for link in links)


def test_no_run_at_all():
    assert "0 runs" in Document(html.text([])).text


def test_nothing_is_loaded_and_only_ours_may_run(results, kept):
    text = html.text([kept(results.lost_ack())])
    document = Document(text)
    (policy,) = [attrs["content"] for tag, attrs in document.elements if attrs.get("http-equiv")]
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    for tag, attrs in document.elements:
        assert not {"src", "style", "onclick", "onload", "srcset", "action"} & set(attrs), tag
        assert attrs.get("href", "#").startswith(("#", "data:,"))


def test_the_hostile_name_is_text_everywhere(results, hostile, tmp_path):
    (tmp_path / "scenario.yaml").write_bytes(hostile.encode() + b"\n</pre><script>alert(3)</script>\xff\n")
    document = Document(shown(evil(results, hostile), tmp_path))
    tags = [tag for tag, _ in document.elements]
    assert tags.count("script") == tags.count("style") == 1
    assert "img" not in tags
    assert "\u202e" not in document.text
    assert document.text.count("<script>alert(1)</script>") > 30
    assert "</pre><script>alert(3)</script>\ufffd" in document.text
    assert document.open == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.one_of(st.text(min_size=1, max_size=40), st.sampled_from(["{{ 7*7 }}", "&lt;b&gt;", "'\"><!--", "]]>"])))
def test_any_name_is_text_everywhere(results, name):
    document = Document(shown(evil(results, name)))
    kinds = {tag for tag, _ in document.elements}
    assert kinds == {tag for tag, _ in Document(shown(evil(results, "plain"))).elements}
    assert re.sub(r"\s+", " ", clean(name)).strip() in document.text
    assert document.open == []


def test_the_same_result_gives_the_same_page(results, kept):
    run = kept(results.lost_ack())
    assert html.text([run]) == html.text([run])


def test_a_thousand_findings_stay_below_three_megabytes(results, kept):
    run = kept(results.failed(1000))
    assert len(html.text([run]).encode()) < 3_000_000


def test_a_usual_run_is_written_at_once(results, kept):
    run = kept(results.lost_ack())
    html.text([run])  # the templates are read once
    assert calls(lambda: html.text([run])) < 60_000


def test_what_is_not_known_cannot_be_shown_by_mistake():
    with pytest.raises(TypeError, match="None cannot be shown"):
        environment().from_string("{{ value }}").render(value=None)


@pytest.mark.parametrize("name", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_templates_quote_every_attribute_and_trust_no_value(name):
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    assert not re.search(r"=\{\{|=\{%", source)
    assert re.findall(r"([^{|]*)\|\s*safe", source) in ([], [" ' class=\"n\"'"])


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", scheme))


def luminance(colour: str) -> float:
    """WCAG 2.1, relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "muted", "accent", "good", "bad", "warn"])
@pytest.mark.parametrize("ground", ["page", "shade"])
def test_contrast_is_enough_to_read(scheme, ink, ground):
    css = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    known = colours(re.findall(r":root \{(.*?)\}", css, re.DOTALL)[scheme])
    lighter, darker = sorted((luminance(known[ink]), luminance(known[ground])), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_a_long_scenario_is_cut_and_says_so(results, tmp_path):
    (tmp_path / "scenario.yaml").write_text("a: 1\n" * 20_000, encoding="utf-8")
    assert "The first 64 KiB of the file." in Document(shown(results.lost_ack(), tmp_path)).text


def test_dates_and_other_values_of_a_config_are_shown(results):
    config = {"when": datetime.date(2026, 1, 2), "retries": None, "many": [1, "b"], "text": "plain"}
    arm = dataclasses.replace(results.off_arm(), producer=ProducerInfo("kafka-python", None, config))
    text = Document(shown(results.run(arm))).text
    assert 'when "2026-01-02" retries null many [1, "b"] text plain' in text

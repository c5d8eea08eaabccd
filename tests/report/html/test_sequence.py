"""The sequence diagram of a finding: what is drawn, that it stays inside, and that no label covers another."""

from __future__ import annotations

import dataclasses
import itertools
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ackdrop.report.html.canvas import BROKER, LOG, PRODUCER, PROXY, WIDTH
from ackdrop.report.html.sequence import diagram
from ackdrop.report.html.svg import width

MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def draw(finding, **options):
    return diagram(finding, "record 2 stands", label="f1", **options)


def words(tree):
    return [text.text for text in tree.iter("text")]


def lines(tree, cls):
    """The horizontal lines of a class: from x, to x, at y."""
    found = [line for line in tree.iter("line") if cls in line.get("class").split()]
    return [tuple(float(line.get(name)) for name in ("x1", "x2", "y1")) for line in found]


def boxes(tree):
    """The rectangle of each label: left, top, right, bottom."""
    for text in tree.iter("text"):
        size = float(text.get("font-size", 12))
        x, y, wide = float(text.get("x")), float(text.get("y")), width(text.text, size)
        left = {"end": x - wide, "middle": x - wide / 2}.get(text.get("text-anchor"), x)
        yield left, y - 0.78 * size, left + wide, y + 0.22 * size


def test_lost_ack_is_a_broken_arrow_and_the_retry_a_whole_one(make_chain, attempts, parsed):
    tree = parsed(draw(make_chain(*attempts)))
    (cross,) = [path for path in tree.iter("path") if path.get("class") == "broken"]
    assert cross.get("d").startswith(f"M{PROXY - 5:.1f}")
    told = words(tree)
    assert [told.index(text) for text in ("#3 sent", "append", "2", "offset 2", "ack dropped: “lose the third ack”")]
    assert [text for text in told if text.startswith(("#4", "acked"))] == ["#4 sent again, no producer id", "acked"]
    requests, answers = lines(tree, "request"), lines(tree, "answer")
    assert [(start, round(end, -1)) for start, end, _ in requests] == [(PRODUCER, round(BROKER, -1))] * 2
    assert [(start, end) for start, end, _ in answers] == [(BROKER, PROXY + 9), (BROKER, PRODUCER + 3.5)]
    ys = [y for *_, y in requests + answers]
    assert sorted(ys) == [requests[0][2], answers[0][2], requests[1][2], answers[1][2]]


def test_moments_and_connections_stand_in_the_gutter(make_chain, attempts, parsed):
    told = words(parsed(draw(make_chain(*attempts))))
    for text in ("0.857 s", "connection 2", "0.861 s", "3.966 s", "connection 3", "3.1 s later"):
        assert text in told


def test_retry_that_the_broker_knew_is_not_written(make_chain, attempts, parsed):
    first = dataclasses.replace(attempts[0], producer_id=5, producer_epoch=0, base_sequence=7)
    again = dataclasses.replace(attempts[1], producer_id=5, producer_epoch=0, base_sequence=7, base_offset=2)
    tree = parsed(draw(make_chain(first, again, kind="deduplicated", cause=None)))
    told = words(tree)
    assert told.count("append") == 1
    assert "known already: not written" in told
    assert "#3 producer 5, epoch 0, sequence 7" in told
    assert [box.get("class") for box in tree.iter("rect")] == ["cell appended", "cell known"]
    assert len(lines_at_the_log(tree)) == 1


def lines_at_the_log(tree):
    return [line for line in lines(tree, "append") if BROKER <= line[0] < line[1] <= LOG]


def test_copy_of_ours_begins_at_the_proxy_and_its_answer_ends_there(make_chain, attempts, parsed):
    copy = dataclasses.replace(attempts[1], at=0.858, injected=True, ack="none")
    tree = parsed(draw(make_chain(attempts[0], copy)))
    ((start, _, _),) = lines(tree, "injected")
    assert start == PROXY
    assert (BROKER, PROXY + 3.5) in [line[:2] for line in lines(tree, "answer")]


def test_late_ack_arrives_in_a_step_of_its_own(make_chain, attempts, parsed):
    late = dataclasses.replace(attempts[0], ack="delayed", acked_at=1.9)
    tree = parsed(draw(make_chain(late, attempts[1])))
    told = words(tree)
    assert "held back: “lose the third ack”" in told
    assert "acked 1.0 s late" in told
    assert "1.900 s" in told
    assert (PROXY, PRODUCER + 3.5) in [line[:2] for line in lines(tree, "late")]
    assert not list(tree.iterfind("path[@class='broken']"))


def test_error_written_by_a_fault_changes_at_the_proxy(make_chain, attempts, parsed):
    told_otherwise = dataclasses.replace(attempts[0], ack="delivered", error="REQUEST_TIMED_OUT")
    tree = parsed(draw(make_chain(told_otherwise)))
    assert "told REQUEST_TIMED_OUT: “lose the third ack”" in words(tree)
    assert [line[:2] for line in lines(tree, "altered")] == [(PROXY, PRODUCER + 3.5)]


def test_request_that_was_held_ends_at_the_proxy(make_chain, attempts, parsed):
    held = dataclasses.replace(attempts[0], base_offset=None, answered_at=None, ack="none")
    tree = parsed(draw(make_chain(held), held=frozenset({3})))
    assert [line[:2] for line in lines(tree, "request")] == [(PRODUCER, PROXY)]
    assert "never went on to the broker: “lose the third ack”" in words(tree)
    assert "no answer seen" not in words(tree)


def test_no_answer_and_none_asked(make_chain, attempts, parsed):
    silent = dataclasses.replace(attempts[0], base_offset=None, answered_at=None, ack="none", fault=None)
    assert "no answer seen" in words(parsed(draw(make_chain(silent, fault=None))))
    assert "no answer asked (acks 0)" in words(
        parsed(draw(make_chain(dataclasses.replace(silent, acks=0), fault=None)))
    )


def test_acked_record_that_is_lost_is_drawn_where_it_should_stand(make_chain, attempts, parsed):
    acked = dataclasses.replace(attempts[0], ack="delivered", fault=None)
    tree = parsed(draw(make_chain(acked, kind="lost", cause=None, fault=None)))
    assert "not in the log" in words(tree)
    assert "append" not in words(tree)
    assert [box.get("class") for box in tree.iter("rect")] == ["cell elsewhere"]


def test_long_chain_is_cut_and_says_so(make_chain, attempts, parsed):
    many = [
        dataclasses.replace(attempts[0], at=n, answered_at=n + 0.01, acked_at=None, base_offset=n, number=n + 1)
        for n in range(20)
    ]
    told = words(parsed(draw(make_chain(*many))))
    assert "13 more attempts like these" in told
    assert [text for text in told if text.startswith("#")][-1].startswith("#20 ")
    assert sum(text.startswith("#") for text in told) == 7


def test_answers_name_their_attempt_where_attempts_overlap(make_chain, attempts, parsed):
    first = dataclasses.replace(attempts[0], answered_at=1.5, acked_at=1.5)
    other = dataclasses.replace(attempts[1], at=0.9, answered_at=1.2, acked_at=1.2)
    told = words(parsed(draw(make_chain(first, other))))
    assert told.index("#4 offset 3") < told.index("#3 offset 2")
    assert "offset 2" in words(parsed(draw(make_chain(*attempts))))


def test_what_the_client_was_told_gets_the_room_of_its_escapes(make_chain, attempts, parsed):
    """It stands beside the answer's own words only where both fit as they are drawn."""
    hidden = "a\x1f\x08"
    dropped = dataclasses.replace(attempts[0], ack="dropped", fault=hidden)
    tree = parsed(draw(make_chain(dropped, fault=hidden)))
    shown = {text.text: float(text.get("y")) for text in tree.iter("text")}
    assert shown["offset 2"] < shown["ack dropped: “a\\x1f\\x08”"]


def test_topic_without_a_name_leaves_no_empty_line(make_chain, attempts, parsed):
    first = dataclasses.replace(attempts[0], producer_id=0, producer_epoch=100, base_sequence=0)
    tree = parsed(draw(make_chain(dataclasses.replace(first, topic=""), dataclasses.replace(first, number=1000))))
    assert all(words(tree))


def test_is_read_out(make_chain, attempts, parsed):
    tree = parsed(draw(make_chain(*attempts)))
    assert tree.get("role") == "img"
    assert tree.get("aria-labelledby") == "f1-title f1-desc"
    assert tree.find("title").text == "Sequence diagram: record 2 stands"
    assert tree.find("desc").text.startswith("0.857 s: sent: appended at 2, ack dropped")


def test_waits_are_shortened_but_longer_ones_are_drawn_longer(make_chain, attempts, parsed):
    heights = []
    for wait in (0.01, 0.3, 30.0):
        again = dataclasses.replace(attempts[1], at=0.862 + wait, answered_at=0.87 + wait, acked_at=0.87 + wait)
        heights.append(float(parsed(draw(make_chain(attempts[0], again))).get("height")))
    assert heights[0] < heights[1] < heights[2] < heights[0] + 60


@MANY
@given(data=st.data())
def test_all_is_inside_and_no_label_covers_another(any_finding, parsed, data):
    tree = parsed(draw(data.draw(any_finding)))
    height = float(tree.get("height"))
    assert tree.get("viewBox") == f"0 0 {WIDTH} {height:g}"
    labels = list(boxes(tree))
    for left, top, right, bottom in labels:
        assert left >= 0
        assert top >= 0
        assert right <= WIDTH
        assert bottom <= height
    for one, other in itertools.combinations(labels, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)
    for line in tree.iter("line"):
        start, end = sorted(float(line.get(name)) for name in ("x1", "x2"))
        y = float(line.get("y1"))
        assert start >= PRODUCER
        assert end <= LOG
        assert 0 <= y <= height
        assert not [box for box in labels if box[1] < y < box[3] and box[0] < end and start < box[2]]


@MANY
@given(data=st.data())
def test_an_arrow_is_broken_exactly_where_an_ack_was_dropped_or_withheld(any_finding, parsed, data):
    finding = data.draw(any_finding)
    shown = finding.attempts if len(finding.attempts) <= 8 else [*finding.attempts[:6], finding.attempts[-1]]
    broken = [path for path in parsed(draw(finding)).iter("path") if path.get("class") == "broken"]
    assert len(broken) == sum(line.ack in ("dropped", "withheld") for line in shown)


@MANY
@given(data=st.data())
def test_the_same_finding_is_drawn_the_same(any_finding, data):
    finding = data.draw(any_finding)
    assert draw(finding) == draw(dataclasses.replace(finding))


@MANY
@given(data=st.data())
def test_nothing_from_outside_becomes_an_element(any_finding, parsed, data):
    svg = str(draw(data.draw(any_finding)))
    assert {element.tag for element in parsed(svg).iter()} <= {
        "svg",
        "title",
        "desc",
        "path",
        "line",
        "circle",
        "rect",
        "text",
    }
    assert not re.search(r"<script|<img|\u202e", svg)

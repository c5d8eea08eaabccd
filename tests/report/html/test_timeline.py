"""The timeline of an arm, from its ledger."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from ackdrop.observations import AckedRange
from ackdrop.report.html.svg import number, width
from ackdrop.report.html.timeline import WIDTH, scale_of, timeline

REAL_LOSS = dict(ack="dropped", fault="lose the third ack")


def draw(wire, **options):
    return timeline(wire, scale_of([wire]), arm="idempotence off", label="t1", **options)


def marks(tree):
    """How many marks of each shape there are; those of everyday attempts stand in one path."""
    found = Counter()
    for path in tree.iter("path"):
        if path.get("class") in ("plain", "retry", "lost", "late", "error", "unanswered", "copy"):
            found[path.get("class")] += path.get("d").count("M")
    return found


@pytest.fixture
def lost_ack(facts, wire_of):
    """Three attempts, the third one's ack dropped; its retry two seconds later on another connection."""
    seen = [*facts(1), *facts(2), *facts(3, **REAL_LOSS), *facts(4, at=102.5, connection=2, retry_of=3, tries=2)]
    return wire_of(seen)


def test_marks_stand_in_both_panels(lost_ack, parsed):
    drawn = draw(lost_ack)
    assert marks(parsed(drawn.svg)) == {"plain": 4, "lost": 2, "retry": 2}
    assert [entry.text for entry in drawn.legend] == [
        "attempt, acked",
        "retry",
        "ack dropped or withheld",
        "fault fired",
    ]
    assert drawn.notes == []


def test_lanes_are_connections_and_a_retry_is_linked_to_what_it_repeats(lost_ack, parsed):
    tree = parsed(draw(lost_ack).svg)
    words = [text.text for text in tree.iter("text")]
    assert words.count("connection 1") == words.count("connection 2") == 1
    (link,) = tree.iterfind("path[@class='again']")
    assert link.get("d").count("L") == 1


def test_idle_time_is_folded_and_says_how_long_it_was(lost_ack, parsed):
    tree = parsed(draw(lost_ack).svg)
    (fold,) = tree.iterfind("rect[@class='fold']")
    assert fold.find("title").text == "2.5 s without an event, drawn shorter"
    assert "2.5 s" in [text.text for text in tree.iter("text")]


def test_faults_are_marked_by_name(lost_ack, parsed):
    (fired,) = parsed(draw(lost_ack).svg).iterfind("path[@class='fired']")
    assert fired.find("title").text == "lose the third ack"


def test_a_fault_is_marked_when_it_fired_at_the_request_or_at_the_answer(facts, wire_of, parsed):
    wire = wire_of([*facts(1), *facts(2, fault="copy it"), *facts(3, fault="lose it", ack="dropped"), *facts(4)])
    scale = scale_of([wire])
    marked = [path.get("d").split()[0] for path in parsed(draw(wire).svg).iterfind("path[@class='fired']")]
    assert marked == [f"M{number(scale.at(0.01))}", f"M{number(scale.at(0.024))}"]


def test_eventful_attempts_say_what_became_of_them(lost_ack, parsed):
    told = {title.text for title in parsed(draw(lost_ack).svg).iterfind("g/title")}
    assert told == {
        "0.020 s, connection 1, #3: answer: offset 2, ack dropped by “lose the third ack”, answered in 4 ms",
        "2.490 s, connection 2, #4, again #3: answer: offset 3, ack delivered, answered in 4 ms",
    }


@pytest.mark.parametrize(
    ("changes", "glyph"),
    [
        ({"ack": "delayed", "late": 0.5}, "late"),
        ({"ack": None}, "unanswered"),
        ({"ack": "withheld"}, "lost"),
        ({"injected": True, "retry_of": 1}, "copy"),
    ],
)
def test_every_fate_has_a_shape(facts, wire_of, parsed, changes, glyph):
    tree = parsed(draw(wire_of([*facts(1), *facts(2, **changes)])).svg)
    assert marks(tree)[glyph] >= 1


def test_many_attempts_are_binned_and_eventful_ones_are_not(facts, wire_of, parsed):
    seen = [fact for n in range(1, 301) for fact in facts(n, **(REAL_LOSS if n % 50 == 0 else {}))]
    drawn = draw(wire_of(seen), most=20)
    tree = parsed(drawn.svg)
    assert marks(tree) == {"lost": 12}
    bins = [bar.find("title").text for bar in tree.iterfind("rect[@class='bin']")]
    attempts = [int(text.split()[0]) for text in bins if text.endswith("attempts")]
    assert sum(attempts) == 294
    assert sum(int(text.split()[0]) for text in bins if " answers, half of them within " in text) == 294
    assert drawn.notes == [
        "6 of 300 attempts are drawn one by one, those first that were retried, lost, delayed or failed. "
        "Bars stand for the others: the higher, the more."
    ]


def test_more_eventful_attempts_than_are_drawn_are_counted(facts, wire_of, parsed):
    seen = [fact for n in range(1, 31) for fact in facts(n, **REAL_LOSS)]
    drawn = draw(wire_of(seen), most=20)
    assert marks(parsed(drawn.svg))["lost"] == 40
    assert drawn.notes[1] == "10 eventful attempts are among the others, for there are too many of them."


def test_many_faults_are_marked_above_the_lanes_alone(facts, wire_of, parsed):
    wire = wire_of([fact for n in range(1, 32) for fact in facts(n, **REAL_LOSS)])
    few = dataclasses.replace(wire, attempts=wire.attempts[:30])
    for drawn, count, ends_above in ((wire, 31, True), (few, 30, False)):
        marked = list(parsed(draw(drawn).svg).iterfind("path[@class='fired']"))
        assert len(marked) == count
        assert {float(path.get("d").split("V")[1]) < 20 for path in marked} == {ends_above}


def test_what_the_ledger_let_go_is_said(facts, wire_of):
    wire = dataclasses.replace(wire_of(facts(1)), let_go=1200)
    assert draw(wire).notes == ["The ledger let go of 1,200 observations: attempts may lack a part."]


def test_what_the_ledger_folded_is_said(facts, wire_of):
    wire = dataclasses.replace(wire_of(facts(1)), ranges=(AckedRange("orders", 0, 0, 99, 50),))
    assert draw(wire).notes == ["50 more attempts were acked at once and are known by their offsets alone."]


def test_many_connections_give_way_to_partitions(facts, wire_of, parsed):
    seen = [fact for n in range(1, 41) for fact in facts(n, connection=n, partition=n % 15)]
    words = [text.text for text in parsed(draw(wire_of(seen)).svg).iter("text")]
    assert len([word for word in words if word.startswith("partition ")]) == 11
    assert "4 others" in words


def test_an_arm_without_attempts_has_none(wire_of):
    assert draw(wire_of([])) is None


def test_attempts_without_any_answer(facts, wire_of, parsed):
    words = [text.text for text in parsed(draw(wire_of(facts(1, ack=None))).svg).iter("text")]
    assert "no answer was seen" in words


def test_all_is_inside_and_drawn_the_same_again(facts, wire_of, parsed, hostile):
    seen = [fact for n in range(1, 31) for fact in facts(n, topic=hostile, connection=n, ack="dropped", fault=hostile)]
    wire = wire_of(seen)
    tree, height = parsed(draw(wire).svg), float(parsed(draw(wire).svg).get("height"))
    assert draw(wire) == draw(wire)
    for text in tree.iter("text"):
        x, y, wide = float(text.get("x")), float(text.get("y")), width(text.text)
        left = {"end": x - wide, "middle": x - wide / 2}.get(text.get("text-anchor"), x)
        assert left >= 0
        assert left + wide <= WIDTH + 1
        assert 0 <= y <= height
    assert {element.tag for element in tree.iter()} == {"svg", "title", "desc", "path", "text", "g"}

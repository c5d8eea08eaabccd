"""The language of a scenario: one model for each mapping.

Descriptions and examples live here once, for messages, for documentation and for the JSON schema.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import Field, model_validator

from ..faults.rule import Per
from ..observations import Isolation
from ..result import ExpectedFigure
from . import fields, units
from .actions import PLACES, Do, Mapping
from .complaint import Complaint, expected, guess, shortened
from .vocabulary import COMPRESSIONS

FIGURES: tuple[ExpectedFigure, ...] = get_args(ExpectedFigure)
PER: tuple[Per, ...] = get_args(Per)
ISOLATIONS: tuple[Isolation, ...] = get_args(Isolation)


_EXPECTED_PLACE = (
    f"expected one of: {', '.join(PLACES[:7])}, or .request or .response behind another API's name: metadata.response"
)


def _version(value: object) -> int:
    if value != 1 or isinstance(value, bool):
        hint = "this version of ackdrop reads scenarios of version 1"
        raise expected("1", value, "a number stands without quotes" if value == "1" else hint)
    return 1


def _control(value: object) -> str:
    if value != "none":
        raise expected("none", value, "leave the key out, and the arm without idempotence is the control")
    return "none"


def _place(value: object) -> str:
    if not isinstance(value, str):
        raise expected(f"a place such as {PLACES[0]}", value)
    if value not in PLACES:
        near = guess(value, PLACES)
        hint = f"{near} {_EXPECTED_PLACE}" if near else _EXPECTED_PLACE
        raise Complaint(f"unknown place {shortened(value)!r}", hint=hint, code="unknown-word")
    return value


class TopicSpec(Mapping):
    """The topic that is made for the run."""

    partitions: fields.Partitions = Field(1, description="Its partitions.", examples=[1, 3])
    replication: fields.Replication = Field(
        1, description="Its replicas: at most the brokers there are, or as many are started.", examples=[1]
    )


class ConfigSpec(Mapping):
    """The producer's settings, in the same words for every client. A word left out: the client's own default."""

    acks: fields.AcksWord = Field(
        "all", description="How many replicas must have a batch before it is acked.", examples=["all", 1, 0]
    )
    retries: fields.Retries | None = Field(
        None, description="How often the client sends a batch again by itself.", examples=[5]
    )
    request_timeout: fields.PositiveDuration | None = Field(
        None, description="How long the client waits for an answer before it gives the request up.", examples=["3s"]
    )
    delivery_timeout: fields.PositiveDuration | None = Field(
        None,
        description="How long the client tries to deliver a record, all retries together; at least "
        "`request_timeout` and `linger` together.",
        examples=["30s"],
    )
    retry_backoff: fields.Duration | None = Field(
        None, description="How long the client waits before it sends again.", examples=["100ms"]
    )
    linger: fields.Duration | None = Field(
        None, description="How long the client waits for more records to fill a batch.", examples=["0ms", "5ms"]
    )
    batch_size: fields.Size | None = Field(None, description="How large a batch may grow.", examples=["16KiB"])
    max_in_flight: fields.InFlight | None = Field(
        None, description="Requests without an answer that a connection may have.", examples=[5, 1]
    )
    compression: Annotated[str, fields.words("compression", COMPRESSIONS)] | None = Field(
        None, description="How batches are compressed.", examples=["zstd"]
    )


class WorkloadSpec(Mapping):
    """The traffic: what the producer of each arm sends."""

    producer: fields.Producer = Field(
        "kafka-python", description="The client library under test.", examples=["kafka-python", "confluent-kafka"]
    )
    records: fields.Records = Field(200, description="How many records the application means to write.", examples=[200])
    sends: fields.Times = Field(
        1, description="How often the application sends each of them by its own doing.", examples=[1, 3]
    )
    resend_failed: fields.Resends = Field(
        0,
        description="How often the application sends a record again that the client has reported as failed.",
        examples=[0, 1],
    )
    rate: fields.Rate | None = Field(
        None, description="Sends a second; without it, as fast as the client goes.", examples=["100/s"]
    )
    pipelined: fields.Flag = Field(
        True, description="Whether a send may go before the last one has its answer.", examples=[True, False]
    )
    value: fields.JsonValue = Field(
        default_factory=lambda: {"key": "value", "count": 1},
        description="The payload of every record, as JSON; its identity travels in a header.",
        examples=[{"key": "value", "count": 1}],
    )
    topic: TopicSpec = Field(
        default_factory=TopicSpec.default, description="The topic.", examples=[{"partitions": 3, "replication": 1}]
    )
    config: ConfigSpec = Field(
        default_factory=ConfigSpec.default,
        description="The producer's settings, in the same words for every client.",
        examples=[{"acks": "all", "retries": 5, "request_timeout": "3s"}],
    )
    client_config: dict[str, fields.JsonValue] = Field(
        default_factory=dict,
        description="Settings handed to the client's library as they are, in its own words.",
        examples=[{"metadata_max_age_ms": 60000}],
    )
    deadline: fields.PositiveDuration = Field(
        120.0, description="How long the producer of one arm may take before it is ended.", examples=["2m"]
    )


class ArmSpec(Mapping):
    """One run of the workload."""

    name: fields.ArmName = Field(description="The arm's name, as `expect` calls it.", examples=["off", "on"])
    idempotence: fields.Flag = Field(description="Whether the producer is idempotent.", examples=[False, True])


class MatchSpec(Mapping):
    """What a rule is about. A key left out fits everything; of several, all must fit."""

    topic: fields.Globs = Field(
        ("*",), description="Topic names: a glob or a list of them.", examples=["*", "ackdrop-*"]
    )
    partition: fields.PartitionNumbers = Field(
        None, description="Partitions: a number, a range, a list of these, or `*`.", examples=[0, "0-3", [0, 2]]
    )
    client_id: fields.Globs = Field(("*",), description="Client ids: a glob or a list of them.", examples=["*"])
    idempotent: fields.AnyOrFlag = Field(
        None, description="Whether the batch carries a producer id.", examples=["any", True]
    )
    attempt: fields.Attempt = Field(
        "any", description="Which attempt: `first`, `retry`, its number from 1, or `any`.", examples=["first", 2]
    )
    api: fields.Globs = Field(
        ("*",),
        description="At `*.request` and `*.response`: APIs by their Kafka names, a glob or a list of them.",
        examples=["metadata", ["init_producer_id", "add_*"]],
    )
    version: fields.Versions | None = Field(
        None, description="API versions: a number, a range or a comparison.", examples=[9, "0-8", ">= 9"]
    )
    node: fields.NodeIds | None = Field(
        None, description="The broker's node id: a number or a list; -1 is the bootstrap address.", examples=[0, [1, 2]]
    )
    connection: fields.Counted | None = Field(
        None,
        description="The connection's number, from 1, in the order in which they were opened.",
        examples=[2, ">= 2"],
    )
    tls: fields.AnyOrFlag = Field(None, description="Whether the client's connection is TLS.", examples=["any", True])
    transactional_id: fields.Globs | None = Field(
        None, description="Transactional ids: a glob or a list; `*` fits every request that has one.", examples=["*"]
    )
    producer_id: fields.ProducerIds | None = Field(
        None, description="Producer ids: a number or a list; -1 is none.", examples=[4000, [4000, 4001]]
    )
    acks: fields.AnyAcks = Field(None, description="What the request asks for: `all`, 1, 0 or `any`.", examples=["all"])
    records: fields.Counted | None = Field(
        None, description="How many records the batch holds: a number, a range or a comparison.", examples=[">= 2"]
    )
    size: fields.Sizes | None = Field(
        None,
        description="Bytes of the batch, of the whole frame at any other API: a size, a range or a comparison.",
        examples=[">= 64KiB"],
    )


class WhenSpec(Mapping):
    """When a rule fires among the frames that match. Without a key: always."""

    nth: fields.Numbers | None = Field(
        None, description="At the n-th match, from 1; a list for several.", examples=[3, [3, 5]]
    )
    first: fields.Times | None = Field(None, description="At the first so many matches.", examples=[2])
    every: fields.Times | None = Field(None, description="At every so-manieth match.", examples=[10])
    probability: fields.Probability | None = Field(
        None, description="By chance, drawn from the seed and never from the clock.", examples=[0.05]
    )
    after: fields.Duration | None = Field(
        None, description="Not before this time since the arm's first produce request.", examples=["1s"]
    )
    until: fields.PositiveDuration | None = Field(
        None, description="Not from this time on since the arm's first produce request.", examples=["10s"]
    )
    times: fields.Times | None = Field(None, description="At most so often.", examples=[1])
    per: Annotated[Per, fields.words("word", PER)] = Field(
        "run",
        description="What is counted by itself: the whole arm, each `connection`, each `partition`, or each `producer` "
        "(client id and producer id).",
        examples=["run", "partition"],
    )
    following: fields.Name | None = Field(
        None,
        description="The name of another fault, which must have fired before; what came earlier is not counted.",
        examples=["lose the third ack"],
    )

    @model_validator(mode="after")
    def _one_count(self) -> WhenSpec:
        given = [key for key in ("nth", "first", "every", "probability") if getattr(self, key) is not None]
        if len(given) > 1:
            raise Complaint(
                f"{given[1]!r} beside {given[0]!r}: a rule has at most one of nth, first, every and probability",
                hint="write a second rule for the second",
                within=(given[1],),
                on_key=True,
            )
        return self

    @model_validator(mode="after")
    def _window(self) -> WhenSpec:
        if self.after is not None and self.until is not None and self.until <= self.after:
            raise Complaint("until must be later than after", hint="this rule could never fire", within=("until",))
        return self


class FaultSpec(Mapping):
    """A rule: where, what it applies to, when, and what is done."""

    name: fields.Name | None = Field(
        None, description="What reports call it; without it, made from `do` and `at`.", examples=["lose the third ack"]
    )
    at: Annotated[str, fields.Reads(_place, {"type": "string", "enum": list(PLACES)})] = Field(
        description="Where on the path.", examples=["produce.response"]
    )
    match: MatchSpec = Field(
        default_factory=MatchSpec.default, description="What it is about.", examples=[{"attempt": "first"}]
    )
    when: WhenSpec = Field(default_factory=WhenSpec.default, description="When it fires.", examples=[{"nth": 3}])
    do: Do = Field(description="Exactly one fault.", examples=[{"drop": {"then": "hold"}}])


Figure = Annotated[str, fields.words("figure", FIGURES)]
Number = Annotated[
    tuple[units.Comparison, int],
    fields.Reads(
        units.comparison,
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 10**15 - 1},
                {"type": "string", "pattern": r"^\s*(==|!=|<=|>=|<|>|≤|≥|≠)?\s*[0-9]{1,15}\s*$"},
            ]
        },
    ),
]


class ScenarioSpec(Mapping):
    """A scenario file."""

    version: Annotated[Any, fields.Reads(_version, {"const": 1})] = Field(
        description="The version of this language.", examples=[1]
    )
    title: fields.Title | None = Field(
        None, description="One line: what happens. Without it, the file's name.", examples=["The ack is lost"]
    )
    description: fields.Description = Field(
        "", description="What it shows, for people.", examples=["The broker has the batch, the producer does not know."]
    )
    seed: fields.Seed = Field(0, description="What all chance is drawn from.", examples=[7])
    workload: WorkloadSpec = Field(
        default_factory=WorkloadSpec.default, description="The traffic.", examples=[{"records": 200}]
    )
    arms: Annotated[list[ArmSpec], Field(min_length=1, max_length=16)] = Field(
        default_factory=lambda: [ArmSpec(name="off", idempotence=False), ArmSpec(name="on", idempotence=True)],
        description="The runs that are compared; these two are the default.",
        examples=[[{"name": "off", "idempotence": False}, {"name": "on", "idempotence": True}]],
    )
    control: Annotated[str, fields.Reads(_control, {"const": "none"})] | None = Field(
        None,
        description="`none` where the scenario is meant to duplicate in neither arm, or in both.",
        examples=["none"],
    )
    identity: fields.NamingText | None = Field(
        None,
        description="What names a record of a program that is not ours: `header:NAME`, `key`, `value` or `json:PATH`. "
        "Without it: create time, key, value and headers. Our own producers write a header that always wins.",
        examples=["header:order-id", "json:$.order.id"],
    )
    isolation: Annotated[Isolation, fields.words("isolation level", ISOLATIONS)] = Field(
        "read_uncommitted",
        description="Which records of the log count: all, or those that a consumer with `read_committed` sees.",
        examples=["read_uncommitted", "read_committed"],
    )
    repeat: fields.Times = Field(1, description="How often the whole is run, all runs in one report.", examples=[1, 5])
    faults: Annotated[list[FaultSpec], Field(max_length=200)] = Field(
        default_factory=list,
        description="The rules, asked in this order; the first that fires decides.",
        examples=[[{"at": "produce.response", "when": {"nth": 3}, "do": {"drop": {"then": "hold"}}}]],
    )
    expect: dict[str, dict[Figure, Number]] = Field(
        default_factory=dict,
        description="What must hold, for each arm.",
        examples=[{"off": {"duplicates": ">= 1", "lost": 0}, "on": {"duplicates": 0, "lost": 0}}],
    )
    variables: Annotated[dict[str, Any], fields.OfFile(fields.VARIABLES_SCHEMA)] = Field(
        default_factory=dict,
        description="Names of values, each with its default: `${NAME}` stands for it, `--set NAME=VALUE` changes it.",
        examples=[{"records": 200}],
    )
    matrix: Annotated[dict[str, Any], fields.OfFile(fields.MATRIX_SCHEMA)] = Field(
        default_factory=dict,
        description="Lists of values: the scenario is run once for each combination. Keys are `producer`, words of "
        "`workload.config`, variables, and paths such as `workload.records`.",
        examples=[{"acks": ["all", 1], "max_in_flight": [1, 5]}],
    )
    include: Annotated[Any, fields.OfFile(fields.INCLUDE_SCHEMA)] = Field(
        None,
        description="A shared part, or a list of them: files in this file's folder or below. This file wins over them.",
        examples=["parts/common.yaml", ["parts/slow.yaml", "parts/lost.yaml"]],
    )

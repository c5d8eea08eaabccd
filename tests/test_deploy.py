"""What stands in `deploy/` and in the Dockerfile: well formed, in accord with each other and with the command line.

Nothing is built or applied here. What can be done without Docker and without a cluster is done: the lines that would
run in a container are run, the schemas are those that editors use, and kustomize builds where kubectl is there.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ruamel.yaml import YAML

from ackdrop.environment import inherited

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
BASE = DEPLOY / "kubernetes" / "base"
OVERLAYS = sorted((DEPLOY / "kubernetes" / "overlays").iterdir())
SAMPLE = ROOT / "tests" / "samples" / "pipeline"


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the Dockerfile: what it begins with, and its instructions as (word, rest)."""

    source: str
    name: str
    steps: tuple[tuple[str, str], ...]

    def of(self, word: str) -> list[str]:
        return [rest for each, rest in self.steps if each == word]


def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name, in their order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, Stage] = {}
    for line in filter(str.strip, re.sub(r"\\\n", " ", text).splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            source, _, name = rest.partition(" AS ")
            found[name] = Stage(source, name, ())
        elif found:
            last = list(found)[-1]
            found[last] = Stage(found[last].source, last, (*found[last].steps, (word, rest.strip())))
    return found


STAGES = stages()


def options(verb: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "ackdrop", verb, "--help"], check=True, capture_output=True, text=True
    ).stdout


class TestDockerfile:
    def test_what_is_built_without_a_target_is_the_small_one(self) -> None:
        last = list(STAGES.values())[-1]
        assert (last.name, last.source) == ("proxy", "runtime")
        assert last.of("COPY") == ["--from=build /opt/ackdrop /opt/ackdrop"]
        assert "embedded" not in str(STAGES["build"].steps)
        assert STAGES["build"].of("ARG") == ["EXTRAS=control"]

    def test_it_runs_as_nobody_of_this_machine(self) -> None:
        runtime = STAGES["runtime"]
        (user,) = runtime.of("USER")
        assert user == "10001:10001"
        last = [word for word, _ in runtime.steps].index("USER")
        afterwards = {word for word, _ in runtime.steps[last + 1 :]}
        assert afterwards == {"VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
        assert all("USER" not in dict(STAGES[name].steps) for name in ("embedded", "proxy"))

    def test_no_compiler_is_left_in_it(self) -> None:
        assert "apt-get" not in str([STAGES[name].steps for name in ("runtime", "proxy", "embedded")])

    def test_what_is_copied_is_there_and_not_ignored(self) -> None:
        rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
        kept = [rule[1:].removesuffix("/**") for rule in rules if rule.startswith("!")]
        assert rules[0] == "*"
        sources = [word for rest in STAGES["build"].of("COPY") for word in rest.split()[:-1]]
        assert sorted(sources) == sorted(kept)
        assert all((ROOT / source).exists() for source in sources)

    def test_its_ports_are_those_of_its_command(self) -> None:
        command = json.loads(STAGES["runtime"].of("CMD")[0])
        known = options("proxy")
        assert [word for word in command if word.startswith("--") and word not in known] == []
        assert command[command.index("--ports") + 1] == "19093-19099"
        assert STAGES["runtime"].of("EXPOSE") == ["19092 19093-19099 9192"]

    def test_its_healthcheck_tells_a_proxy_from_none(self, tmp_path: Path) -> None:
        (check,) = STAGES["runtime"].of("HEALTHCHECK")
        command = json.loads(check[check.index("[") :])
        command[0] = sys.executable
        with proxy(tmp_path, "--metrics", "127.0.0.1:0") as address:
            here = [word.replace("127.0.0.1:9192", address) for word in command]
            assert here != command
            assert subprocess.run(here, timeout=30).returncode == 0
        assert subprocess.run(here, timeout=30, stderr=subprocess.DEVNULL).returncode == 1


@contextmanager
def proxy(home: Path, *arguments: str, **environment: str) -> Iterator[str]:
    """A proxy in front of nobody; inside, the address of its metrics."""
    kept = inherited("ACKDROP_")
    process = subprocess.Popen(
        [sys.executable, "-m", "ackdrop", "proxy", *arguments],
        env={
            **{**kept, "ACKDROP_BOOTSTRAP": "127.0.0.1:1", "ACKDROP_LISTEN": "127.0.0.1:0"},
            **{"ACKDROP_OUT": str(home / "runs"), "TMPDIR": str(home), **environment},
        },
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process:
        try:
            for line in process.stderr:
                if found := re.search(r"metrics at http://(\S+)/metrics", line):
                    break
            else:
                raise AssertionError("it ended without serving metrics")
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
    assert process.returncode == 4  # nobody was there


COMPOSE = read(DEPLOY / "compose.yaml")


class TestCompose:
    def test_clients_know_the_proxy_alone(self) -> None:
        services = COMPOSE["services"]
        assert set(services) == {"redpanda", "proxy", "producer"}
        command = dict(word.removeprefix("--").split("=", 1) for word in services["proxy"]["command"] if "=" in word)
        assert services["producer"]["environment"]["KAFKA_BOOTSTRAP_SERVERS"] == f"{command['advertise']}:19092"
        assert command["listen"] == "0.0.0.0:19092"
        assert command["bootstrap"] == "redpanda:9092"
        assert "--advertise-kafka-addr=redpanda:9092" in services["redpanda"]["command"]
        known = options("proxy")
        assert [name for name in command if f"--{name} " not in known] == []

    def test_its_files_are_there(self) -> None:
        for service in COMPOSE["services"].values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                assert source in COMPOSE["volumes"] or (DEPLOY / source).exists(), volume
        assert COMPOSE["services"]["proxy"]["build"]["target"] in STAGES
        compile((DEPLOY / "produce.py").read_text(), "produce.py", "exec")

    def test_only_loopback_is_published(self) -> None:
        published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
        assert published
        assert all(port.startswith("127.0.0.1:") for port in published)


class TestKubernetes:
    deployment = read(BASE / "deployment.yaml")
    service = read(BASE / "service.yaml")
    settings: ClassVar = dict(line.split("=", 1) for line in (BASE / "proxy.env").read_text().split())

    @property
    def pod(self) -> Any:
        return self.deployment["spec"]["template"]["spec"]

    @property
    def container(self) -> Any:
        (container,) = self.pod["containers"]
        return container

    def test_one_replica_for_one_range_of_listeners(self) -> None:
        assert (self.deployment["spec"]["replicas"], self.deployment["spec"]["strategy"]["type"]) == (1, "Recreate")
        first, last = map(int, self.settings["ACKDROP_PORTS"].split("-"))
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        brokers = {f"broker-{number}": port for number, port in enumerate(range(first, last + 1))}
        assert ports == {"kafka": int(self.settings["ACKDROP_LISTEN"].split(":")[1]), **brokers, "metrics": 9192}

    def test_a_port_of_the_service_is_the_one_that_clients_are_told(self) -> None:
        """They are told the listener's own port, so the Service may not change it."""
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        assert {port["name"]: port["port"] for port in self.service["spec"]["ports"]} == ports
        assert all(port["targetPort"] == port["name"] for port in self.service["spec"]["ports"])

    def test_its_probes_are_answered(self, tmp_path: Path) -> None:
        """By a proxy that is started with the manifests' own settings, but for addresses and folders."""
        probes = [self.container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
        assert probes == [{"path": "/health", "port": "metrics"}] * 3
        here = {
            "ACKDROP_BOOTSTRAP": "127.0.0.1:1",
            "ACKDROP_METRICS": "127.0.0.1:0",
            "ACKDROP_CONTROL": f"unix:{tmp_path / 'c.sock'}",
            "ACKDROP_SCENARIO": str(BASE / "scenario.yaml"),
            "ACKDROP_OUT": str(tmp_path / "runs"),
            "ACKDROP_LISTEN": "127.0.0.1:0",
            "ACKDROP_PORTS": "",
        }
        assert set(here) <= set(self.settings)
        settings = {name: value for name, value in {**self.settings, **here}.items() if value}
        with proxy(tmp_path, **settings) as address:
            url = f"http://{address}/health"
            code = f"import urllib.request as u; assert u.urlopen({url!r}, timeout=5).status == 200"
            subprocess.run([sys.executable, "-c", code], check=True, timeout=30)

    def test_it_may_do_little(self) -> None:
        assert self.pod["automountServiceAccountToken"] is False
        assert self.pod["securityContext"]["runAsNonRoot"] is True
        assert self.pod["securityContext"]["runAsUser"] == 10001
        assert self.container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }

    def test_no_variable_of_a_service_is_taken_for_an_option(self) -> None:
        assert self.pod["enableServiceLinks"] is False

    def test_what_it_writes_has_a_volume(self) -> None:
        mounts = {mount["name"]: mount["mountPath"] for mount in self.container["volumeMounts"]}
        assert set(mounts) == {volume["name"] for volume in self.pod["volumes"]}
        assert self.settings["ACKDROP_OUT"] == mounts["runs"]
        assert self.settings["ACKDROP_CONTROL"].startswith(f"unix:{mounts['run']}/")
        assert self.settings["ACKDROP_SCENARIO"] == f"{mounts['scenario']}/scenario.yaml"

    @pytest.mark.parametrize("folder", [BASE, *OVERLAYS], ids=lambda folder: folder.name)
    def test_every_file_is_used_and_there(self, folder: Path) -> None:
        told = read(folder / "kustomization.yaml")
        generators = told.get("configMapGenerator", [])
        used = [
            *told["resources"],
            *(name for one in generators for name in [*one.get("envs", []), *one.get("files", [])]),
        ]
        assert all((folder / name).exists() for name in used)
        assert {path.name for path in folder.iterdir()} <= {"kustomization.yaml", *used}

    @pytest.mark.parametrize("folder", [BASE, *OVERLAYS], ids=lambda folder: folder.name)
    def test_kustomize_builds_it(self, folder: Path) -> None:
        if shutil.which("kubectl") is None:
            pytest.skip("kubectl is not installed")
        done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        made = list(YAML(typ="safe").load_all(done.stdout))
        by_kind = {one["kind"]: one for one in made}
        pod = by_kind["Deployment"]["spec"]["template"]
        assert by_kind["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        names = {one["metadata"]["name"] for one in made if one["kind"] == "ConfigMap"}
        (container,) = pod["spec"]["containers"]
        assert {source["configMapRef"]["name"] for source in container["envFrom"]} <= names
        (settings,) = [
            one["data"] for one in made if one["metadata"]["name"] == container["envFrom"][0]["configMapRef"]["name"]
        ]
        assert set(settings) == set(self.settings)
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert volumes["scenario"]["configMap"]["name"] in names
        if "PersistentVolumeClaim" in by_kind:
            claim = by_kind["PersistentVolumeClaim"]["metadata"]["name"]
            assert volumes["runs"] == {"name": "runs", "persistentVolumeClaim": {"claimName": claim}}


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", ROOT / "action.yml"),
        ("github-workflows", SAMPLE / ".github" / "workflows" / "chaos.yml"),
        ("github-workflows", ROOT / ".github" / "workflows" / "ci.yml"),
        ("gitlab-ci", SAMPLE / ".gitlab-ci.yml"),
        ("compose-spec", DEPLOY / "compose.yaml"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_valid_by_the_schema_of_its_kind(schema: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schemas_can_refuse(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {proxy: {imagine: ackdrop}}\n")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    assert subprocess.run([*command, str(tmp_path / "compose.yaml")], capture_output=True, timeout=60).returncode == 1


def test_its_scenarios_are_valid() -> None:
    found = [path for path in DEPLOY.rglob("*.yaml") if fnmatch.fnmatch(path.name, "scenario.yaml")]
    assert len(found) == 2
    command = [sys.executable, "-m", "ackdrop", "scenario", "validate", "--strict", *map(str, found)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)

"""How brokers are spoken to: what the options take, what does not go together, and where the environment speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click
import pytest
import trustme
from click.testing import CliRunner, Result

from ackdrop.cli import ackdrop, upstream
from ackdrop.cli.upstream import upstream_options
from ackdrop.errors import UsageError
from ackdrop.security import ANYBODY, Mechanism, Sasl, Security, UpstreamTls


@click.command()
@upstream_options
@click.pass_obj
def verb(taken: list[Security], security: Security) -> None:
    """A verb that has them."""
    taken.append(security)


def call(*arguments: str | Path, env: dict[str, str] | None = None) -> Security:
    taken: list[Security] = []
    invoke(arguments, taken, env)
    return taken[0]


def invoke(arguments: tuple[str | Path, ...], taken: list[Any], env: dict[str, str] | None) -> Result:
    result = CliRunner().invoke(verb, list(map(str, arguments)), obj=taken, env=env)
    if isinstance(result.exception, UsageError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, cert.pem with its key.pem, both.pem, and other-key.pem."""
    folder = tmp_path_factory.mktemp("pem")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    one, other = authority.issue_cert("me@example.org"), authority.issue_cert("you@example.org")
    one.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    one.private_key_pem.write_to_path(folder / "key.pem")
    one.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    other.private_key_pem.write_to_path(folder / "other-key.pem")
    return folder


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("a-secret\n")
    return file


def test_without_any_nothing_is_spoken() -> None:
    assert call() == ANYBODY


def test_the_mechanisms_are_those_that_there_are() -> None:
    assert get_args(Mechanism) == upstream.MECHANISMS


def test_tls(pem: Path) -> None:
    assert call("--upstream-tls").tls == UpstreamTls()
    assert call("--upstream-tls", "--upstream-insecure").tls == UpstreamTls(verify=False)
    words = "--upstream-ca", pem / "ca.pem", "--upstream-cert", pem / "cert.pem", "--upstream-key", pem / "key.pem"
    tls = call("--upstream-tls", *words, "--upstream-server-name", "kafka.test").tls
    assert tls == UpstreamTls(pem / "ca.pem", pem / "cert.pem", pem / "key.pem", "kafka.test")
    assert call("--upstream-tls", "--upstream-cert", pem / "both.pem").tls == UpstreamTls(cert=pem / "both.pem")


def test_sasl(password: Path) -> None:
    name = "--upstream-sasl-username", "alice"
    file = "--upstream-sasl-password-file", password
    told = call("--upstream-sasl-mechanism", "scram-sha-256", *name, *file)
    assert told.sasl == Sasl("SCRAM-SHA-256", "alice", "a-secret", password)
    assert call("--upstream-sasl-mechanism", "OAUTHBEARER", *file).sasl == Sasl("OAUTHBEARER", "", "a-secret", password)
    assert "a-secret" not in repr(told)


def test_the_environment_speaks_too(pem: Path, password: Path) -> None:
    told = call(
        env={
            "ACKDROP_UPSTREAM_TLS": "1",
            "ACKDROP_UPSTREAM_CA": str(pem / "ca.pem"),
            "ACKDROP_UPSTREAM_SASL_MECHANISM": "PLAIN",
            "ACKDROP_UPSTREAM_SASL_USERNAME": "alice",
            "ACKDROP_UPSTREAM_SASL_PASSWORD_FILE": str(password),
        }
    )
    assert told == Security(UpstreamTls(pem / "ca.pem"), Sasl("PLAIN", "alice", "a-secret", password))


TLS, SASL = "--upstream-tls", "--upstream-sasl-mechanism"


@pytest.mark.parametrize(
    ("words", "complaint", "remedy"),
    [
        (["--upstream-ca", "ca.pem"], "--upstream-ca without --upstream-tls", "--upstream-tls"),
        (["--upstream-insecure"], "--upstream-insecure without --upstream-tls", "--upstream-tls"),
        (["--upstream-server-name", "x"], "--upstream-server-name without --upstream-tls", "--upstream-tls"),
        ([TLS, "--upstream-key", "key.pem"], "--upstream-key without --upstream-cert", "--upstream-cert"),
        ([TLS, "--upstream-ca", "ca.pem", "--upstream-insecure"], "trust anybody", "one of them"),
        ([TLS, "--upstream-ca", "none.pem"], "--upstream-ca .*none.pem: No such file", "PEM"),
        ([TLS, "--upstream-ca", "key.pem"], "holds no certificate", "PEM"),
        ([TLS, "--upstream-cert", "cert.pem"], "no certificate and key", "--upstream-key"),
        ([TLS, "--upstream-cert", "cert.pem", "--upstream-key", "other-key.pem"], "does not belong", "own"),
        ([SASL, "PLAIN"], "-mechanism without --upstream-sasl-username", "NAME and --upstream-sasl-password-file FILE"),
        ([SASL, "OAUTHBEARER"], "-mechanism without --upstream-sasl-password-file", "-password-file FILE"),
        (["--upstream-sasl-username", "a"], "-username without --upstream-sasl-mechanism", "-mechanism SCRAM-SHA-256"),
        (["--upstream-sasl-password-file", "ca.pem"], "-password-file without --upstream-sasl-mechanism", "-username"),
        (
            [SASL, "PLAIN", "--upstream-sasl-username", "a", "--upstream-sasl-password-file", "none"],
            "-password-file .*none: No such file",
            "password",
        ),
    ],
)
def test_what_does_not_go_together(
    pem: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], complaint: str, remedy: str
) -> None:
    monkeypatch.chdir(pem)
    with pytest.raises(UsageError, match=complaint) as caught:
        call(*words)
    assert remedy in (caught.value.remedy or "")


@pytest.mark.parametrize("words", [["run"], ["exec", "--", "true"]])
def test_they_are_about_a_broker_of_the_users(words: list[str], tmp_path: Path) -> None:
    """One that ackdrop finds or starts is spoken to without."""
    verb, *more = words
    result = CliRunner().invoke(ackdrop, [verb, "--upstream-tls", "--out", str(tmp_path), *more])
    assert isinstance(result.exception, UsageError)
    assert "none is named" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_mechanism_that_cannot_pass_a_proxy_is_refused() -> None:
    result = CliRunner().invoke(verb, ["--upstream-sasl-mechanism", "GSSAPI"], obj=[])
    assert result.exit_code == 2
    assert "'GSSAPI' is not one of 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'" in result.output

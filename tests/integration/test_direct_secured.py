"""Our own conversation with a real broker that wants TLS, a certificate, or to know who is speaking; and what is said
where it does not let us in."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.broker.given import given
from ackdrop.direct.authentication import NotLetIn, SaslWanted
from ackdrop.direct.cluster import Cluster
from ackdrop.errors import BrokerError
from ackdrop.security import MECHANISMS, Mechanism, Sasl, Security, UpstreamTls

pytestmark = pytest.mark.integration

PASSWORDS = [each for each in MECHANISMS if each != "OAUTHBEARER"]


def token(seconds: int = 3600) -> str:
    """A token of RFC 7519 that nobody has signed."""
    now = int(time.time())
    parts = {"alg": "none"}, {"sub": "alice", "iat": now - 1, "exp": now + seconds}
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def alice(brokers: Any, mechanism: Mechanism) -> Sasl:
    return (
        Sasl(mechanism, "", token()) if mechanism == "OAUTHBEARER" else Sasl(mechanism, "alice", brokers.users["alice"])
    )


def trusting(brokers: Any, **more: Any) -> UpstreamTls:
    return UpstreamTls(ca=brokers.certificates.ca, **more)


async def works(address: str, security: Security) -> None:
    """A topic is made, found and removed."""
    name = f"ackdrop-secured-{uuid.uuid4().hex[:12]}"
    async with Cluster.connect(address, security=security) as cluster:
        await cluster.create_topic(name, partitions=2)
        assert await cluster.end_offsets(name) == {0: 0, 1: 0}
        await cluster.delete_topic(name)


async def refused(address: str, security: Security, message: str, remedy: str) -> BrokerError:
    """What is said, soon, and by the check before a run as well; the error."""
    began = trio.current_time()
    with pytest.raises(BrokerError, match=re.escape(address) + ": .*" + message) as caught:
        async with Cluster.connect(address, security=security):
            pass
    with pytest.raises(BrokerError, match=message) as again:
        await given(address, False, security)
    assert trio.current_time() - began < 20
    assert remedy in (caught.value.remedy or "")
    assert remedy in (again.value.remedy or "")
    return caught.value


class TestTls:
    async def test_it_is_spoken(self, secured_broker: Any) -> None:
        await works(secured_broker.addresses("TLS")[0], Security(trusting(secured_broker)))

    async def test_with_a_certificate_of_ours(self, secured_broker: Any) -> None:
        files = secured_broker.certificates
        tls = trusting(secured_broker, cert=files.client, key=files.client_key)
        await works(secured_broker.addresses("MTLS")[0], Security(tls))

    async def test_without_verification(self, secured_broker: Any) -> None:
        await works(secured_broker.addresses("TLS")[0], Security(UpstreamTls(verify=False)))

    async def test_with_another_name_for_the_server(self, secured_broker: Any) -> None:
        await works(secured_broker.addresses("TLS")[0], Security(trusting(secured_broker, server_name="localhost")))

    async def test_a_listener_with_tls_that_is_spoken_to_without(self, secured_broker: Any) -> None:
        await refused(secured_broker.addresses("TLS")[0], Security(), "this listener speaks TLS", "--upstream-tls")

    async def test_a_listener_without_tls(self, secured_broker: Any) -> None:
        tls = Security(trusting(secured_broker))
        await refused(secured_broker.bootstrap, tls, "does not speak TLS", "Leave --upstream-tls out")

    async def test_a_certificate_of_nobody_that_is_trusted(self, secured_broker: Any) -> None:
        address = secured_broker.addresses("TLS")[0]
        await refused(address, Security(UpstreamTls()), "the certificate is not accepted", "--upstream-ca")

    async def test_a_certificate_for_another_host(self, secured_broker: Any) -> None:
        tls = Security(trusting(secured_broker, server_name="kafka.example.org"))
        address = secured_broker.addresses("TLS")[0]
        await refused(address, tls, "mismatch", "--upstream-server-name")

    async def test_a_certificate_of_ours_is_wanted(self, secured_broker: Any) -> None:
        address = secured_broker.addresses("MTLS")[0]
        await refused(
            address, Security(trusting(secured_broker)), "our certificate|certificate of ours", "--upstream-cert"
        )


class TestSasl:
    @pytest.mark.parametrize("tls", [False, True])
    @pytest.mark.parametrize("mechanism", MECHANISMS)
    async def test_it_is_spoken(self, secured_broker: Any, mechanism: Mechanism, tls: bool) -> None:
        address = secured_broker.addresses("SASL_TLS" if tls else "SASL")[0]
        trusted = trusting(secured_broker) if tls else None
        await works(address, Security(trusted, alice(secured_broker, mechanism)))

    async def test_nobody_is_named(self, secured_broker: Any) -> None:
        address = secured_broker.addresses("SASL")[0]
        error = await refused(address, Security(), "wants to know who is speaking", "--upstream-sasl-mechanism")
        assert isinstance(error, SaslWanted)
        assert set(error.mechanisms) == set(MECHANISMS)

    async def test_nobody_is_named_behind_tls(self, secured_broker: Any) -> None:
        address = secured_broker.addresses("SASL_TLS")[0]
        tls = Security(trusting(secured_broker))
        await refused(address, tls, "wants to know who is speaking .SASL: .*SCRAM-SHA-256", "--upstream-sasl-mechanism")

    @pytest.mark.parametrize("mechanism", PASSWORDS)
    async def test_a_wrong_password(self, secured_broker: Any, mechanism: Mechanism) -> None:
        address = secured_broker.addresses("SASL")[0]
        guess = Security(sasl=Sasl(mechanism, "alice", "a-wrong-guess"))
        error = await refused(address, guess, f"does not let 'alice' with {mechanism} in", "-password-file")
        assert isinstance(error, NotLetIn)
        assert "a-wrong-guess" not in str(error)

    async def test_a_token_that_is_over(self, secured_broker: Any) -> None:
        address = secured_broker.addresses("SASL")[0]
        old = Sasl("OAUTHBEARER", "", token(-600))
        error = await refused(address, Security(sasl=old), "does not let the token", "-password-file")
        assert old.password not in str(error)

    async def test_a_listener_that_wants_to_know_nobody(self, secured_broker: Any) -> None:
        sasl = Security(sasl=alice(secured_broker, "PLAIN"))
        await refused(secured_broker.bootstrap, sasl, "does not want to know who", "Leave the --upstream-sasl-")

    async def test_tls_is_wanted_too(self, secured_broker: Any) -> None:
        address = secured_broker.addresses("SASL_TLS")[0]
        sasl = Security(sasl=alice(secured_broker, "PLAIN"))
        await refused(address, sasl, "this listener speaks TLS", "--upstream-tls")


async def test_a_token_is_renewed_in_its_file(secured_broker: Any, tmp_path: Path) -> None:
    """Each new connection is made with what stands there by then."""
    file = tmp_path / "token"
    file.write_text(token() + "\n")
    sasl = Sasl.read("OAUTHBEARER", "", file)
    file.write_text(token(-600))
    address = secured_broker.addresses("SASL")[0]
    await refused(address, Security(sasl=sasl), "does not let the token", "-password-file")
    file.write_text(token())
    await works(address, Security(sasl=sasl))

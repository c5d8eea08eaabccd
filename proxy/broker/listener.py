"""One more listener of the embedded brokers, beside the plaintext one: with TLS, with SASL, or with both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..security import MECHANISMS, Mechanism

_MODULES: Mapping[Mechanism, str] = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "OAUTHBEARER": "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a listener shows, as texts in PEM: its chain, and its key as PKCS#8 without a password. With `client_ca` a
    client has to show a certificate too (mTLS), one that these vouch for."""

    chain: str
    key: str = field(repr=False)
    client_ca: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener by Kafka's name for it, such as `SECURE`. Without `certificate` it speaks no TLS, without `mechanisms`
    nobody has to say who he is. PLAIN knows the `users` (name to password), SCRAM those that the cluster was formatted
    with; OAUTHBEARER takes any unsecured token (Kafka's own validator)."""

    name: str
    certificate: Certificate | None = None
    mechanisms: tuple[Mechanism, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def protocol(self) -> str:
        """Kafka's security protocol."""
        if self.mechanisms:
            return "SASL_SSL" if self.certificate else "SASL_PLAINTEXT"
        return "SSL" if self.certificate else "PLAINTEXT"

    def properties(self) -> dict[str, str]:
        """The broker's properties that are this listener's own."""
        own: dict[str, str] = {}
        if self.certificate is not None:
            own |= _tls(self.certificate)
        if self.mechanisms:
            own["sasl.enabled.mechanisms"] = ",".join(self.mechanisms)
        for mechanism in self.mechanisms:
            own[f"{mechanism.lower()}.sasl.jaas.config"] = self._login(mechanism)
        return {f"listener.name.{self.name.lower()}.{name}": value for name, value in own.items()}

    def _login(self, mechanism: Mechanism) -> str:
        options: dict[str, str] = {}
        if mechanism == "PLAIN":
            options = {f"user_{user}": password for user, password in self.users.items()}
        elif mechanism == "OAUTHBEARER":
            options = {"unsecuredLoginStringClaim_sub": "broker"}
        words = [_MODULES[mechanism], "required", *(f"{name}={_quoted(text)}" for name, text in options.items())]
        return " ".join(words) + ";"


def every_mechanism(name: str, users: Mapping[str, str], certificate: Certificate | None = None) -> Listener:
    """A listener for all mechanisms that ackdrop knows."""
    return Listener(name, certificate, MECHANISMS, users)


def _tls(certificate: Certificate) -> dict[str, str]:
    values = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": certificate.chain,
        "ssl.keystore.key": certificate.key,
        "ssl.client.auth": "none",
    }
    if certificate.client_ca is not None:
        values |= {
            "ssl.client.auth": "required",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": certificate.client_ca,
        }
    return values


def _quoted(text: str) -> str:
    """A value of a JAAS configuration, as Java's StreamTokenizer reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

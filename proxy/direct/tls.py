"""TLS in words: why it could not be agreed on with a broker or a client, and what to do about it."""

from __future__ import annotations

import ssl

_NO_TLS = "the other side does not speak TLS"
_NOT_ACCEPTED = "the other side does not accept our certificate"
_WANTED = "the other side wants a certificate of ours"
_MAY_WANT = "the other side refuses the handshake; it may want a certificate of ours"
_TOO_OLD = "the other side offers no version of TLS from 1.2 on"

_REASONS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "HTTPS_PROXY_REQUEST": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the other side showed no certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTED,
    "TLSV1_ALERT_UNKNOWN_CA": _NOT_ACCEPTED,
    "SSLV3_ALERT_BAD_CERTIFICATE": _NOT_ACCEPTED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _NOT_ACCEPTED,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _NOT_ACCEPTED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _NOT_ACCEPTED,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _NOT_ACCEPTED,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _MAY_WANT,
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "NO_SHARED_CIPHER": "there is no cipher that both sides have",
}

_OF_OURS = "Name a certificate that the broker accepts with --upstream-cert and --upstream-key."
_REMEDIES = {
    _NO_TLS: "Leave --upstream-tls out, or name the listener with TLS.",
    _NOT_ACCEPTED: _OF_OURS,
    _WANTED: _OF_OURS,
    _MAY_WANT: _OF_OURS,
}
_HOST_MISMATCH, _IP_MISMATCH = 62, 64
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


def why(error: ssl.SSLError) -> str:
    """Why TLS could not be agreed on, as a clause."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message.rstrip('.')}"
    reason = error.reason or ""
    if reason in _REASONS:
        return _REASONS[reason]
    return f"TLS failed ({reason.replace('_', ' ').lower() or type(error).__name__})"


def remedy(error: ssl.SSLError) -> str:
    """What to do about it, towards a broker."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return _REMEDIES.get(why(error), "See how the listener's TLS is set up.")
    if error.verify_code in (_HOST_MISMATCH, _IP_MISMATCH):
        return "Name the host that the certificate is for with --upstream-server-name."
    return "Name the CA that has signed it with --upstream-ca; --upstream-insecure believes anybody."


def failure(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said, in an error of trio's or behind it; None where it was not TLS. A connection that ended in the
    middle of TLS is none of its errors."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return None if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) else error
        error = error.__cause__
    return None

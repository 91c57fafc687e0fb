//! What a broken connection means: errors of the system, of TLS and of HTTP as failures of an instance.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::error::{causes, chain};
use crate::failure::{Failure, Reason};

/// A connection that could not be made.
pub(super) fn connect(error: &io::Error) -> Failure {
    if is_local(error) {
        return Failure::new(
            Reason::Skipped,
            format!("this process cannot open another connection: {error}"),
        );
    }
    Failure::new(Reason::Refused, format!("no connection: {error}"))
}

/// Whether the fault lies on this side: too many open files, or no free port. The instance is not to blame.
pub(super) fn is_local(error: &io::Error) -> bool {
    // EMFILE, ENFILE, EADDRNOTAVAIL on Linux
    matches!(error.raw_os_error(), Some(24 | 23 | 99))
}

/// A TLS handshake that failed.
pub(super) fn handshake(error: &io::Error) -> Failure {
    match find_tls(error) {
        Some(error) => tls(error),
        None if is_reset(error) => Failure::new(
            Reason::Refused,
            format!("closed during the TLS handshake: {error}"),
        ),
        None => Failure::new(Reason::Tls, format!("the TLS handshake broke off: {error}")),
    }
}

/// A request that got no answer on a new connection. `connection` is what the connection itself ended with:
/// it knows more when the request could not even be written.
pub(super) fn request(error: &hyper::Error, connection: Option<&hyper::Error>) -> Failure {
    let alert = find_tls(error).or_else(|| connection.and_then(|error| find_tls(error)));
    if let Some(alert) = alert {
        return tls(alert);
    }
    if error.is_parse() {
        return Failure::new(
            Reason::Protocol,
            format!("the answer is not HTTP: {}", chain(error)),
        );
    }
    let cause = connection.filter(|_| error.is_canceled()).unwrap_or(error);
    if died(error) {
        return Failure::new(
            Reason::Refused,
            format!("closed before any answer: {}", chain(cause)),
        );
    }
    Failure::new(Reason::Protocol, chain(cause))
}

/// A body that ended before it was complete, or is none.
pub(super) fn body(error: &hyper::Error, received: usize) -> Failure {
    Failure::new(
        Reason::Protocol,
        format!(
            "the body broke off after {received} bytes: {}",
            chain(error)
        ),
    )
}

/// Whether the connection died without an answer, so that the request may be sent once more on a new one.
pub(super) fn died(error: &hyper::Error) -> bool {
    if error.is_canceled() || error.is_closed() || error.is_incomplete_message() {
        return true;
    }
    causes(error).any(|cause| match cause.downcast_ref::<io::Error>() {
        Some(error) => {
            is_reset(error)
                || matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected
                )
        }
        // HTTP/2: hyper hides the system's error inside its own, so that only the text is left.
        None => ["broken pipe", "os error", "unexpected end of file"]
            .iter()
            .any(|text| cause.to_string().contains(text)),
    })
}

fn is_reset(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionReset | ConnectionAborted | BrokenPipe
    )
}

/// An error of TLS: the one that means another identity, and all others.
fn tls(error: &rustls::Error) -> Failure {
    use AlertDescription as Alert;
    let detail = match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            return Failure::new(
                Reason::Gone,
                format!("the address belongs to another instance now: {error}"),
            );
        }
        // A bad signature is an issuer whose key was changed while its name stayed.
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            format!("the issuer of the instance's certificate is not trusted (`ca_certs`): {error}")
        }
        // webpki's word for it is wrapped twice, without a type that could be matched.
        rustls::Error::InvalidCertificate(CertificateError::Other(_))
            if error.to_string().contains("CaUsedAsEndEntity") =>
        {
            "the instance shows an issuer's certificate as its own: it needs one that is no CA"
                .to_owned()
        }
        rustls::Error::AlertReceived(Alert::CertificateRequired) => {
            format!("the instance wants a client certificate (`backends`): {error}")
        }
        rustls::Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => format!("the instance refuses the client certificate (`backends`): {error}"),
        rustls::Error::InvalidMessage(_) => format!("the instance does not speak TLS: {error}"),
        _ => format!("TLS: {error}"),
    };
    Failure::new(Reason::Tls, detail)
}

/// The TLS error somewhere below this one. `io::Error` hides what it wraps from `source`.
fn find_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(error: rustls::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[test]
    fn connection_failures() {
        for (error, reason, why) in [
            (
                io::Error::from(io::ErrorKind::ConnectionRefused),
                Reason::Refused,
                "nothing listens",
            ),
            (
                io::Error::from(io::ErrorKind::HostUnreachable),
                Reason::Refused,
                "no route",
            ),
            (
                io::Error::from_raw_os_error(24),
                Reason::Skipped,
                "too many open files here: not the instance's fault",
            ),
            (
                io::Error::from_raw_os_error(99),
                Reason::Skipped,
                "no free port here",
            ),
        ] {
            assert_eq!(connect(&error).reason, reason, "{why}");
        }
    }

    #[test]
    fn handshake_failures() {
        for (error, reason, text) in [
            (
                wrapped(CertificateError::NotValidForName.into()),
                Reason::Gone,
                "another instance",
            ),
            (
                wrapped(CertificateError::UnknownIssuer.into()),
                Reason::Tls,
                "ca_certs",
            ),
            (
                wrapped(CertificateError::BadSignature.into()),
                Reason::Tls,
                "ca_certs",
            ),
            (
                wrapped(CertificateError::Expired.into()),
                Reason::Tls,
                "xpired",
            ),
            (
                wrapped(rustls::Error::AlertReceived(
                    AlertDescription::CertificateRequired,
                )),
                Reason::Tls,
                "wants a client certificate",
            ),
            (
                wrapped(rustls::Error::AlertReceived(AlertDescription::UnknownCA)),
                Reason::Tls,
                "refuses the client certificate",
            ),
            (
                wrapped(rustls::Error::AlertReceived(
                    AlertDescription::HandshakeFailure,
                )),
                Reason::Tls,
                "HandshakeFailure",
            ),
            (
                wrapped(rustls::Error::InvalidMessage(
                    rustls::InvalidMessage::InvalidContentType,
                )),
                Reason::Tls,
                "does not speak TLS",
            ),
            (
                io::Error::from(io::ErrorKind::UnexpectedEof),
                Reason::Tls,
                "broke off",
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionReset),
                Reason::Refused,
                "closed during",
            ),
        ] {
            let failure = handshake(&error);
            assert_eq!(failure.reason, reason, "{failure}");
            assert!(failure.detail.contains(text), "{failure}");
        }
    }

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = io::Error::other(wrapped(rustls::Error::AlertReceived(
            AlertDescription::UnknownCA,
        )));
        assert_eq!(chain(&error), "received fatal alert: UnknownCA");
    }
}

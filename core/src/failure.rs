//! Why one instance gave no metrics, and what that means for its endpoint.

use std::fmt;

/// The reasons of `promfetcher_scrape_error{error="…"}`: a bounded set, so that alerts can name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No complete answer in time.
    Timeout,
    /// Connection refused, host unreachable, or closed before any byte of the answer.
    Refused,
    /// Another TLS failure: no handshake, untrusted issuer, client certificate refused.
    Tls,
    /// The certificate belongs to somebody else: the address was given to another instance.
    Gone,
    /// The instance answered 4xx.
    Status4xx,
    /// The instance answered 5xx.
    Status5xx,
    /// The page does not follow its format.
    Parse,
    /// The body, a line or the number of samples is over its limit.
    TooLarge,
    /// Too many redirects, or one that leads elsewhere.
    Redirect,
    /// Not HTTP, a status that is no answer to a GET (such as 304), a broken body or an unknown encoding.
    Protocol,
    /// Not tried: in back-off, or no time was left.
    Skipped,
}

/// What a failure does to the endpoint in the routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the next page asks again.
    Keep,
    /// The endpoint is left out for a short while (15 s at most; a new registration ends it).
    BackOff,
    /// The endpoint is removed and leaves a tombstone, so that a stale table does not bring it back.
    Remove,
}

/// One row a reason: its word, and what happens to the endpoint. The only place that knows.
const TABLE: [(Reason, &str, Effect); 11] = [
    (Reason::Timeout, "timeout", Effect::Keep),
    (Reason::Refused, "refused", Effect::BackOff),
    (Reason::Tls, "tls", Effect::Keep),
    (Reason::Gone, "gone", Effect::Remove),
    (Reason::Status4xx, "status_4xx", Effect::Keep),
    (Reason::Status5xx, "status_5xx", Effect::Keep),
    (Reason::Parse, "parse", Effect::Keep),
    (Reason::TooLarge, "too_large", Effect::Keep),
    (Reason::Redirect, "redirect", Effect::Keep),
    (Reason::Protocol, "protocol", Effect::Keep),
    (Reason::Skipped, "skipped", Effect::Keep),
];

impl Reason {
    /// All reasons, in the order of the table.
    pub fn all() -> impl Iterator<Item = Reason> {
        TABLE.iter().map(|row| row.0)
    }

    /// The word used in metrics and JSON.
    pub fn as_str(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// What this failure does to the endpoint.
    pub fn effect(self) -> Effect {
        TABLE[self as usize].2
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reason with the details that help whoever looks at `/instances` or the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    /// One sentence without secrets, for people: "connection refused", "line 3, column 7: …".
    pub detail: String,
}

impl Failure {
    pub fn new(reason: Reason, detail: impl fmt::Display) -> Self {
        Self {
            reason,
            detail: detail.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (position, reason) in Reason::all().enumerate() {
            assert_eq!(reason as usize, position, "{reason}");
        }
    }

    #[test]
    fn only_a_wrong_identity_removes_and_only_refusal_backs_off() {
        for reason in Reason::all() {
            let want = match reason {
                Reason::Gone => Effect::Remove,
                Reason::Refused => Effect::BackOff,
                _ => Effect::Keep,
            };
            assert_eq!(reason.effect(), want, "{reason}");
        }
    }
}

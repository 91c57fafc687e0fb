//! What to do about an instance that gives no metrics, by the reason.

/// Reason, what happened, what to do.
const TABLE: [(&str, &str, &str); 11] = [
    (
        "timeout",
        "no complete answer in time",
        "Is the instance busy, or its page slow to make? A shorter `timeout`, which can be bound, keeps it from using up that of the page.",
    ),
    (
        "refused",
        "nobody listens, or the connection was closed before an answer",
        "Does the app listen on its port? Often it is an instance that has just stopped.",
    ),
    (
        "gone",
        "somebody else answers at this address: the instance is gone",
        "Nothing: it is off the list at once.",
    ),
    (
        "tls",
        "no secure connection",
        "One for the operators: certificates of the platform.",
    ),
    (
        "status_4xx",
        "the instance answered 400 to 499",
        "Another path, or a login: both can be bound, and the path can be named with `metric_path`.",
    ),
    (
        "status_5xx",
        "the instance answered 500 to 599",
        "The log of the app says more.",
    ),
    (
        "parse",
        "the page does not keep to its format",
        "The detail has line and column.",
    ),
    (
        "too_large",
        "the page is over a limit",
        "Fewer labels, or fewer values of them.",
    ),
    (
        "redirect",
        "more than three redirects, or one to another host",
        "Name the path that the last one leads to. Often it is a login page.",
    ),
    (
        "protocol",
        "no proper HTTP answer",
        "The detail says what came.",
    ),
    (
        "skipped",
        "not asked",
        "It refused the connection just before, and is asked again after 15 s at most; or no time was left.",
    ),
];

/// What has happened, and what to do, for a reason of `promfetcher_scrape_error`.
pub(crate) fn of(reason: &str) -> Option<(&'static str, &'static str)> {
    let row = TABLE.iter().find(|(known, ..)| *known == reason)?;
    Some((row.1, row.2))
}

#[cfg(test)]
mod tests {
    use promfetch_core::failure::Reason;

    use super::*;

    #[test]
    fn there_is_advice_for_every_reason() {
        for reason in Reason::all() {
            assert!(of(reason.as_str()).is_some(), "{reason}");
        }
        assert_eq!(TABLE.len(), Reason::all().count());
        assert_eq!(of("nonsense"), None);
    }
}

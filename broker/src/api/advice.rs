//! What to do about an instance that gives no metrics, by the reason.

/// Reason, what happened (the end of a sentence), what to do.
const TABLE: [(&str, &str, &str); 11] = [
    (
        "timeout",
        "no complete answer in time",
        "Is the instance busy, or its page slow to make? A binding with a short `timeout` keeps it from using up the time of the others.",
    ),
    (
        "refused",
        "nobody listens there, or the connection was closed before an answer",
        "Does the app listen on its port? Often it is an instance that has just stopped: `cf app` shows it.",
    ),
    (
        "gone",
        "somebody else answers at this address: the instance is gone",
        "Nothing to do: it is off the list at once.",
    ),
    (
        "tls",
        "no secure connection came about",
        "One for the operators: certificates of the platform.",
    ),
    (
        "status_4xx",
        "the instance answered 400 to 499",
        "The metrics are on another path, or need a login. Try another `metric_path`, then bind what works.",
    ),
    (
        "status_5xx",
        "the app failed while it made its page",
        "Its log says more: `cf logs --recent`.",
    ),
    (
        "parse",
        "the page does not keep to the format of metrics",
        "Line and column are those of the instance's own page.",
    ),
    (
        "too_large",
        "the page is over a limit",
        "Fewer labels, or fewer values of them.",
    ),
    (
        "redirect",
        "more than three redirects, or one to another host",
        "Often it is a login page. Name the path that the last one leads to.",
    ),
    (
        "protocol",
        "no proper HTTP answer",
        "Is there something else on the port?",
    ),
    (
        "skipped",
        "it was not asked",
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

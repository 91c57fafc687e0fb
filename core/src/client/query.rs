//! What a caller asks for, and the checks on the parts that come from outside.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::bound::Bound;
use crate::discovery::Located;
use crate::error::{Error, Kind};
use crate::exposition::media::Accepted;
use crate::selector::Selector;

/// One merged page, as a caller asks for it.
#[derive(Clone, Debug)]
pub struct Query {
    pub selector: Selector,
    /// The path on the instances, checked by [`check_metric_path`](super::check_metric_path). Apps that have a path
    /// of their own in `bound` are asked for that. `None`: the fixed target's own, else `/metrics`.
    pub metric_path: Option<String>,
    /// What apps want differently.
    pub bound: Arc<Bound>,
    /// Without external exporters and without the health series.
    pub only_app_metrics: bool,
    /// Whether a page of which every instance answered 4xx is an error: the path is wrong.
    pub needs_endpoint: bool,
    /// What the caller takes: instances are asked for it, and the page is in the best of it that any of them sent.
    pub accepted: Accepted,
    /// The caller's further headers, each checked by [`check_header`](super::check_header): for the app's instances,
    /// not for external exporters and not over redirects. What targets and apps have of their own wins over them,
    /// and what promfetch sets itself over all.
    pub headers: HeaderMap,
    /// The caller's own credentials for the app: sent to its instances, to nobody else.
    pub authorization: Option<HeaderValue>,
    /// `X-Forwarded-For` as the instances see it.
    pub forwarded_for: Option<String>,
    /// Time for the whole page, as [`scrape_timeout`] gives it.
    pub timeout: Duration,
}

/// How long a page may take: the smaller of what the scraper waits, less a margin, and what is configured.
///
/// `header` is `X-Prometheus-Scrape-Timeout-Seconds`. The margin is 0.5 s or 5 %, whichever is larger, but never
/// more than half: the answer has to travel back before the scraper gives up. What is no positive number of
/// seconds below a day counts as absent.
pub fn scrape_timeout(header: Option<&str>, configured: Duration) -> Duration {
    let seconds = header
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|seconds| *seconds > 0.0 && *seconds <= 86_400.0);
    match seconds {
        None => configured,
        Some(seconds) => {
            let margin = (seconds * 0.05).max(0.5).min(seconds / 2.0);
            configured.min(Duration::from_secs_f64(seconds - margin))
        }
    }
}

/// What conversions may take beyond the page's time, when an instance that hangs has used up all of it: half of the
/// least margin that [`scrape_timeout`] can have kept to come to this time, and a quarter of a second at most.
pub(super) fn grace(timeout: Duration) -> Duration {
    // From half a second on the margin is half a second or more; below, it is as long as the time itself.
    (timeout / 2).min(Duration::from_millis(250))
}

/// The instance named by `n`: an index, an instance GUID, or the address of one that has none.
///
/// # Errors
/// [`Kind::NotFound`] when no instance has it; [`Kind::Ambiguous`], with the GUIDs (or addresses), when several share
/// the index, as they do during a rolling deployment.
pub fn pick_instance(located: Vec<Located>, n: &str) -> Result<Vec<Located>, Error> {
    let (by_name, rest): (Vec<_>, Vec<_>) = located
        .into_iter()
        .partition(|one| one.instance.is_called(n));
    if !by_name.is_empty() {
        return Ok(by_name);
    }
    let picked: Vec<_> = rest
        .into_iter()
        .filter(|one| !n.is_empty() && &*one.instance.index == n)
        .collect();
    match picked.len() {
        0 => Err(Error::new(
            Kind::NotFound,
            format!("Cannot found instance {n} of this app"),
        )),
        1 => Ok(picked),
        _ => {
            let names: Vec<_> = picked.iter().map(|one| one.instance.name()).collect();
            Err(Error::new(
                Kind::Ambiguous,
                format!(
                    "Several instances have the index {n}, ask for one by its GUID or address: {}",
                    names.join(", ")
                ),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::instance::{Address, Instance, Transport};

    #[test]
    fn the_scrapers_patience_less_a_margin_bounds_the_page() {
        let configured = Duration::from_secs(30);
        for (header, want, reason) in [
            (None, 30.0, "no header"),
            (Some("10"), 9.5, "half a second for the way back"),
            (Some("10.000000"), 9.5, "as Prometheus writes it"),
            (Some("20"), 19.0, "five per cent of a longer wait"),
            (Some("0.4"), 0.2, "never more than half"),
            (Some("60"), 30.0, "the configured bound is smaller"),
            (Some("0"), 30.0, "nonsense counts as absent"),
            (Some("-1"), 30.0, "nonsense counts as absent"),
            (Some("NaN"), 30.0, "nonsense counts as absent"),
            (Some("inf"), 30.0, "nonsense counts as absent"),
            (Some("1e9"), 30.0, "nonsense counts as absent"),
            (Some("soon"), 30.0, "nonsense counts as absent"),
        ] {
            let got = scrape_timeout(header, configured).as_secs_f64();
            assert!((got - want).abs() < 1e-6, "{header:?}: {got}, {reason}");
        }
    }

    #[test]
    fn conversions_take_half_of_the_margin_at_most() {
        for header in [
            "0.001", "0.1", "0.4", "0.9", "1", "1.1", "5", "10", "20", "60",
        ] {
            let patience = Duration::from_secs_f64(header.parse().unwrap());
            for configured in [0.2, 15.0, 3600.0].map(Duration::from_secs_f64) {
                let timeout = scrape_timeout(Some(header), configured);
                let (grace, margin) = (grace(timeout), patience - timeout);
                assert!(
                    grace <= margin / 2 + Duration::from_nanos(1),
                    "{header}, {configured:?}: {grace:?} of {margin:?}"
                );
                assert!(
                    grace >= timeout.min(Duration::from_millis(500)) / 2,
                    "{header}"
                );
            }
        }
    }
    #[test]
    fn instances_are_picked_by_name_before_index() {
        let located = |guid: &str, index: &str, address: Address| Located {
            instance: Arc::new(Instance {
                app: Arc::default(),
                address,
                transport: Transport::default(),
                guid: guid.into(),
                index: index.into(),
                isolation_segment: "".into(),
                availability_zone: "".into(),
            }),
            host: "h".into(),
            age: Duration::ZERO,
            registration: 1,
            trusted: true,
        };
        let socket = |path: &str| Address::Unix(path.into());
        let all = vec![
            located("", "0", socket("/run/a.sock")),
            located("", "1", socket("/run/b.sock")),
            located("", "1", Address::tcp("h", 1)),
            located("1", "2", Address::tcp("h", 2)),
        ];
        for (n, want, why) in [
            ("0", Ok("/run/a.sock"), "its index"),
            ("unix:///run/b.sock", Ok("/run/b.sock"), "as it is shown"),
            ("unix::run:b.sock", Ok("/run/b.sock"), "in a path"),
            ("H:1", Ok("h:1"), "host and port have no case"),
            ("1", Ok("h:2"), "a GUID wins over an index"),
            ("unix:///run/B.sock", Err(Kind::NotFound), "a file has one"),
            ("", Err(Kind::NotFound), "nothing"),
        ] {
            let picked = pick_instance(all.clone(), n).map_err(|error| error.kind());
            let picked = picked.map(|picked| picked[0].instance.address.to_string());
            let want = want.map(|text| match text.strip_prefix('/') {
                Some(_) => format!("unix://{text}"),
                None => text.to_owned(),
            });
            assert_eq!(picked, want, "{n}: {why}");
        }
        let error = pick_instance(all[..3].to_vec(), "1").unwrap_err();
        assert_eq!(error.kind(), Kind::Ambiguous);
        let names = "unix::run:b.sock, h:1";
        assert!(error.to_string().ends_with(names), "{error}");
    }
}

//! Whatever changes an answer changes the key.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rustls::RootCertStore;

use super::*;
use crate::client::Bound;
use crate::exposition::Format;
use crate::exposition::media::accepted;
use crate::instance::{Address, Transport};
use crate::labels::Labels;
use crate::selector::Selector;
use crate::tls::Profiles;

fn headers(name: &'static str, value: &'static str) -> HeaderMap {
    let pair = (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
    [pair].into_iter().collect()
}

fn query() -> Query {
    Query {
        selector: Selector::Guid("a".into()),
        metric_path: None,
        bound: Arc::new(Bound::default()),
        only_app_metrics: false,
        needs_endpoint: true,
        accepted: accepted(None, &[Format::Text]),
        headers: HeaderMap::new(),
        authorization: None,
        forwarded_for: None,
        timeout: Duration::from_secs(1),
    }
}

fn target(address: &str, extras: Option<&Arc<Extras>>) -> Target {
    Target {
        instance: None,
        exporter: None,
        address: Address::parse(address).unwrap(),
        transport: Transport::default(),
        host: "h".into(),
        path_and_query: "/metrics".into(),
        labels: Labels::new(),
        trusted: true,
        extras: extras.cloned(),
        profile: None,
    }
}

#[test]
fn whatever_changes_an_answer_changes_the_key() {
    let extras = |timeout| {
        Arc::new(Extras {
            headers: headers("x-a", "1"),
            timeout,
            ..Extras::default()
        })
    };
    let (one, equal, slower) = (
        extras(None),
        extras(None),
        extras(Some(Duration::from_secs(1))),
    );
    let profiles = Profiles::new(Arc::new(RootCertStore::empty()), true, None);
    let with_profile = || Target {
        profile: Some(profiles.current()),
        ..target("h:1", None)
    };
    let of = |change: &dyn Fn(&mut Query), targets: Vec<Target>| {
        let mut query = query();
        change(&mut query);
        let targets: Vec<_> = targets.into_iter().map(Arc::new).collect();
        super::of(&query, &targets)
    };
    let plain = || vec![target("h:1", None)];
    let nothing = |_: &mut Query| {};
    let both = |first: Option<&Arc<Extras>>, second: Option<&Arc<Extras>>| {
        vec![target("h:1", first), target("h:2", second)]
    };
    assert!(of(&nothing, plain()) == of(&nothing, plain()));
    assert!(
        of(&nothing, vec![target("h:1", Some(&one))])
            == of(&nothing, vec![target("h:1", Some(&equal))]),
        "equal extras are as good as the same ones"
    );
    for (a, b, why) in [
        (
            of(&|query| query.headers = headers("x-a", "1"), plain()),
            of(&nothing, plain()),
            "the caller's headers",
        ),
        (
            of(&|query| query.headers = headers("x-a", "1"), plain()),
            of(&|query| query.headers = headers("x-a", "2"), plain()),
            "their values",
        ),
        (
            of(
                &|query| query.authorization = Some(HeaderValue::from_static("x-a")),
                plain(),
            ),
            of(&|query| query.headers = headers("x-a", ""), plain()),
            "a login is no header's name",
        ),
        (
            of(&nothing, vec![with_profile()]),
            of(&nothing, plain()),
            "the client certificate",
        ),
        (
            of(&nothing, vec![target("h:1", Some(&one))]),
            of(&nothing, vec![target("h:1", Some(&slower))]),
            "the time",
        ),
        (
            of(&nothing, both(Some(&one), Some(&one))),
            of(&nothing, both(Some(&one), None)),
            "the second has nothing of its own",
        ),
        (
            of(&nothing, both(None, Some(&one))),
            of(&nothing, both(Some(&one), None)),
            "the other one has something of its own",
        ),
    ] {
        assert!(a != b, "{why}");
    }
}

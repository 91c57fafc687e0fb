//! The request that an instance gets: its headers, its path, and where a redirect may lead.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Request as HttpRequest, Version};
use tokio::time::Instant;

use super::connect::NoBody;
use super::{Request, Target};
use crate::failure::{Failure, Reason};
use crate::headers::is_reserved;
use crate::instance::Instance;

const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// What is the same for all targets of a page.
#[derive(Debug)]
pub(super) struct Common {
    headers: HeaderMap,
    authorization: Option<HeaderValue>,
    /// The caller's.
    further: HeaderMap,
    deadline: Instant,
}

impl Common {
    pub(super) fn new(request: &Request, keep_alive: bool) -> Self {
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(header::ACCEPT, request.accept.clone());
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip, zstd"),
        );
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("promfetch/", env!("CARGO_PKG_VERSION"))),
        );
        // As behind the platform's edge: apps that insist on https answer with a redirect otherwise.
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        headers.insert("x-promfetcher-scrapping", HeaderValue::from_static("true"));
        if let Some(value) = request
            .forwarded_for
            .as_deref()
            .and_then(|text| HeaderValue::from_str(text).ok())
        {
            headers.insert("x-forwarded-for", value);
        }
        if !keep_alive {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let authorization = request.authorization.clone().map(|mut value| {
            value.set_sensitive(true);
            value
        });
        // Those of the connection would break it, whoever has let them through.
        let further = request
            .headers
            .iter()
            .filter(|(name, _)| !is_reserved(name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Self {
            headers,
            authorization,
            further,
            deadline: request.deadline,
        }
    }

    /// The request for this path of the target. `is_redirected` leaves the caller's headers out.
    ///
    /// # Errors
    /// `protocol` when the route's host cannot stand in a request.
    pub(super) fn build(
        &self,
        target: &Target,
        path: &PathAndQuery,
        is_http2: bool,
        is_redirected: bool,
    ) -> Result<HttpRequest<NoBody>, Failure> {
        let extras = target.extras.as_deref();
        let is_callers = target.exporter.is_none() && !is_redirected;
        // The later ones replace the earlier ones.
        let mut headers = HeaderMap::with_capacity(24);
        if is_callers {
            headers.extend(self.further.clone());
        }
        if let Some(extras) = extras {
            headers.extend(extras.headers.clone());
        }
        headers.extend(self.headers.clone());
        let left = self
            .deadline
            .saturating_duration_since(Instant::now())
            .min(
                extras
                    .and_then(|extras| extras.timeout)
                    .unwrap_or(Duration::MAX),
            )
            .max(Duration::from_millis(1));
        if let Ok(value) = HeaderValue::from_str(&format!("{:.3}", left.as_secs_f64())) {
            headers.insert(SCRAPE_TIMEOUT, value);
        }
        if let Some(located) = &target.instance {
            identify(&located.instance, &mut headers);
        }
        let callers = self.authorization.as_ref().filter(|_| is_callers);
        let own = extras.and_then(|extras| extras.authorization.as_ref());
        if let Some(value) = own.or(callers) {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        let unusable = || {
            Failure::new(
                Reason::Protocol,
                format!("`{}` cannot stand in a request as the host", target.host),
            )
        };
        let (uri, version) = if is_http2 {
            // `:authority` comes from the URI; a `Host` header beside it that differs is forbidden (RFC 9113, 8.3.1).
            let authority = target
                .host
                .parse::<Authority>()
                .ok()
                .filter(|text| !text.as_str().contains('@'))
                .ok_or_else(unusable)?;
            let scheme = if target.transport.tls.is_some() {
                Scheme::HTTPS
            } else {
                Scheme::HTTP
            };
            headers.remove(header::CONNECTION);
            let uri = Uri::builder()
                .scheme(scheme)
                .authority(authority)
                .path_and_query(path.clone())
                .build()
                .map_err(|_| unusable())?;
            (uri, Version::HTTP_2)
        } else {
            headers.insert(
                header::HOST,
                HeaderValue::from_str(&target.host).map_err(|_| unusable())?,
            );
            (Uri::from(path.clone()), Version::HTTP_11)
        };
        let mut request = HttpRequest::new(NoBody::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = uri;
        *request.version_mut() = version;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// Who is asked, as gorouter says it.
fn identify(instance: &Instance, headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-cf-applicationid", &instance.app.app_id),
        ("x-cf-instanceid", &instance.guid),
        ("x-cf-instanceindex", &instance.index),
    ] {
        // The values come from unauthenticated messages: one that is no header value is left out.
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

/// Reads the path and query to ask for.
///
/// # Errors
/// `protocol` when it cannot stand in a request.
pub(super) fn path(text: &str) -> Result<PathAndQuery, Failure> {
    let rooted = if text.starts_with('/') {
        text.parse()
    } else {
        format!("/{text}").parse()
    };
    rooted.map_err(|error| {
        Failure::new(
            Reason::Protocol,
            format!("`{text}` cannot be asked for: {error}"),
        )
    })
}

/// The path to which a redirect leads, when it stays with the target: only path and query are followed, on the
/// same connection identity. `from` is the path that was asked for.
///
/// # Errors
/// `redirect` when there is no `Location`, an unreadable one, or one that leads to another host.
pub(super) fn redirect(
    target: &Target,
    from: &PathAndQuery,
    location: Option<&HeaderValue>,
) -> Result<PathAndQuery, Failure> {
    let fail = |detail: String| Err(Failure::new(Reason::Redirect, detail));
    let Some(location) = location.and_then(|value| value.to_str().ok()) else {
        return fail("redirected without a readable `Location`".into());
    };
    let reference = location.split('#').next().unwrap_or_default();
    let rest = match reference
        .split_once("://")
        .filter(|(scheme, _)| ["http", "https"].contains(&&*scheme.to_ascii_lowercase()))
    {
        Some((_, rest)) => Some(rest),
        None => reference.strip_prefix("//"),
    };
    let first_segment = reference.split(['/', '?']).next().unwrap_or_default();
    if rest.is_none() && first_segment.contains(':') {
        return fail(format!(
            "redirected to something else than HTTP: `{location}`"
        ));
    }
    let Some(rest) = rest else {
        return relative(from, reference).or_else(|| None).map_or_else(
            || fail(format!("redirected to an unreadable `{location}`")),
            Ok,
        );
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if host(authority) != host(&target.host)
        && !authority.eq_ignore_ascii_case(&target.address.to_string())
    {
        return fail(format!("redirected to another host: `{location}`"));
    }
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    path.parse().map_or_else(
        |_| fail(format!("redirected to an unreadable `{location}`")),
        Ok,
    )
}

/// The host of an authority, in lower case and without the port.
fn host(authority: &str) -> String {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| is_port(port))
        .map_or(authority, |(host, _)| host);
    host.to_ascii_lowercase()
}

/// Resolves a reference without scheme and authority against the path it was found at (RFC 3986, 5.2).
fn relative(from: &PathAndQuery, reference: &str) -> Option<PathAndQuery> {
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let merged = if path.is_empty() {
        from.path().to_owned()
    } else if path.starts_with('/') {
        path.to_owned()
    } else {
        let base = from.path().rsplit_once('/').map_or("", |(base, _)| base);
        format!("{base}/{path}")
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut rest = merged.split('/').skip(1).peekable();
    while let Some(segment) = rest.next() {
        let is_last = rest.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
        // A dot at the end names a directory.
        if is_last && matches!(segment, "." | "..") {
            segments.push("");
        }
    }
    let mut resolved = format!("/{}", segments.join("/"));
    if let Some(query) = query {
        resolved.push('?');
        resolved.push_str(query);
    }
    resolved.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{Address, Transport};
    use crate::labels::Labels;

    fn target(host: &str) -> Target {
        Target {
            extras: None,
            profile: None,
            instance: None,
            exporter: None,
            address: Address::parse("10.0.0.1:61001").unwrap(),
            transport: Transport::default(),
            host: host.into(),
            path_and_query: "/metrics".into(),
            labels: Labels::new(),
            trusted: false,
        }
    }

    #[test]
    fn redirects_stay_with_the_target() {
        let target = target("shop.example.org:8080");
        let from = "/a/b?x=1".parse().unwrap();
        for (location, want, why) in [
            ("/metrics", Some("/metrics"), "an absolute path"),
            (
                "/metrics?a=b#part",
                Some("/metrics?a=b"),
                "a fragment is not sent",
            ),
            ("c", Some("/a/c"), "beside the path asked for"),
            ("c/", Some("/a/c/"), "a slash at the end stays"),
            ("../c", Some("/c"), "one up"),
            ("../../../c", Some("/c"), "no further than the root"),
            ("./", Some("/a/"), "the directory itself"),
            ("..", Some("/"), "the directory above"),
            ("?y=2", Some("/a/b?y=2"), "only another query"),
            (
                "https://shop.example.org/metrics",
                Some("/metrics"),
                "the same host, whatever scheme and port",
            ),
            (
                "http://SHOP.example.org:80/metrics/",
                Some("/metrics/"),
                "hosts have no case",
            ),
            ("//shop.example.org/m", Some("/m"), "without a scheme"),
            ("https://shop.example.org", Some("/"), "without a path"),
            (
                "https://shop.example.org?a=b",
                Some("/?a=b"),
                "a query without a path",
            ),
            (
                "http://10.0.0.1:61001/m",
                Some("/m"),
                "the address that was dialled",
            ),
            (
                "https://login.example.org/oauth",
                None,
                "a login page elsewhere",
            ),
            ("//evil.example.org/m", None, "elsewhere without a scheme"),
            ("mailto:ops@example.org", None, "no address of HTTP"),
            ("ftp://shop.example.org/m", None, "another protocol"),
            (
                "https://shop.example.org@evil.example.org/m",
                None,
                "a user that looks like our host",
            ),
            ("/a b", None, "no path"),
        ] {
            let got = redirect(
                &target,
                &from,
                Some(&HeaderValue::from_str(location).unwrap()),
            );
            match want {
                Some(path) => assert_eq!(got.unwrap().as_str(), path, "{location}: {why}"),
                None => assert_eq!(
                    got.unwrap_err().reason,
                    Reason::Redirect,
                    "{location}: {why}"
                ),
            }
        }
        assert_eq!(
            redirect(&target, &from, None).unwrap_err().reason,
            Reason::Redirect
        );
        assert_eq!(
            redirect(
                &target,
                &from,
                Some(&HeaderValue::from_bytes(b"/\xff").unwrap())
            )
            .unwrap_err()
            .reason,
            Reason::Redirect
        );
    }

    #[test]
    fn paths_are_rooted_and_checked() {
        assert_eq!(path("metrics?a=b").unwrap().as_str(), "/metrics?a=b");
        assert_eq!(path("/").unwrap().as_str(), "/");
        assert_eq!(path("/a b").unwrap_err().reason, Reason::Protocol);
    }

    #[test]
    fn a_host_that_cannot_be_sent_is_a_failure_and_no_panic() {
        let common = Common {
            further: HeaderMap::new(),
            headers: HeaderMap::new(),
            authorization: None,
            deadline: Instant::now(),
        };
        let path = "/metrics".parse().unwrap();
        for (host, http1, http2) in [
            ("shop.example.org", true, true),
            ("shop.example.org:8080", true, true),
            ("shop\r\nx: y", false, false),
            ("user@shop.example.org", true, false),
            ("", true, false),
        ] {
            assert_eq!(
                common.build(&target(host), &path, false, false).is_ok(),
                http1,
                "{host:?} over HTTP/1.1"
            );
            assert_eq!(
                common.build(&target(host), &path, true, false).is_ok(),
                http2,
                "{host:?} over HTTP/2"
            );
        }
    }
}

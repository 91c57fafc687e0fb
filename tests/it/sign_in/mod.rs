//! People sign in with a browser.

// With the user name and password of an operator or a binding, and out again.
mod passwords;
// With the platform's own login.
mod platform;
// What a session is worth, in which process, and for how long.
mod sessions;
// Who is led to the sign-in, and who is not.
mod led;
// Where somebody can be led, and by whose form.
mod attacks;

use std::collections::BTreeMap;

use promfetch_tests::app::encode;
use promfetch_tests::foundation::{OPERATOR, OPERATOR_PASSWORD};
use promfetch_tests::http::{self, Response};
use promfetch_tests::uaa::sign_in::WHO;
use promfetch_tests::{Promfetch, Uaa};

/// What browsers send for pages.
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A browser, as far as addresses and cookies go. It knows promfetch by its public address, as through a proxy that
/// ends the encryption.
#[derive(Clone, Debug)]
struct Browser {
    /// Where promfetch listens.
    api: String,
    /// Scheme and host of the public address, and the path before promfetch's own.
    host: String,
    prefix: String,
    cookies: BTreeMap<String, String>,
    /// Who logs in at the UAA.
    user: String,
}

impl Browser {
    /// For a promfetch at `https://promfetch.test`.
    fn new(promfetch: &Promfetch) -> Self {
        Self::at(promfetch, "https://promfetch.test", "")
    }

    fn at(promfetch: &Promfetch, host: &str, prefix: &str) -> Self {
        Self {
            api: promfetch.api.clone(),
            host: host.into(),
            prefix: prefix.into(),
            cookies: BTreeMap::new(),
            user: String::new(),
        }
    }

    /// `GET` of a path of promfetch's, as a page.
    async fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[("accept", HTML)], "").await
    }

    /// `GET` as a page's script does.
    async fn fetch(&mut self, path: &str) -> Response {
        let headers = [("accept", "*/*"), ("sec-fetch-dest", "empty")];
        self.send("GET", path, &headers, "").await
    }

    /// Sends a form from a page of promfetch's.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let origin = self.host.clone();
        let headers = [("accept", HTML), ("origin", &origin)];
        self.send("POST", path, &headers, &form(fields)).await
    }

    /// Any request; cookies are sent and kept.
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = headers.to_vec();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        if method == "POST" {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let url = format!("{}{path}", self.api);
        let body = body.to_owned();
        let answer = http::send(method, &url, &headers, body.into(), None).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().expect("ASCII");
            let (pair, attributes) = set.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a name");
            if attributes.contains("Max-Age=0;") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        answer
    }

    /// Types a login into the form.
    async fn sign_in(&mut self, user: &str, password: &str, next: &str) -> Response {
        let fields = [("user", user), ("password", password), ("next", next)];
        self.post("/sign-in", &fields).await
    }

    async fn sign_in_as_operator(&mut self) {
        let answer = self.sign_in(OPERATOR, OPERATOR_PASSWORD, "/").await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    }

    /// Where a redirect on this page leads, as a path of promfetch's.
    fn led(&self, page: &str, answer: &Response) -> String {
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        let location = answer.header("location");
        assert!(
            !location.starts_with('/') && !location.contains("://"),
            "relative, for prefixes: {location}"
        );
        let (link, query) = match location.split_once('?') {
            Some((link, query)) => (link, format!("?{query}")),
            None => (location, String::new()),
        };
        let page = format!("{}{}", self.prefix, page.split('?').next().unwrap_or(""));
        let mut path: Vec<&str> = page.split('/').collect();
        path.pop();
        for part in link.split('/') {
            match part {
                ".." => drop(path.pop()),
                "." => {}
                part => path.push(part),
            }
        }
        let path = path.join("/");
        let own = path.strip_prefix(&self.prefix);
        let own = own.unwrap_or_else(|| panic!("{location} leads out of {}", self.prefix));
        format!("{own}{query}")
    }

    /// Leaves for the UAA and logs in there: the address with which the UAA sends the browser back, below promfetch's.
    async fn log_in_at(&mut self, uaa: &Uaa, leave: &str) -> String {
        let answer = self.get(leave).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let location = answer.header("location");
        assert!(location.starts_with(&uaa.url), "{location}");
        let answer = http::get(location, &[(WHO, &self.user)]).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        let back = answer.header("location");
        let own = back.strip_prefix(&format!("{}{}", self.host, self.prefix));
        own.unwrap_or_else(|| panic!("{back}")).to_owned()
    }

    /// Signs in with the platform's login, and gives the last answer.
    async fn sign_in_at(&mut self, uaa: &Uaa, user: &str, next: &str) -> Response {
        self.user = user.into();
        let leave = format!("/sign-in/uaa?next={}", encode(next));
        let back = self.log_in_at(uaa, &leave).await;
        self.get(&back).await
    }

    /// Whether `/routes`, which is for operators in every mode, opens.
    async fn is_operator(&mut self) -> bool {
        self.get("/routes").await.status == 200
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}

/// What is said on a page of the sign-in.
fn told(answer: &Response) -> &str {
    let text = answer.text();
    let from = text
        .find("role=\"alert\">")
        .map_or(text.len(), |at| at + 13);
    text[from..].split("</p>").next().unwrap_or_default()
}

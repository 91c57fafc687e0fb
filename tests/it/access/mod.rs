//! Who may read what, and which login reaches whom.

// Open, audited and protected access over every route.
mod modes;
// What the credentials of bindings and service keys open.
mod credentials;
// Operators, their hashes, and guessing their passwords.
mod operators;
// Tokens of the platform's users.
mod tokens;
// The UAA or the Cloud Controller is away.
mod platform_away;
// What somebody learns about apps of others: nothing.
mod outsiders;
// Who would be refused is counted, and served.
mod audit;
// Which of the caller's logins reach an app.
mod forwarding;
// The logins that developers have bound for their apps.
mod bound;
// What the pages of the explorer show to whom.
mod explorer;
// No secret in logs, pages and error texts.
mod secrecy;

use promfetch_tests::http::{self, Response};
use promfetch_tests::platform::Pushed;
use promfetch_tests::{App, Behaviour, Foundation};
use serde_json::{Value, json};

/// A foundation with two apps of one space and one of another, each with one instance.
pub(crate) struct Town {
    pub(crate) foundation: Foundation,
    /// Of the space `prod`, with the service instance `prod-metrics`.
    pub(crate) shop: Pushed,
    /// Of the same space.
    pub(crate) till: Pushed,
    /// Of another space, with the service instance `other-metrics`.
    pub(crate) other: Pushed,
}

impl Town {
    pub(crate) async fn start(access: &str) -> Self {
        Self::start_with(access, json!({})).await
    }

    pub(crate) async fn start_with(access: &str, mut keys: Value) -> Self {
        keys["access"] = access.into();
        let foundation = Foundation::start(keys).await;
        let platform = &foundation.platform;
        let shop = App::new("acme", "prod", "shop");
        let mut till = App::new("acme", "prod", "till");
        till.space_guid.clone_from(&shop.space_guid);
        let other = App::new("evil", "prod", "other");
        let shop = platform.push(shop, [Behaviour::page("of_shop 1\n")]).await;
        let till = platform.push(till, [Behaviour::page("of_till 1\n")]).await;
        let other = platform
            .push(other, [Behaviour::page("of_other 1\n")])
            .await;
        let cloud = foundation.cloud();
        cloud.provision("prod-metrics", &shop.app.space_guid).await;
        cloud
            .provision("other-metrics", &other.app.space_guid)
            .await;
        Self {
            foundation,
            shop,
            till,
            other,
        }
    }

    /// Any request with this `Authorization`; empty: without one. Nothing is checked.
    pub(crate) async fn ask(&self, method: &str, path: &str, login: &str) -> Response {
        let headers = [("authorization", login)];
        let headers = if login.is_empty() { &[][..] } else { &headers };
        self.ask_with(method, path, headers).await
    }

    async fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let url = format!("{}{path}", self.foundation.platform.promfetch.api);
        http::request(method, &url, headers, None)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    async fn status(&self, path: &str, login: &str) -> u16 {
        self.ask("GET", path, login).await.status
    }

    /// What this login gets of `shop`, `till` and `other`.
    async fn statuses(&self, login: &str) -> [u16; 3] {
        let mut all = [0; 3];
        for (status, pushed) in all.iter_mut().zip([&self.shop, &self.till, &self.other]) {
            *status = self.status(&pushed.app.path("metrics"), login).await;
        }
        all
    }
}

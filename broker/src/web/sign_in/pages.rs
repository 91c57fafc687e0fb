//! The pages around signing in.

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use maud::{Markup, html};

use super::next::Next;
use crate::access::{Access, Gate};
use crate::api::errors::ApiError;
use crate::web::layout::{self, Viewer};
use crate::web::template::visible;
use crate::web::{HTML, compressed, secure};

/// What the sign-in page shows.
pub(super) struct SignIn<'p> {
    pub(super) gate: &'p Gate,
    /// Who has signed in already.
    pub(super) access: &'p Access,
    pub(super) next: &'p Next,
    /// The name that was typed.
    pub(super) user: &'p str,
    /// What is to be said first.
    pub(super) told: Told<'p>,
}

/// What is said above the form.
pub(super) enum Told<'p> {
    Nothing,
    SignedOut,
    /// Why nobody was signed in.
    Refused(&'p ApiError),
}

/// The form, below [`Told`].
pub(super) fn sign_in(page: &SignIn<'_>, headers: &HeaderMap) -> Response {
    let SignIn {
        gate,
        access,
        next,
        user,
        told,
    } = page;
    let known = access.viewer();
    let content = html! {
        h1 { "Sign in" }
        @match told {
            Told::Nothing => {}
            Told::SignedOut => {
                p.note role="status" { "You are signed out here." @if gate.has_platform_login() { " The platform's own login does not end with that." } }
            }
            Told::Refused(error) => p.note role="alert" { (visible(error.message())) "." }
        }
        @if let Some(name) = &known {
            p { "You are signed in as " b { bdi { (visible(name)) } } ". " a href=(next.location(".")) { "Go on" } }
        }
        @if gate.has_platform_login() {
            p { a.button href={ "sign-in/uaa" (next.query()) } { "Sign in with the platform’s login" } }
            p { "You then see the apps that you see with " code { "cf" } "." }
            h2 { "Or with a user name and a password" }
        }
        form.sign-in method="post" action="sign-in" {
            input type="hidden" name="next" value=(next.as_str());
            label for="user" { "User name" }
            input id="user" name="user" value=(user) autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="1000" dir="auto";
            label for="password" { "Password" }
            input id="password" name="password" type="password" autocomplete="current-password" required maxlength="4000";
            button.button type="submit" { "Sign in" }
        }
        p {
            "Those of a binding or of a service key, or an operator’s: "
            a href="doc/access#get-a-login" { "how to get a login" } "."
            @if !gate.has_platform_login() && gate.takes_tokens() { " Signing in with the platform’s own login is not set up here." }
        }
    };
    let (status, mut own) = match told {
        Told::Refused(error) => (error.status(), (*error).clone().without_dialog().headers()),
        _ => (StatusCode::OK, HeaderMap::new()),
    };
    let viewer = known.map_or(Viewer::Nothing, Viewer::Known);
    let page = Page {
        title: "Sign in",
        up: "",
        viewer,
        content,
    };
    own.extend(private());
    page.answer(status, own, headers)
}

/// Somebody has come back from the platform's login in vain.
pub(super) fn failed(error: &ApiError, next: &Next, headers: &HeaderMap) -> Response {
    let page = Page {
        title: "Not signed in",
        up: "../",
        viewer: Viewer::Nothing,
        content: html! {
            h1 { "Not signed in" }
            p.note role="alert" { (visible(error.message())) "." }
            p { a.button href={ "../sign-in" (next.query()) } { "Sign in" } }
        },
    };
    let mut own = error.headers();
    own.extend(private());
    page.answer(error.status(), own, headers)
}

/// A page that its viewer does not get. `up` is the way to the root of the service.
pub(super) fn refused(
    error: &ApiError,
    access: &Access,
    (uri, up): (&Uri, &str),
    headers: &HeaderMap,
) -> Response {
    let known = access.viewer();
    let heading = match error.status() {
        StatusCode::FORBIDDEN => "This page is not for you",
        _ => "Not at the moment",
    };
    let page = Page {
        title: heading,
        up,
        viewer: Viewer::of(access, uri),
        content: html! {
            h1 { (heading) }
            p.note role="alert" { (visible(error.message())) "." }
            @if let Some(name) = &known {
                p { "You are signed in as " b { bdi { (visible(name)) } } ". To come in under another name, sign out first." }
                form method="post" action={ (up) "sign-out" } { button.button type="submit" { "Sign out" } }
            }
            p { a href={ (up) "./" } { "To the start" } }
        },
    };
    let mut own = error.headers();
    own.extend(private());
    page.answer(error.status(), own, headers)
}

/// A form that came from elsewhere.
pub(super) fn foreign(headers: &HeaderMap) -> Response {
    let page = Page {
        title: "Not done",
        up: "",
        viewer: Viewer::Nothing,
        content: html! {
            h1 { "Not done" }
            p.note role="alert" { "This form was not sent from a page of this service, or the browser does not say from where." }
            p { a.button href="sign-in" { "Sign in" } }
        },
    };
    page.answer(StatusCode::FORBIDDEN, private(), headers)
}

struct Page<'p> {
    title: &'p str,
    up: &'p str,
    viewer: Viewer,
    content: Markup,
}

impl Page<'_> {
    fn answer(self, status: StatusCode, own: HeaderMap, headers: &HeaderMap) -> Response {
        let page = layout::whole(&layout::Page {
            title: self.title,
            up: self.up,
            place: None,
            platform: false,
            scripts: &[],
            refresh: None,
            viewer: &self.viewer,
            menu: None,
            content: self.content,
        });
        let mut response = compressed(Bytes::from(page.into_string()), HTML, headers);
        *response.status_mut() = status;
        let all = response.headers_mut();
        all.extend(own);
        secure(all);
        response
    }
}

/// Nobody keeps these pages: they are for one person, at one time.
pub(super) fn private() -> HeaderMap {
    HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}

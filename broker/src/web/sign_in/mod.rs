//! Signing in and out, for people with a browser: by the user name and password of a binding or an operator, or by
//! the platform's own login. What it comes to is a cookie (`access::session`).

pub(crate) mod next;
mod origin;
mod pages;

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use promfetch_core::config::Secret;
use serde::Deserialize;

use self::next::Next;
use self::pages::{SignIn, Told, private};
use crate::access::{Access, Answer, Failed};
use crate::api::errors::ApiError;
use crate::api::{Api, accept};

/// Longest form, in bytes: a name, a password and an address.
pub(crate) const MAX_FORM: usize = 16 << 10;

/// The parameters of the sign-in's addresses.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    next: Option<String>,
    /// Somebody has just signed out.
    out: Option<String>,
}

/// What somebody has typed. Not to be shown.
#[derive(Deserialize)]
pub(crate) struct Typed {
    user: String,
    password: String,
    next: Option<String>,
}

/// `GET /sign-in`.
pub(crate) async fn show(
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let told = match asked.out {
        Some(_) => Told::SignedOut,
        None => Told::Nothing,
    };
    let page = SignIn {
        gate: &api.gate,
        access: &api.gate.signed_in(&headers).await,
        next: &Next::read(asked.next.as_deref()),
        user: "",
        told,
    };
    pages::sign_in(&page, &headers)
}

/// `POST /sign-in`.
pub(crate) async fn submit(
    State(api): State<Api>,
    uri: Uri,
    headers: HeaderMap,
    typed: Result<Form<Typed>, FormRejection>,
) -> Response {
    let base_url = &api.config.base_url;
    if !origin::is_own(&headers, &uri, base_url) {
        return pages::foreign(&headers);
    }
    let again = |user: &str, next: &Next, error: &ApiError| {
        let page = SignIn {
            gate: &api.gate,
            access: &Access::Nothing,
            next,
            user,
            told: Told::Refused(error),
        };
        pages::sign_in(&page, &headers)
    };
    let Ok(Form(typed)) = typed else {
        let error =
            ApiError::bad_request("The form has no user name and password, or too much of them");
        return again("", &Next::read(None), &error);
    };
    let next = Next::read(typed.next.as_deref());
    if origin::drops_cookies(&headers, base_url) {
        let error = ApiError::bad_request(format!(
            "Nobody can stay signed in on a connection that is not encrypted: open {base_url}"
        ));
        return again(&typed.user, &next, &error);
    }
    let password = Secret(typed.password);
    match api.gate.sign_in(&typed.user, &password).await {
        Ok(cookie) => see_other(&next.location("."), [cookie]),
        Err(error) => again(&typed.user, &next, &error),
    }
}

/// `GET /sign-in/uaa`: leaves for the platform's login.
pub(crate) async fn leave(
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let next = Next::read(asked.next.as_deref());
    match api.gate.leave(next.as_str()) {
        Ok((location, cookie)) => see_other(&location, [cookie]),
        Err(error) => pages::failed(&error, &next, &headers),
    }
}

/// `GET /sign-in/callback`: comes back from there. Whatever it comes to, the same answer is worth nothing a second time.
pub(crate) async fn come_back(
    State(api): State<Api>,
    answer: Result<Query<Answer>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let answer = answer.map(|Query(answer)| answer).unwrap_or_default();
    let arrived = api.gate.arrived();
    match api.gate.come_back(&headers, &answer).await {
        Ok((cookie, next)) => see_other(&Next::read(Some(&next)).location(".."), [cookie, arrived]),
        Err(Failed { error, next }) => {
            let known = next.is_some();
            let next = Next::read(next.as_deref());
            let mut response = pages::failed(&error, &next, &headers);
            // An answer that belongs to nothing does not end what somebody has begun.
            if known {
                response.headers_mut().append(SET_COOKIE, arrived);
            }
            response
        }
    }
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Response {
    if !origin::is_own(&headers, &uri, &api.config.base_url) {
        return pages::foreign(&headers);
    }
    see_other("sign-in?out=", [api.gate.sign_out()])
}

/// `GET /sign-out`, typed by hand: a page with the button. Nothing ends by following a link.
pub(crate) async fn no_sign_out() -> Response {
    see_other("sign-in", [])
}

/// The answer of the guard to people with a browser; `None` for all others, and for what is no page.
pub(crate) fn turned_away(
    request: &Request,
    error: &ApiError,
    access: &Access,
) -> Option<Response> {
    let (headers, uri) = (request.headers(), request.uri());
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    if !is_read || !next::is_page(uri.path()) || !accept::names_html(headers) {
        return None;
    }
    let up = next::up(uri.path())?;
    if error.status() == StatusCode::UNAUTHORIZED {
        let location = format!("{up}sign-in{}", Next::of(uri).query());
        return Some(see_other(&location, []));
    }
    Some(pages::refused(error, access, (uri, &up), headers))
}

/// 303, with these cookies.
fn see_other<const N: usize>(location: &str, cookies: [HeaderValue; N]) -> Response {
    let mut headers = private();
    match HeaderValue::try_from(location) {
        Ok(location) => headers.insert(LOCATION, location),
        Err(_) => return ApiError::internal().into_response(),
    };
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::header::{ACCEPT, CACHE_CONTROL, RETRY_AFTER};

    use super::*;
    use crate::access::Reader;
    use crate::bindings::Scope;

    const BROWSER: &str = "text/html,*/*;q=0.8";

    fn asked(method: Method, path: &str, accept: &str) -> Request {
        let request = Request::builder().method(method).uri(path);
        request.header(ACCEPT, accept).body(Body::empty()).unwrap()
    }

    fn binding() -> Access {
        let user = "b-1<script>\u{202e}".to_owned();
        Access::Reader(Reader::Binding(Scope::App("a".into()), user))
    }

    #[tokio::test]
    async fn who_may_not_see_a_page_gets_the_way_out() {
        let error = ApiError::forbidden("This page is for operators");
        for (path, up) in [("/platform", ""), ("/apps/a/b", "../../")] {
            let request = asked(Method::GET, path, BROWSER);
            let response = turned_away(&request, &error, &binding()).unwrap();
            assert_eq!(response.status(), 403);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            let body = to_bytes(response.into_body(), 99_999).await.unwrap();
            let text = String::from_utf8(body.to_vec()).unwrap();
            for part in [
                "This page is for operators.",
                "binding b-1&lt;script&gt;\u{fffd}",
                &format!("action=\"{up}sign-out\""),
                &format!("href=\"{up}./\""),
                &format!("href=\"{up}assets/style-"),
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn only_people_on_pages_are_answered_here() {
        let login = || ApiError::login_needed("x");
        let busy = || ApiError::unavailable("x");
        for (error, method, path, accept, want, why) in [
            (login(), Method::GET, "/", BROWSER, Some(303), "the start"),
            (login(), Method::HEAD, "/", BROWSER, Some(303), "its head"),
            (login(), Method::POST, "/", BROWSER, None, "a form"),
            (login(), Method::GET, "/", "*/*", None, "a program"),
            (login(), Method::GET, "/v1/sd", BROWSER, None, "no page"),
            (busy(), Method::GET, "/", BROWSER, Some(503), "an outage"),
            (busy(), Method::GET, "/v1/sd", BROWSER, None, "no page"),
        ] {
            let request = asked(method, path, accept);
            let response = turned_away(&request, &error, &Access::Nothing);
            let status = response.as_ref().map(|response| response.status().as_u16());
            assert_eq!(status, want, "{why}");
            if status == Some(503) {
                let headers = response.map(|response| response.headers().clone());
                assert!(headers.unwrap().contains_key(RETRY_AFTER), "{why}");
            }
        }
    }
}

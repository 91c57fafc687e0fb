//! Which spaces a user may see: what narrows a list of apps before each of its apps is asked about.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use promfetch_core::config::Secret;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::answers::Answers;
use super::upstream::{Unavailable, Upstream};

/// Spaces of one page: the most that the Cloud Controller gives.
const PER_PAGE: usize = 5000;
/// Pages of one list. Who sees more spaces sees nearly all of the platform.
const MAX_PAGES: usize = 4;
/// Longest page, in bytes. A space has about 1.2 KiB, and its metadata.
const MAX_BODY: usize = 16 << 20;
/// Lists kept, and questions that run or wait: a list has at most 20,000 GUIDs.
const CAPACITY: usize = 64;
/// Lists that are read at the same time.
const RUNNING: usize = 2;
/// How long a question waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The GUIDs; `None`: too many.
type List = Option<Arc<HashSet<Box<str>>>>;

/// The lists that were asked for lately.
pub(super) struct Spaces {
    upstream: Arc<Upstream>,
    running: Arc<Semaphore>,
    answers: Answers<Result<List, Unavailable>>,
}

impl Spaces {
    /// At the Cloud Controller.
    pub(super) fn new(upstream: Arc<Upstream>) -> Self {
        Self {
            upstream,
            running: Arc::new(Semaphore::new(RUNNING)),
            answers: Answers::new(CAPACITY),
        }
    }

    /// The spaces that the user of this token may see; the answer counts until then.
    ///
    /// # Errors
    /// When the Cloud Controller does not say.
    pub(super) async fn of(&self, token: &Secret, until: Instant) -> Result<List, Unavailable> {
        let asked = self.answers.ask(&[&token.0], || {
            let (upstream, running) = (Arc::clone(&self.upstream), Arc::clone(&self.running));
            let token = token.clone();
            async move {
                let Ok(Ok(_turn)) = timeout(PATIENCE, running.acquire()).await else {
                    return (Err(Unavailable), None);
                };
                let answer = read_all(&upstream, &token).await;
                let answer = upstream.report(answer);
                let until = answer.is_ok().then_some(until);
                (answer, until)
            }
        });
        asked.answer().await.unwrap_or(Err(Unavailable))
    }
}

async fn read_all(upstream: &Upstream, token: &Secret) -> Result<List, String> {
    let mut all = HashSet::new();
    for number in 1..=MAX_PAGES {
        let path = format!("/v3/spaces?per_page={PER_PAGE}&page={number}");
        let (status, body) = upstream.get("spaces", &path, Some(token), MAX_BODY).await?;
        let page: Page = match status {
            200 => serde_json::from_slice(&body)
                .map_err(|_| "`/v3/spaces` answers with something else than spaces".to_owned())?,
            401 | 403 | 404 => return Ok(Some(Arc::default())),
            status => return Err(format!("`/v3/spaces` answers with status {status}")),
        };
        all.extend(page.resources.into_iter().map(|space| space.guid));
        // Its number and not the address of the next page, which could lead the token elsewhere.
        if page.pagination.total_pages <= number {
            return Ok(Some(Arc::new(all)));
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
struct Page {
    pagination: Pagination,
    resources: Vec<Space>,
}

#[derive(Deserialize)]
struct Pagination {
    total_pages: usize,
}

#[derive(Deserialize)]
struct Space {
    guid: Box<str>,
}

#[cfg(test)]
mod tests {
    use promfetch_core::calls::Calls;

    use crate::access::upstream::CLOUD_CONTROLLER;

    use serde_json::json;

    use super::*;
    use crate::access::testing::Server;

    /// What comes of pages of which each has two spaces.
    async fn read(pages: usize) -> (List, Vec<String>) {
        let server = Server::start(move |request| {
            let uri = request.uri().to_string();
            let number = uri.rsplit('=').next().unwrap();
            let guids = [format!("{number}-a"), format!("{number}-b")];
            let resources = guids.map(|guid| json!({"guid": guid, "name": "x"}));
            let pagination =
                json!({"total_pages": pages, "next": {"href": "https://evil.example"}});
            (
                200,
                json!({"pagination": pagination, "resources": resources}).to_string(),
            )
        })
        .await;
        let upstream = Upstream::new(
            CLOUD_CONTROLLER,
            &server.url,
            &server.config(),
            &Calls::default(),
        )
        .unwrap();
        let list = read_all(&upstream, &Secret("t".into())).await.unwrap();
        (list, server.seen())
    }

    #[tokio::test]
    async fn pages_are_followed_within_bounds() {
        for (pages, count, asked, why) in [
            (0, Some(2), 1, "no pages at all"),
            (1, Some(2), 1, "one"),
            (3, Some(6), 3, "several"),
            (MAX_PAGES, Some(2 * MAX_PAGES), MAX_PAGES, "the most"),
            (MAX_PAGES + 1, None, MAX_PAGES, "too many"),
            (usize::MAX, None, MAX_PAGES, "endless"),
        ] {
            let (list, seen) = read(pages).await;
            assert_eq!(list.map(|list| list.len()), count, "{why}");
            assert_eq!(seen.len(), asked, "{why}: {seen:?}");
            assert_eq!(seen[0], "/v3/spaces?per_page=5000&page=1", "{why}");
        }
    }

    #[tokio::test]
    async fn only_an_answer_about_spaces_is_one() {
        for (status, body, want, why) in [
            (
                200,
                r#"{"pagination":{"total_pages":1},"resources":[]}"#,
                Some(0),
                "no spaces",
            ),
            (401, "", Some(0), "a token that counts no more"),
            (403, "", Some(0), "a token without the scope"),
            (404, "", Some(0), "nothing for this user"),
            (200, "<html>", None, "a page about maintenance"),
            (
                200,
                r#"{"resources":[]}"#,
                None,
                "no pagination: it may be cut",
            ),
            (302, "", None, "no redirect is followed"),
            (503, "", None, "an outage"),
        ] {
            let server = Server::start(move |_| (status, body.into())).await;
            let upstream = Upstream::new(
                CLOUD_CONTROLLER,
                &server.url,
                &server.config(),
                &Calls::default(),
            )
            .unwrap();
            let got = read_all(&upstream, &Secret("t".into())).await;
            let got = got.ok().map(|list| list.unwrap().len());
            assert_eq!(got, want, "{why}");
        }
    }
}

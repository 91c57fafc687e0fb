//! Finds connections whose caller no longer reads. Without it, a caller that stops in the middle of a page would hold
//! the page's inputs, up to 1 GiB, for as long as it likes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

/// A connection with an open answer on which nothing moves for this long is ended. The largest piece of a page is
/// a quarter of a megabyte: that is less than 5 kB/s.
const PATIENCE: Duration = Duration::from_secs(60);

/// What moves on one connection. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// Answers under way.
    open: AtomicUsize,
    /// When a piece of an answer was last asked for, in milliseconds since the start.
    moved: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            open: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
        }))
    }

    /// The same body, watched.
    pub(super) fn watch(&self, body: Body) -> Watched {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.touch();
        Watched {
            body,
            activity: self.clone(),
        }
    }

    /// Completes when an answer is open and nothing has moved for [`PATIENCE`].
    pub(super) async fn stalled(&self) {
        loop {
            tokio::time::sleep(PATIENCE / 4).await;
            let idle = self
                .now()
                .saturating_sub(self.0.moved.load(Ordering::Relaxed));
            if self.0.open.load(Ordering::Relaxed) > 0 && u128::from(idle) >= PATIENCE.as_millis() {
                return;
            }
        }
    }

    fn touch(&self) {
        self.0.moved.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A body that tells its connection's [`Activity`] when it moves and when it ends.
#[derive(Debug)]
pub(super) struct Watched {
    body: Body,
    activity: Activity,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.activity.touch();
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.activity.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_an_open_answer_that_does_not_move_is_a_stall() {
        let activity = Activity::new();
        let stalled =
            |seconds| tokio::time::timeout(Duration::from_secs(seconds), activity.stalled());
        assert!(stalled(600).await.is_err(), "an idle connection is kept");

        let mut body = activity.watch(Body::from("page"));
        assert!(stalled(59).await.is_err(), "the caller may be slow");
        body.frame().await.unwrap().unwrap();
        assert!(stalled(59).await.is_err(), "it moved");
        assert!(stalled(30).await.is_ok(), "nothing more was read");

        drop(body);
        assert!(stalled(600).await.is_err(), "the answer is done");
    }
}

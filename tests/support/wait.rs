//! Waiting for a condition instead of for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take before a test gives up. Generous: it is only ever waited for when something is broken, and
/// the tests of other languages come as one program that goes on for minutes.
pub const LIMIT: Duration = Duration::from_secs(300);

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// Asks `probe` until it gives a value.
///
/// # Panics
/// When it gives none within [`LIMIT`]; the message says `what` was waited for.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + LIMIT;
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(
            Instant::now() < give_up,
            "waited {LIMIT:?} in vain until {what}"
        );
        sleep(INTERVAL).await;
    }
}

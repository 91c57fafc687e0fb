//! Work that may take long on a large platform: walks through the routing table and through pages of apps.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::errors::ApiError;

/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// One for each processor: more at once would only be slower, hold the table's lock longer, and take all threads on
/// which passwords are checked. A caller that hangs up does not end the work, so its turn ends with the work.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(2, usize::from);
    Arc::new(Semaphore::new(processors.max(2)))
});

/// Runs it where it holds up nobody.
///
/// # Errors
/// 503 when others look through the table all the time.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let turn = timeout(PATIENCE, Arc::clone(&TURNS).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return Err(ApiError::unavailable(
            "Others are looking through the routing table, try again in a few seconds",
        ));
    };
    let work = move || {
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "looking through table or pages failed");
        ApiError::internal()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_gets_no_turn_is_told_and_turns_come_back() {
        let all = TURNS.available_permits();
        let held = Arc::clone(&TURNS).acquire_many_owned(u32::try_from(all).unwrap());
        let held = held.await.unwrap();
        let error = aside(|| ()).await.unwrap_err();
        assert_eq!(error.status().as_u16(), 503);
        drop(held);
        assert!(aside(|| panic!("for this test")).await.is_err());
        assert_eq!(aside(|| 7).await.unwrap(), 7);
    }
}

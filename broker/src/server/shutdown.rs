//! The way out, in steps: turn unhealthy, stop accepting, finish what is open, cut what is left.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long open requests may go on after the port is closed.
pub const GRACE: Duration = Duration::from_secs(15);

/// A handle on the steps of a shutdown. Cloning shares it. Each step is taken once and never taken back.
#[derive(Clone, Debug)]
pub struct Shutdown {
    draining: CancellationToken,
    stopping: CancellationToken,
    cut: CancellationToken,
    grace: Duration,
}

impl Shutdown {
    /// Open requests get `grace` to end once [`stop`](Self::stop) is called.
    pub fn new(grace: Duration) -> Self {
        Self {
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            cut: CancellationToken::new(),
            grace,
        }
    }

    /// From now on health answers 503, so that load balancers leave; everything is served as before.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// From now on no connection is accepted; open requests may end.
    pub fn stop(&self) {
        self.draining.cancel();
        self.stopping.cancel();
    }

    /// Ends all connections at once.
    pub fn cut(&self) {
        self.stop();
        self.cut.cancel();
    }

    /// Whether health answers 503 because of a shutdown.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Completes when accepting has to end.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
    }

    /// Completes when open connections have to end.
    pub(crate) async fn was_cut(&self) {
        self.cut.cancelled().await;
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }
}

/// Takes the steps that signals ask for: SIGTERM and SIGINT stop (a second one cuts); SIGUSR1 drains, and stops after `drain_wait`.
///
/// # Errors
/// When the system refuses a signal handler.
pub fn on_signals(shutdown: Shutdown, drain_wait: Duration) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut user = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => leave(&shutdown, "SIGTERM"),
                _ = interrupt.recv() => leave(&shutdown, "SIGINT"),
                _ = user.recv() => if !shutdown.is_draining() {
                    tracing::info!(seconds = drain_wait.as_secs(), "SIGUSR1: health answers 503 from now on; requests are served until the wait is over");
                    shutdown.drain();
                    let shutdown = shutdown.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(drain_wait).await;
                        shutdown.stop();
                    });
                },
            }
        }
    });
    Ok(())
}

fn leave(shutdown: &Shutdown, signal: &str) {
    if shutdown.stopping.is_cancelled() {
        tracing::warn!(signal, "asked a second time: open requests are cut");
        shutdown.cut();
    } else {
        tracing::info!(
            signal,
            "no more requests are accepted; open ones are finished"
        );
        shutdown.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_step_includes_those_before() {
        let shutdown = Shutdown::new(GRACE);
        assert!(!shutdown.is_draining());
        shutdown.drain();
        assert!(shutdown.is_draining() && !shutdown.stopping.is_cancelled());
        shutdown.cut();
        shutdown.stopped().await;
        shutdown.was_cut().await;

        let at_once = Shutdown::new(GRACE);
        at_once.stop();
        assert!(at_once.is_draining(), "who stops is unhealthy");
    }
}

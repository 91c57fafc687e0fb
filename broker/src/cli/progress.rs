//! A line on the terminal that says what is being waited for, when it takes long.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

/// Waits shorter than this are not worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Completes with the future. When stderr is a terminal and it takes more than a second, `what` and the seconds
/// stand there until it is done.
pub(super) async fn wait<T>(what: &str, future: impl Future<Output = T>) -> T {
    let terminal = io::stderr().is_terminal();
    let started = Instant::now();
    let mut shown = false;
    tokio::pin!(future);
    loop {
        tokio::select! {
            done = &mut future => {
                if shown {
                    show("");
                }
                return done;
            }
            () = tokio::time::sleep(PATIENCE), if terminal => {
                show(&format!("{what} ({} s)", started.elapsed().as_secs()));
                shown = true;
            }
        }
    }
}

/// Writes over the line. It is for eyes only: a terminal that cannot be written to is no failure.
fn show(text: &str) {
    let mut stderr = io::stderr();
    let _ = write!(stderr, "\r\x1b[K{text}");
    let _ = stderr.flush();
}

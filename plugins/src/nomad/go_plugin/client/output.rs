//! What a plugin writes: to stdout one line for its host, to stderr its log, and both over gRPC once it serves. All is
//! read to its end, or the plugin would stop at a full pipe.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::transport::Channel;
use tracing::Level;

use super::text::clean;
use crate::nomad::go_plugin::proto::plugin::grpc_stdio_client::GrpcStdioClient;
use crate::nomad::go_plugin::proto::plugin::stdio_data::Channel as Stream;

/// Longest line that is read as one, in bytes. Longer ones come in pieces, as in Go's host.
const MAX_LINE: usize = 64 << 10;
/// Most lines a second that a plugin may bring into our log.
const LINES: u32 = 100;

/// The last words of a plugin: what explains its end.
#[derive(Clone, Debug, Default)]
pub(super) struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    fn note(&self, text: String) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Behind these stands where in the program it was, over many lines.
        if !["panic:", "fatal error:"]
            .iter()
            .any(|start| last.starts_with(start))
        {
            *last = text;
        }
    }

    pub(super) fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Lines of a stream, or pieces of those that are too long.
struct Lines<R> {
    reader: BufReader<R>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
        }
    }

    /// The next line, without its end. `None` at the end of the stream. What is not UTF-8 is replaced.
    async fn next(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            let buffer = self.reader.fill_buf().await.unwrap_or_default();
            if buffer.is_empty() {
                return (!line.is_empty()).then(|| text(&line));
            }
            let most = buffer.len().min(MAX_LINE - line.len());
            let piece = &buffer[..most];
            if let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(&piece[..end]);
                self.reader.consume(end + 1);
                return Some(text(&line));
            }
            line.extend_from_slice(piece);
            self.reader.consume(most);
            if line.len() == MAX_LINE {
                return Some(text(&line));
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// Where what a plugin writes goes: our log, and its last words.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) name: String,
    pub(super) last: LastWords,
}

impl Log {
    /// Hands on the first line of stdout, and reads the others. Nobody gets an answer when there is none.
    pub(super) async fn stdout(
        self,
        stdout: impl AsyncRead + Unpin,
        first: oneshot::Sender<String>,
    ) {
        let mut lines = Lines::new(stdout);
        if let Some(line) = lines.next().await {
            // Whoever asked may have given up.
            let _ = first.send(line);
            self.lines(lines).await;
        }
    }

    /// Reads stderr.
    pub(super) async fn stderr(self, stderr: impl AsyncRead + Unpin) {
        self.lines(Lines::new(stderr)).await;
    }

    /// Reads what a plugin writes while it serves, which Go's library sends over gRPC. Old plugins, and those in other
    /// languages, have no such service.
    pub(super) async fn stdio(self, channel: Channel) {
        let mut client = GrpcStdioClient::new(channel);
        let mut chunks = match client.stream_stdio(()).await {
            Ok(answer) => answer.into_inner(),
            // Without such a service it comes through the pipes; without a connection it is over.
            Err(_) => return,
        };
        let (mut stdout, out) = tokio::io::duplex(MAX_LINE);
        let (mut stderr, err) = tokio::io::duplex(MAX_LINE);
        let copy = async move {
            while let Ok(Some(chunk)) = chunks.message().await {
                let to = match chunk.channel() {
                    Stream::Stdout => &mut stdout,
                    Stream::Stderr => &mut stderr,
                    Stream::Invalid => continue,
                };
                // The other end is read as long as this one is there.
                let _ = to.write_all(&chunk.data).await;
            }
        };
        tokio::join!(copy, self.clone().stderr(out), self.stderr(err));
    }

    async fn lines(self, mut lines: Lines<impl AsyncRead + Unpin>) {
        let mut budget = Budget::new();
        let name = &self.name;
        while let Some(line) = lines.next().await {
            let (level, text) = entry(&line);
            if text.is_empty() {
                continue;
            }
            if budget.allows(name) {
                match level {
                    Level::ERROR => tracing::error!(plugin = %name, "{text}"),
                    Level::WARN => tracing::warn!(plugin = %name, "{text}"),
                    Level::INFO => tracing::info!(plugin = %name, "{text}"),
                    Level::DEBUG => tracing::debug!(plugin = %name, "{text}"),
                    Level::TRACE => tracing::trace!(plugin = %name, "{text}"),
                }
            }
            // Go's library writes details of its own there, which explain nothing.
            if level <= Level::INFO || !line.starts_with('{') {
                self.last.note(text);
            }
        }
    }
}

/// Level and text of a line: of hclog's JSON its own, of any other text debug.
fn entry(line: &str) -> (Level, String) {
    let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(line) else {
        return (Level::DEBUG, clean(line));
    };
    let mut take = |key: &str| match fields.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (level, module, message) = (take("@level"), take("@module"), take("@message"));
    let Some(message) = message else {
        return (Level::DEBUG, clean(line));
    };
    let level = match level.as_deref() {
        Some("trace") => Level::TRACE,
        Some("info") => Level::INFO,
        Some("warn") => Level::WARN,
        Some("error") => Level::ERROR,
        _ => Level::DEBUG,
    };
    let mut text = module.map_or_else(String::new, |module| format!("{module}: "));
    text.push_str(&message);
    for (key, value) in fields.iter().filter(|(key, _)| !key.starts_with('@')) {
        text.push_str(&format!(" {key}={value}"));
    }
    (level, clean(&text))
}

/// How many lines may still be logged in this second.
struct Budget {
    since: Instant,
    left: u32,
    dropped: u64,
}

impl Budget {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            left: LINES,
            dropped: 0,
        }
    }

    fn allows(&mut self, name: &str) -> bool {
        if self.since.elapsed() >= Duration::from_secs(1) {
            if self.dropped > 0 {
                tracing::warn!(plugin = %name, "{} lines of its log were left out: more than {LINES} a second", self.dropped);
            }
            *self = Self::new();
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.dropped += 1;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin() -> Log {
        Log {
            name: "p".into(),
            last: LastWords::default(),
        }
    }

    #[test]
    fn entries_of_hclog_and_others() {
        for (line, level, text, why) in [
            (
                r#"{"@level":"warn","@message":"slow","@module":"apm.web","@timestamp":"2026","took":3,"url":"http://x"}"#,
                Level::WARN,
                r#"apm.web: slow took=3 url="http://x""#,
                "all of it",
            ),
            (
                r#"{"@level":"error","@message":"no"}"#,
                Level::ERROR,
                "no",
                "the least",
            ),
            (
                r#"{"@level":"loud","@message":"no"}"#,
                Level::DEBUG,
                "no",
                "a level that is none",
            ),
            (
                r#"{"@level":"warn","@message":7}"#,
                Level::DEBUG,
                r#"{"@level":"warn","@message":7}"#,
                "no message",
            ),
            (
                "[WARN] old style",
                Level::DEBUG,
                "[WARN] old style",
                "a text",
            ),
            (
                r#"{"@level":"info","@message":"a\nb"}"#,
                Level::INFO,
                "a\\nb",
                "a line feed inside",
            ),
            ("[1,2]", Level::DEBUG, "[1,2]", "other JSON"),
            ("\r", Level::DEBUG, "", "nothing"),
        ] {
            assert_eq!(entry(line), (level, text.to_owned()), "{why}");
        }
    }

    #[tokio::test]
    async fn long_lines_come_in_pieces() {
        let stream = format!("a\n\n{}\nlast", "x".repeat(MAX_LINE + 5));
        let mut lines = Lines::new(stream.as_bytes());
        let mut lengths = Vec::new();
        while let Some(line) = lines.next().await {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [1, 0, MAX_LINE, 5, 4]);
        let mut lines = Lines::new(&b"a\xffb\n"[..]);
        assert_eq!(lines.next().await.as_deref(), Some("a\u{fffd}b"));
        assert_eq!(lines.next().await, None);
    }

    #[tokio::test]
    async fn the_first_line_is_handed_on() {
        for (stream, expected) in [
            ("one\ntwo\n", Some("one")),
            ("one", Some("one")),
            ("", None),
        ] {
            let (sender, receiver) = oneshot::channel();
            plugin().stdout(stream.as_bytes(), sender).await;
            assert_eq!(receiver.await.ok().as_deref(), expected, "{stream:?}");
        }
    }

    #[tokio::test]
    async fn last_words_explain_the_end() {
        for (stream, words, why) in [
            ("a\nb\n\n", "b", "the last line that says something"),
            (
                "a\n{\"@level\":\"debug\",\"@message\":\"x\"}\n",
                "a",
                "no detail",
            ),
            (
                "{\"@level\":\"error\",\"@message\":\"x\"}\n",
                "x",
                "an error of hclog",
            ),
            (
                "a\npanic: no\n\ngoroutine 1:\nmain.go:7\n",
                "panic: no",
                "a panic of Go",
            ),
        ] {
            let log = plugin();
            log.clone().stderr(stream.as_bytes()).await;
            assert_eq!(log.last.take(), words, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn floods_are_counted_and_left_out() {
        let mut budget = Budget::new();
        let allowed = (0..1000).filter(|_| budget.allows("p")).count();
        assert_eq!((allowed, budget.dropped), (100, 900));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(budget.allows("p"), "the next second");
    }
}

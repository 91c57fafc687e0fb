//! The log as hosts of go-plugin read it: hclog's JSON, a line an event, on stderr.

use std::fmt;
use std::io;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::process;

/// Longest text of a field, in bytes. Hosts read lines of 64 KiB.
const MAX_TEXT: usize = 4 << 10;

/// Logs to stderr from this level on, panics included. `module` names the program in the host's log.
pub fn start(module: &'static str, level: LevelFilter) {
    let lines = tracing_subscriber::fmt::layer()
        .event_format(Hclog { module })
        .with_writer(io::stderr);
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(process::filter(level)))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(panic = %panic, "a part of this plugin has failed; please report it");
    }));
}

/// An event as a JSON object on one line.
#[derive(Debug)]
struct Hclog {
    module: &'static str,
}

impl<S, N> FormatEvent<S, N> for Hclog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        // Microseconds in UTC: hclog reads no other precision.
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut object = fields.0;
        object.entry("@message").or_insert_with(|| Value::from(""));
        object.insert("@level".into(), level(*event.metadata().level()).into());
        object.insert("@module".into(), self.module.into());
        object.insert("@timestamp".into(), time.into());
        writeln!(writer, "{}", Value::Object(object))
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // hclog's own keys begin with `@`, which no field of tracing does.
        let name = match field.name() {
            "message" => "@message",
            name => name,
        };
        self.0.insert(name.into(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let end = value.floor_char_boundary(value.len().min(MAX_TEXT));
        let text = match &value[end..] {
            "" => value.to_owned(),
            _ => format!("{}…", &value[..end]),
        };
        self.put(field, text);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_a_line_of_hclog() {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Hclog {
                module: "promfetch",
            })
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(
                app = "a/b\n\"c\"",
                count = 3,
                ratio = 0.5,
                ok = true,
                "two\nlines"
            );
            tracing::info!(text = "ä".repeat(MAX_TEXT), "");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [first, second] = lines.as_slice() else {
            panic!("{text}")
        };
        assert_eq!(first["@level"], "warn");
        assert_eq!(first["@message"], "two\nlines");
        assert_eq!(first["@module"], "promfetch");
        assert_eq!(first["app"], "a/b\n\"c\"");
        assert_eq!((&first["count"], &first["ratio"]), (&3.into(), &0.5.into()));
        assert_eq!(first["ok"], true);
        // 2006-01-02T15:04:05.000000Z
        let time = first["@timestamp"].as_str().unwrap();
        assert_eq!((time.len(), &time[19..20], &time[26..]), (27, ".", "Z"));
        let shortened = second["text"].as_str().unwrap();
        assert!(shortened.ends_with("ä…") && shortened.len() <= MAX_TEXT + 3);
        assert_eq!(
            (&second["@level"], &second["@message"]),
            (&"info".into(), &"".into())
        );
    }
}

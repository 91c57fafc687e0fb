//! How an app instance behaves when it is asked for its metrics.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

/// A request as the instance saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: http::HeaderMap,
    /// Empty for all but POST.
    pub body: Bytes,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: http::Version,
    /// How many requests the instance has had with this one.
    pub number: u64,
}

impl Seen {
    /// The value of a header, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}

/// A plain answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Answer {
    /// A page in Prometheus' text format.
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self {
            status: 200,
            headers: vec![(
                "content-type",
                "text/plain; version=0.0.4; charset=utf-8".into(),
            )],
            body: body.into(),
        }
    }

    /// A page in OpenMetrics text.
    pub fn openmetrics(body: impl Into<Bytes>) -> Self {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Self {
            status: 200,
            headers: vec![("content-type", kind.into())],
            body: body.into(),
        }
    }

    /// A page of protobuf messages.
    pub fn protobuf(body: impl Into<Bytes>) -> Self {
        let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        Self {
            status: 200,
            headers: vec![("content-type", kind.into())],
            body: body.into(),
        }
    }

    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::from(format!("this is a {status}\n")),
        }
    }

    pub fn redirect(status: u16, to: &str) -> Self {
        Self {
            status,
            headers: vec![("location", to.into())],
            body: Bytes::new(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, with the body compressed by gzip or zstd.
    ///
    /// # Panics
    /// For another encoding.
    #[must_use]
    pub fn encoded(mut self, encoding: &'static str) -> Self {
        self.body = match encoding {
            "gzip" => gzip(&self.body),
            "zstd" => zstd::encode_all(&*self.body, 3)
                .expect("memory takes all")
                .into(),
            other => panic!("no such encoding here: {other}"),
        };
        self.header("content-encoding", encoding)
    }
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("memory takes all")
        .into()
}

type Respond = dyn Fn(&Seen) -> Answer + Send + Sync;

/// What an instance does with a request or, for the crudest faults, with a connection.
#[derive(Clone)]
pub enum Behaviour {
    /// Answers.
    Answer(Arc<Respond>),
    /// Answers after this long.
    Slow(Duration, Arc<Respond>),
    /// Reads the request and never answers.
    Hang,
    /// Sends the head and the first half of the body, then resets the connection.
    ResetMidBody,
    /// Sends less than its `Content-Length` says and closes the connection in good order.
    CutShort,
    /// Sends valid lines without end.
    Endless,
    /// Takes the connection, reads the request and closes without a byte.
    CloseUnanswered,
    /// Speaks another protocol.
    NotHttp,
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer(_) => "Answer",
            Self::Slow(..) => "Slow",
            Self::Hang => "Hang",
            Self::ResetMidBody => "ResetMidBody",
            Self::CutShort => "CutShort",
            Self::Endless => "Endless",
            Self::CloseUnanswered => "CloseUnanswered",
            Self::NotHttp => "NotHttp",
        })
    }
}

impl Behaviour {
    /// Answers as this function says, whatever the path.
    pub fn answering(respond: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::Answer(Arc::new(respond))
    }

    /// Always the same answer.
    pub fn fixed(answer: Answer) -> Self {
        Self::answering(move |_| answer.clone())
    }

    /// Always this text page.
    pub fn page(body: impl Into<Bytes>) -> Self {
        Self::fixed(Answer::text(body))
    }

    /// A page that changes with every request: a counter that grows by `step`, a gauge and a histogram.
    pub fn counting(step: u64) -> Self {
        Self::answering(move |seen| Answer::text(counting_page(seen.number, step)))
    }

    /// [`counting`](Self::counting), in whichever of text and OpenMetrics is asked for.
    pub fn bilingual(step: u64) -> Self {
        Self::answering(move |seen| {
            if seen
                .header("accept")
                .contains("application/openmetrics-text")
            {
                Answer::openmetrics(counting_openmetrics(seen.number, step))
            } else {
                Answer::text(counting_page(seen.number, step))
            }
        })
    }

    /// The page on `/metrics` and 404 elsewhere.
    pub fn only_at(path: &'static str, body: &'static str) -> Self {
        Self::answering(move |seen| {
            if seen.path == path {
                Answer::text(body)
            } else {
                Answer::status(404)
            }
        })
    }

    pub fn status(status: u16) -> Self {
        Self::fixed(Answer::status(status))
    }

    /// A valid page that is a few hundred KB of gzip and becomes this many MiB.
    pub fn gzip_bomb(mebibytes: usize) -> Self {
        let line = "bomb_metric 1\n";
        Self::fixed(Answer::text(line.repeat((mebibytes << 20) / line.len())).encoded("gzip"))
    }

    /// Claims to be a page and is none.
    pub fn garbage() -> Self {
        Self::page("requests_total 1\nthis is { not = a metric\n")
    }

    /// Answers well, but slowly.
    pub fn slow(delay: Duration, body: &'static str) -> Self {
        Self::Slow(delay, Arc::new(move |_| Answer::text(body)))
    }

    /// A redirect that never ends.
    pub fn redirect_loop() -> Self {
        Self::answering(|seen| Answer::redirect(302, &format!("/again-{}", seen.number)))
    }
}

fn counting_page(number: u64, step: u64) -> String {
    let total = number * step;
    format!(
        "# HELP requests_total Requests so far.\n# TYPE requests_total counter\nrequests_total{{code=\"200\"}} {total}\nrequests_total{{code=\"500\"}} {number}\n\
         # HELP queue_length Waiting.\n# TYPE queue_length gauge\nqueue_length {step}\n\
         # HELP latency_seconds Time to answer.\n# TYPE latency_seconds histogram\nlatency_seconds_bucket{{le=\"0.1\"}} {number}\n\
         latency_seconds_bucket{{le=\"+Inf\"}} {total}\nlatency_seconds_sum {number}.5\nlatency_seconds_count {total}\n"
    )
}

fn counting_openmetrics(number: u64, step: u64) -> String {
    let total = number * step;
    format!(
        "# TYPE requests counter\n# HELP requests Requests so far.\nrequests_total{{code=\"200\"}} {total} # {{trace_id=\"abc{number}\"}} 0.5 1700000000.0\nrequests_created{{code=\"200\"}} 1700000000.0\n\
         # TYPE queue_length_bytes gauge\n# UNIT queue_length_bytes bytes\nqueue_length_bytes {step}\n\
         # TYPE latency_seconds histogram\n# UNIT latency_seconds seconds\nlatency_seconds_bucket{{le=\"0.1\"}} {number}\n\
         latency_seconds_bucket{{le=\"+Inf\"}} {total} # {{trace_id=\"def\"}} 0.7\nlatency_seconds_sum {number}.5\nlatency_seconds_count {total}\n\
         # TYPE build info\nbuild_info{{version=\"1.{step}\"}} 1\n# EOF\n"
    )
}

//! A merged page as the body of an answer: piece by piece, compressed when asked, never faster than the caller reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body::Frame;
use tokio::task::JoinHandle;

use super::encoding::{Encoder, Encoding};

/// Up to this many bytes a page is made in one go, with a `Content-Length`; compressing it takes well under a millisecond.
const WHOLE: usize = 64 << 10;
/// Below this, headers outweigh what compression saves.
const WORTH_COMPRESSING: usize = 1 << 10;

/// Answers 200 with a page. `pieces` are made while the caller reads: the page as a whole never stands in memory.
pub(crate) fn page(
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
    content_type: HeaderValue,
    encoding: Encoding,
) -> Response {
    let mut pieces = pieces.fuse();
    let mut head = Vec::new();
    let mut size = 0;
    let whole = loop {
        match pieces.next() {
            None => break true,
            Some(piece) => {
                size += piece.len();
                head.push(piece);
            }
        }
        if size > WHOLE {
            break false;
        }
    };
    let encoding = if whole && size < WORTH_COMPRESSING {
        Encoding::Identity
    } else {
        encoding
    };
    let encoder = match encoding.encoder() {
        Ok(encoder) => encoder,
        Err(error) => return failed(&error),
    };
    let body = if whole {
        match encode_whole(head, encoder) {
            Ok(bytes) => Body::from(bytes),
            Err(error) => return failed(&error),
        }
    } else {
        let work = Work {
            pieces: Box::new(head.into_iter().chain(pieces)),
            encoder: Some(encoder),
        };
        Body::new(Pieces {
            state: State::Idle(Box::new(work)),
            inline: encoding == Encoding::Identity,
        })
    };
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(word) = encoding.as_str() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
    }
    response
}

fn failed(error: &io::Error) -> Response {
    tracing::error!(%error, "a page could not be compressed");
    super::errors::ApiError::internal().into_response()
}

fn encode_whole(pieces: Vec<Bytes>, mut encoder: Encoder) -> io::Result<Bytes> {
    let mut out = BytesMut::new();
    for piece in pieces {
        out.extend_from_slice(&encoder.push(piece)?);
    }
    out.extend_from_slice(&encoder.finish()?);
    Ok(out.freeze())
}

/// What is left to do of a body.
struct Work {
    pieces: Box<dyn Iterator<Item = Bytes> + Send>,
    /// Gone once the last bytes are out.
    encoder: Option<Encoder>,
}

impl Work {
    /// The next bytes to send, never empty; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(encoder) = &mut self.encoder {
            let out = match self.pieces.next() {
                Some(piece) => encoder.push(piece)?,
                None => match self.encoder.take() {
                    Some(encoder) => encoder.finish()?,
                    None => break,
                },
            };
            if !out.is_empty() {
                return Ok(Some(out));
            }
        }
        Ok(None)
    }
}

type Step = (Box<Work>, io::Result<Option<Bytes>>);

enum State {
    Idle(Box<Work>),
    /// A piece is being made on the blocking pool.
    Busy(JoinHandle<Step>),
    Done,
}

/// The body of a large page. Plain pieces are copies of memory and are made in place; compressed ones are made on
/// the blocking pool, one ahead of what the caller has read.
struct Pieces {
    state: State,
    inline: bool,
}

fn start(mut work: Box<Work>) -> State {
    State::Busy(tokio::task::spawn_blocking(move || {
        let step = work.next();
        (work, step)
    }))
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Idle(mut work) if self.inline => {
                    let step = work.next().transpose();
                    if matches!(step, Some(Ok(_))) {
                        self.state = State::Idle(work);
                    }
                    return Poll::Ready(step.map(|step| step.map(Frame::data)));
                }
                State::Idle(work) => self.state = start(work),
                State::Busy(mut task) => {
                    let Poll::Ready(joined) = Pin::new(&mut task).poll(context) else {
                        self.state = State::Busy(task);
                        return Poll::Pending;
                    };
                    let (work, step) = joined.map_err(io::Error::other)?;
                    return Poll::Ready(match step.transpose() {
                        Some(Ok(bytes)) => {
                            self.state = start(work);
                            Some(Ok(Frame::data(bytes)))
                        }
                        end => end.map(|step| step.map(Frame::data)),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::to_bytes;
    use axum::http::header::CONTENT_LENGTH;
    use http_body_util::BodyExt;

    use super::*;

    const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

    fn pieces(count: usize, size: usize) -> impl Iterator<Item = Bytes> + Send + 'static {
        (0..count).map(move |n| Bytes::from(vec![b'a' + u8::try_from(n % 26).unwrap(); size]))
    }

    async fn whole(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec()
    }

    #[tokio::test]
    async fn small_pages_have_a_length_and_large_ones_are_streamed() {
        for (count, size, length, encoding, why) in [
            (0, 0, Some("0"), None, "an empty page"),
            (3, 100, Some("300"), None, "too small to compress"),
            (2, 10_000, None, Some("gzip"), "compressed in one go"),
            (40, 10_000, None, Some("gzip"), "streamed"),
        ] {
            let response = page(pieces(count, size), TEXT, Encoding::Gzip);
            let header = |name| {
                response
                    .headers()
                    .get(name)
                    .map(|value| value.to_str().unwrap().to_string())
            };
            assert_eq!(header(CONTENT_ENCODING).as_deref(), encoding, "{why}");
            if length.is_some() {
                assert_eq!(
                    http_body::Body::size_hint(response.body())
                        .exact()
                        .map(|n| n.to_string())
                        .as_deref(),
                    length,
                    "{why}"
                );
            }
            assert_eq!(header(CONTENT_LENGTH), None, "the server writes it: {why}");
            let bytes = whole(response).await;
            let mut back = Vec::new();
            match encoding {
                None => back = bytes,
                Some(_) => drop(
                    flate2::read::GzDecoder::new(&bytes[..])
                        .read_to_end(&mut back)
                        .unwrap(),
                ),
            }
            assert!(
                back == pieces(count, size).collect::<Vec<_>>().concat(),
                "{why}"
            );
        }
    }

    #[tokio::test]
    async fn a_streamed_plain_page_is_the_sum_of_its_pieces() {
        let response = page(pieces(100, 30_000), TEXT, Encoding::Identity);
        assert!(whole(response).await == pieces(100, 30_000).collect::<Vec<_>>().concat());
    }

    #[tokio::test]
    async fn no_more_is_made_than_the_caller_reads() {
        for encoding in [Encoding::Identity, Encoding::Zstd] {
            let made = Arc::new(AtomicUsize::new(0));
            let counter = made.clone();
            // Random-looking pieces, so that the compressor gives something for each.
            let source = (0_u32..1000).map(move |n| {
                counter.fetch_add(1, Ordering::Relaxed);
                let mut seed = n;
                Bytes::from_iter((0..200_000).map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    seed.to_be_bytes()[0]
                }))
            });
            let mut body = page(source, TEXT, encoding).into_body();
            for _ in 0..3 {
                body.frame().await.unwrap().unwrap();
            }
            drop(body);
            assert!(
                made.load(Ordering::Relaxed) < 10,
                "{encoding:?} made {} pieces",
                made.load(Ordering::Relaxed)
            );
        }
    }

    #[tokio::test]
    async fn a_piece_that_panics_ends_the_body_with_an_error() {
        let source = pieces(9, 10_000).chain(std::iter::once_with(|| panic!("a test")));
        let mut body = page(source, TEXT, Encoding::Gzip).into_body();
        let ended = loop {
            match body.frame().await {
                Some(Ok(_)) => continue,
                Some(Err(_)) => break "error",
                None => break "end",
            }
        };
        assert_eq!(ended, "error", "a cut page must never look complete");
    }
}

//! A merged page as the body of an answer: piece by piece, compressed when asked, never faster than the caller reads.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::task::JoinHandle;

use super::encoding::{Block, Encoding, Joiner};

/// Up to this many bytes a page is made in one go, with a `Content-Length`; compressing it takes well under a millisecond.
const WHOLE: usize = 64 << 10;
/// Below this, headers outweigh what compression saves.
const WORTH_COMPRESSING: usize = 1 << 10;
/// Bytes that are compressed in one go: enough to repeat themselves, and half a millisecond of work.
const BLOCK: usize = 256 << 10;

/// Blocks of one page under way at a time.
static CROWD: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(2, usize::from));

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
    let body = if whole {
        match encode_whole(&head, encoding) {
            Ok(bytes) => Body::from(bytes),
            Err(error) => return failed(&error),
        }
    } else if encoding == Encoding::Identity {
        Body::new(Plain(Box::new(head.into_iter().chain(pieces))))
    } else {
        Body::new(Compressed {
            pieces: Box::new(head.into_iter().chain(pieces)),
            encoding,
            running: VecDeque::new(),
            joiner: Some(Joiner::new(encoding)),
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

fn encode_whole(pieces: &[Bytes], encoding: Encoding) -> io::Result<Bytes> {
    let plain = pieces.concat();
    if encoding == Encoding::Identity {
        return Ok(plain.into());
    }
    let mut joiner = Joiner::new(encoding);
    let block = joiner.push(encoding.block(&plain)?);
    let end = joiner.finish();
    Ok(if end.is_empty() {
        block
    } else {
        [block, end].concat().into()
    })
}

type Source = Box<dyn Iterator<Item = Bytes> + Send>;
type Frames = Poll<Option<io::Result<Frame<Bytes>>>>;

/// The body of a large page as it is. Its pieces are copies of memory and are made in place.
struct Plain(Source);

impl http_body::Body for Plain {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Frames {
        Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
    }
}

/// The body of a large page, compressed on the blocking pool, a block for each processor ahead of what the caller has
/// read. What is compressed is made in place.
struct Compressed {
    pieces: Source,
    encoding: Encoding,
    /// In the order of the blocks.
    running: VecDeque<JoinHandle<io::Result<Block>>>,
    /// Gone once the last bytes are out.
    joiner: Option<Joiner>,
}

impl Compressed {
    /// Starts on blocks until there are enough under way, or none is left.
    fn start(&mut self) {
        while self.running.len() < *CROWD {
            let mut plain = Vec::new();
            while plain.len() < BLOCK
                && let Some(piece) = self.pieces.next()
            {
                plain.extend_from_slice(&piece);
            }
            if plain.is_empty() {
                return;
            }
            let encoding = self.encoding;
            let work = tokio::task::spawn_blocking(move || encoding.block(&plain));
            self.running.push_back(work);
        }
    }
}

impl http_body::Body for Compressed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Frames {
        if self.joiner.is_some() {
            self.start();
        }
        let Some(first) = self.running.front_mut() else {
            let end = self.joiner.take().map(Joiner::finish);
            return Poll::Ready(
                end.filter(|end| !end.is_empty())
                    .map(|end| Ok(Frame::data(end))),
            );
        };
        let Poll::Ready(joined) = Pin::new(first).poll(context) else {
            return Poll::Pending;
        };
        self.running.pop_front();
        let block = joined.map_err(io::Error::other).flatten();
        Poll::Ready(match (block, &mut self.joiner) {
            (Ok(block), Some(joiner)) => Some(Ok(Frame::data(joiner.push(block)))),
            (Err(error), joiner) => {
                // Nothing may follow: a cut page must never look complete.
                *joiner = None;
                Some(Err(error))
            }
            (Ok(_), None) => None,
        })
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
                made.load(Ordering::Relaxed) <= 2 * (*CROWD + 3),
                "{encoding:?} made {} pieces",
                made.load(Ordering::Relaxed)
            );
        }
    }

    #[tokio::test]
    async fn a_piece_that_panics_ends_the_body_before_its_end() {
        for encoding in [Encoding::Identity, Encoding::Gzip] {
            let source = pieces(9, 10_000).chain(std::iter::once_with(|| panic!("a test")));
            let body = page(source, TEXT, encoding).into_body();
            // As the server does: the task of the connection ends, and with it the connection.
            let sent = tokio::spawn(to_bytes(body, usize::MAX)).await;
            assert!(
                !matches!(sent, Ok(Ok(_))),
                "a cut page must never look complete: {encoding:?}"
            );
        }
    }
}

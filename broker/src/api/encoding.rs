//! Compression of answers: which one a caller wants, and doing it block by block.
//!
//! Blocks are compressed independently of each other, so that all processors can work on one page, and joined to one
//! gzip member or to a row of zstd frames. Not to a row of gzip members: there are clients that stop after the first.

use std::io;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::accept;

/// gzip and zstd at their fastest: metrics repeat so much that higher levels cost more time than they save on a wire.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// Begins a gzip member (RFC 1952, section 2.3): deflate, no flags, no time, fastest, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// Ends a deflate stream: an empty block with the last bit set (RFC 1951, section 3.2.6).
const LAST_BLOCK: [u8; 2] = [3, 0];

/// How an answer's body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// The best encoding for an `Accept-Encoding` value: the highest weight, at a tie gzip before zstd before none.
    /// A large page is one gzip member but many zstd frames, and there are clients that stop after the first of either.
    /// Nobody is refused: who forbids all that there is gets the plain page.
    pub(crate) fn negotiate(accept_encoding: Option<&str>) -> Self {
        let (mut zstd, mut gzip, mut identity, mut others) = (None, None, None, None);
        for (name, q) in accept::items(accept_encoding.unwrap_or_default()) {
            let slot = match name.to_ascii_lowercase().as_str() {
                "zstd" => &mut zstd,
                "gzip" | "x-gzip" => &mut gzip,
                "identity" => &mut identity,
                "*" => &mut others,
                _ => continue,
            };
            *slot = Some(q);
        }
        let weight = |named: Option<f32>| named.or(others).unwrap_or(0.0);
        // Not naming `identity` does not forbid it, but who names another wants that one.
        let mut best = (Self::Identity, identity.unwrap_or(0.0));
        for (encoding, q) in [(Self::Zstd, weight(zstd)), (Self::Gzip, weight(gzip))] {
            if q > 0.0 && q >= best.1 {
                best = (encoding, q);
            }
        }
        best.0
    }

    /// The word in `Content-Encoding`.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Compresses one block of a body, whatever stands before and behind it.
    pub(crate) fn block(self, plain: &[u8]) -> io::Result<Block> {
        Ok(match self {
            Self::Identity => Block {
                bytes: plain.to_vec(),
                checksum: Crc::new(),
            },
            Self::Gzip => {
                let mut checksum = Crc::new();
                checksum.update(plain);
                Block {
                    bytes: deflate(plain)?,
                    checksum,
                }
            }
            Self::Zstd => Block {
                bytes: zstd::bulk::compress(plain, ZSTD_LEVEL)?,
                checksum: Crc::new(),
            },
        })
    }
}

/// One compressed block.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// Of the plain bytes; only gzip wants one.
    checksum: Crc,
}

/// A part of a deflate stream that ends on a byte, so that another one can follow.
fn deflate(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = Compress::new(Compression::new(GZIP_LEVEL), false);
    let mut out = Vec::with_capacity(plain.len() / 4 + 64);
    loop {
        let rest = plain.get(stream.total_in() as usize..).unwrap_or_default();
        stream.compress_vec(rest, &mut out, FlushCompress::Sync)?;
        // Room that is left means that nothing waits any more.
        if out.len() < out.capacity() {
            return Ok(out);
        }
        out.reserve(out.capacity());
    }
}

/// Joins the blocks of one body, in order.
#[derive(Debug)]
pub(crate) struct Joiner {
    encoding: Encoding,
    /// Of all blocks so far; `None` before the first.
    checksum: Option<Crc>,
}

impl Joiner {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            checksum: None,
        }
    }

    /// What is sent for the next block.
    pub(crate) fn push(&mut self, mut block: Block) -> Bytes {
        if self.encoding == Encoding::Gzip {
            match &mut self.checksum {
                Some(checksum) => checksum.combine(&block.checksum),
                None => {
                    block.bytes.splice(..0, GZIP_HEADER);
                    self.checksum = Some(block.checksum);
                }
            }
        }
        block.bytes.into()
    }

    /// What is sent after the last block. At least one must have been there.
    pub(crate) fn finish(self) -> Bytes {
        let Some(checksum) = self.checksum else {
            return Bytes::new();
        };
        let mut end = LAST_BLOCK.to_vec();
        end.extend_from_slice(&checksum.sum().to_le_bytes());
        // The length modulo 2^32.
        end.extend_from_slice(&checksum.amount().to_le_bytes());
        end.into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_heaviest_known_encoding_wins() {
        use Encoding::{Gzip, Identity, Zstd};
        for (value, want, why) in [
            (None, Identity, "nothing asked for"),
            (Some("gzip"), Gzip, "Prometheus"),
            (
                Some("deflate, gzip, br, zstd"),
                Gzip,
                "curl --compressed: gzip at a tie",
            ),
            (
                Some("gzip;q=0.9, zstd;q=0.3"),
                Gzip,
                "the caller's weights count",
            ),
            (Some("gzip;q=0.5"), Gzip, "a low weight is still a wish"),
            (
                Some("identity, gzip;q=0.5"),
                Identity,
                "none is preferred by name",
            ),
            (Some("gzip;q=0"), Identity, "forbidden"),
            (Some("*"), Gzip, "anything"),
            (Some("gzip;q=0, *"), Zstd, "anything but"),
            (Some("*;q=0"), Identity, "nothing at all: nobody is refused"),
            (Some("br, deflate"), Identity, "only what we do not have"),
            (Some("X-GZIP"), Gzip, "the old name, any case"),
        ] {
            assert_eq!(Encoding::negotiate(value), want, "{value:?}: {why}");
        }
    }

    #[test]
    fn blocks_come_back_as_one_body() {
        let blocks: Vec<String> = (0..40)
            .map(|n| format!("http_requests_total{{code=\"{n}\"}} {n}\n").repeat(500))
            .chain([String::new(), "a 1\n".into()])
            .collect();
        let whole = blocks.concat().into_bytes();
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
            let mut joiner = Joiner::new(encoding);
            let mut sent = Vec::new();
            for block in &blocks {
                sent.extend_from_slice(&joiner.push(encoding.block(block.as_bytes()).unwrap()));
            }
            sent.extend_from_slice(&joiner.finish());
            assert!(decoded(encoding, &sent) == whole, "{encoding:?}");
        }
    }

    #[test]
    fn a_block_that_does_not_shrink_comes_back_too() {
        let mut seed = 1_u32;
        let noise: Vec<u8> = (0..300_000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            })
            .collect();
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let mut joiner = Joiner::new(encoding);
            let mut sent = joiner.push(encoding.block(&noise).unwrap()).to_vec();
            sent.extend_from_slice(&joiner.finish());
            assert!(decoded(encoding, &sent) == noise, "{encoding:?}");
        }
    }

    /// Of gzip the first member alone, as some clients read it.
    fn decoded(encoding: Encoding, sent: &[u8]) -> Vec<u8> {
        let mut back = Vec::new();
        match encoding {
            Encoding::Identity => back = sent.to_vec(),
            Encoding::Gzip => drop(
                flate2::read::GzDecoder::new(sent)
                    .read_to_end(&mut back)
                    .unwrap(),
            ),
            Encoding::Zstd => drop(
                zstd::Decoder::new(sent)
                    .unwrap()
                    .read_to_end(&mut back)
                    .unwrap(),
            ),
        }
        back
    }
}

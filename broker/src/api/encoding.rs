//! Compression of answers: which one a caller wants, and doing it piece by piece.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::accept;

/// gzip and zstd at their fastest: metrics repeat so much that higher levels cost more time than they save on a wire.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// How an answer's body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// The best encoding for an `Accept-Encoding` value: the highest weight, at a tie zstd before gzip before none.
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
        for (encoding, q) in [(Self::Gzip, weight(gzip)), (Self::Zstd, weight(zstd))] {
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

    /// An encoder for one body.
    pub(crate) fn encoder(self) -> io::Result<Encoder> {
        Ok(match self {
            Self::Identity => Encoder::Identity,
            Self::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Self::Zstd => Encoder::Zstd(zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }
}

/// Encodes one body piece by piece. Output comes when the compressor has some: a piece may give none.
pub(crate) enum Encoder {
    Identity,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    /// Takes a piece and gives what can be sent by now; empty when there is nothing yet.
    pub(crate) fn push(&mut self, piece: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Identity => Ok(piece),
            Self::Gzip(gzip) => {
                gzip.write_all(&piece)?;
                Ok(std::mem::take(gzip.get_mut()).into())
            }
            Self::Zstd(zstd) => {
                zstd.write_all(&piece)?;
                Ok(std::mem::take(zstd.get_mut()).into())
            }
        }
    }

    /// The last bytes.
    pub(crate) fn finish(self) -> io::Result<Bytes> {
        Ok(match self {
            Self::Identity => Bytes::new(),
            Self::Gzip(gzip) => gzip.finish()?.into(),
            Self::Zstd(zstd) => zstd.finish()?.into(),
        })
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
                Zstd,
                "curl --compressed: zstd at a tie",
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
            (Some("*"), Zstd, "anything"),
            (Some("zstd;q=0, *"), Gzip, "anything but"),
            (Some("*;q=0"), Identity, "nothing at all: nobody is refused"),
            (Some("br, deflate"), Identity, "only what we do not have"),
            (Some("X-GZIP"), Gzip, "the old name, any case"),
        ] {
            assert_eq!(Encoding::negotiate(value), want, "{value:?}: {why}");
        }
    }

    #[test]
    fn pieces_come_back_whole() {
        let pieces: Vec<Bytes> = (0..40)
            .map(|n| Bytes::from(format!("http_requests_total{{code=\"{n}\"}} {n}\n").repeat(500)))
            .collect();
        let whole = pieces.concat();
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
            let mut encoder = encoding.encoder().unwrap();
            let mut sent = Vec::new();
            for piece in &pieces {
                sent.extend_from_slice(&encoder.push(piece.clone()).unwrap());
            }
            sent.extend_from_slice(&encoder.finish().unwrap());
            let mut back = Vec::new();
            match encoding {
                Encoding::Identity => back = sent,
                Encoding::Gzip => drop(
                    flate2::read::GzDecoder::new(&sent[..])
                        .read_to_end(&mut back)
                        .unwrap(),
                ),
                Encoding::Zstd => drop(
                    zstd::Decoder::new(&sent[..])
                        .unwrap()
                        .read_to_end(&mut back)
                        .unwrap(),
                ),
            }
            assert!(back == whole, "{encoding:?}");
        }
    }
}

//! Content encodings: which one a body has, and what it says of its size.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::budget::Account;
use super::inflate::{self, broken, too_large};
use crate::failure::{Failure, Reason};

/// Deflate cannot expand further than this: a larger size in a trailer is a lie.
const DEFLATE_RATIO: usize = 1032;

/// zstd can expand nearly without bound; pages never compress better than this.
const ZSTD_RATIO: usize = 256;

/// Largest window of zstd, as a power of two: what HTTP allows (RFC 9659). More only makes decoders take memory.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// The encoding of an answer.
    ///
    /// # Errors
    /// `protocol` for one that was not offered, or several.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let mut encoding = Self::Identity;
        let lines = headers.get_all(CONTENT_ENCODING).iter();
        for text in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
            let text = String::from_utf8_lossy(text);
            let one = match text.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Self::Gzip,
                "zstd" => Self::Zstd,
                _ => {
                    return Err(Failure::new(
                        Reason::Protocol,
                        format!("unknown encoding `{}`", text.escape_debug()),
                    ));
                }
            };
            if encoding != Self::Identity {
                return Err(Failure::new(Reason::Protocol, "the body is encoded twice"));
            }
            encoding = one;
        }
        Ok(encoding)
    }

    /// How large the body says it will be. The sender's word: good for a refusal or a first allocation, nothing else.
    pub(super) fn announced(self, raw: &[u8]) -> Option<usize> {
        match self {
            Self::Identity => Some(raw.len()),
            // The last four bytes hold the size of the last member, modulo 2^32.
            Self::Gzip => raw
                .last_chunk::<4>()
                .map(|bytes| u32::from_le_bytes(*bytes) as usize),
            Self::Zstd => zstd::zstd_safe::get_frame_content_size(raw)
                .ok()
                .flatten()
                .and_then(|size| usize::try_from(size).ok()),
        }
    }

    /// Decompresses a body of at most `max` bytes, which are counted on the account as they appear.
    ///
    /// # Errors
    /// `too_large` beyond `max` or a budget; `protocol` for a body that is broken or cut off.
    pub(super) fn decode(
        self,
        raw: &[u8],
        max: usize,
        account: &mut Account,
    ) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Identity => {
                account.grow(raw.len())?;
                Ok(raw.to_vec())
            }
            Self::Gzip => {
                let announced = self.announced(raw).unwrap_or_default();
                let likely = announced.min(raw.len().saturating_mul(DEFLATE_RATIO));
                // An honest trailer refuses a bomb before a byte of it is unpacked. One that cannot be true
                // belongs to a broken body, or to one of several members.
                if likely > max && likely == announced {
                    return Err(too_large(max));
                }
                if likely == announced
                    && let Some(body) = inflate::member(raw, announced, account)
                {
                    return Ok(body);
                }
                inflate::steps(
                    flate2::bufread::MultiGzDecoder::new(raw),
                    likely,
                    max,
                    account,
                )
            }
            Self::Zstd => {
                let announced = self.announced(raw).unwrap_or_default();
                if announced > max {
                    return Err(too_large(max));
                }
                let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)
                    .map_err(|error| broken(&error))?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG)
                    .map_err(|error| broken(&error))?;
                inflate::steps(
                    decoder,
                    announced.min(raw.len().saturating_mul(ZSTD_RATIO)),
                    max,
                    account,
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::Ordering;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::budget::test_budgets;
    use crate::fetch::inflate::STEP;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(body: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(body, 1).unwrap()
    }

    fn decode(encoding: Encoding, raw: &[u8], max: usize) -> Result<Vec<u8>, Failure> {
        let budgets = test_budgets(1 << 30, 1 << 30);
        let mut account = Account::new(budgets);
        let body = encoding.decode(raw, max, &mut account)?;
        assert_eq!(
            account.held(),
            body.len(),
            "exactly the body is accounted for"
        );
        Ok(body)
    }

    #[test]
    fn encodings_are_read_from_the_header() {
        for (values, want) in [
            (&[][..], Some(Encoding::Identity)),
            (&["identity"], Some(Encoding::Identity)),
            (&["GZIP"], Some(Encoding::Gzip)),
            (&["x-gzip"], Some(Encoding::Gzip)),
            (&["zstd"], Some(Encoding::Zstd)),
            (&["br"], None),
            (&["gzip, zstd"], None),
            (&["gzip", "gzip"], None),
        ] {
            let headers = values
                .iter()
                .map(|value| (CONTENT_ENCODING, HeaderValue::from_static(value)))
                .collect();
            let got = Encoding::of(&headers);
            assert_eq!(got.as_ref().ok().copied(), want, "{values:?}");
            assert!(
                got.err()
                    .is_none_or(|failure| failure.reason == Reason::Protocol),
                "{values:?}"
            );
        }
    }

    #[test]
    fn members_and_frames_are_joined() {
        assert_eq!(
            decode(
                Encoding::Gzip,
                &[gzip(b"a 1\n"), gzip(b"b 2\n")].concat(),
                100
            )
            .unwrap(),
            b"a 1\nb 2\n"
        );
        assert_eq!(
            decode(
                Encoding::Zstd,
                &[zstd(b"a 1\n"), zstd(b"b 2\n")].concat(),
                100
            )
            .unwrap(),
            b"a 1\nb 2\n"
        );
    }

    #[test]
    fn a_member_that_is_repeated_counts_as_often_as_it_stands_there() {
        for count in 1..5 {
            let raw = gzip(b"a 1\n").repeat(count);
            assert_eq!(
                decode(Encoding::Gzip, &raw, 100).unwrap(),
                b"a 1\n".repeat(count),
                "{count}"
            );
        }
    }

    #[test]
    fn broken_bodies_are_a_protocol_failure() {
        let page = "a_metric 1\n".repeat(1000);
        for (encoding, whole) in [
            (Encoding::Gzip, gzip(page.as_bytes())),
            (Encoding::Zstd, zstd(page.as_bytes())),
        ] {
            for (raw, why) in [
                (&whole[..whole.len() / 2], "cut off"),
                (&whole[..whole.len() - 1], "one byte missing"),
                (b"plain text after all", "not compressed"),
                (b"", "empty"),
            ] {
                let failure = decode(encoding, raw, 1 << 20);
                match failure {
                    Err(failure) => assert_ne!(failure.reason, Reason::Parse, "{encoding:?} {why}"),
                    Ok(body) => assert!(raw.is_empty() && body.is_empty(), "{encoding:?} {why}"),
                }
            }
            let garbage = [&whole[..], b"garbage"].concat();
            assert_eq!(
                decode(encoding, &garbage, 1 << 20).unwrap_err().reason,
                Reason::Protocol,
                "{encoding:?} with garbage behind"
            );
        }
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![b'0'; 8 << 20];
        // A trailer that lies about the size, so that only counting helps.
        let mut lying = gzip(&zeros);
        let end = lying.len() - 4;
        lying[end..].copy_from_slice(&100_u32.to_le_bytes());
        let unsized_frame = {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.write_all(&zeros).unwrap();
            encoder.finish().unwrap()
        };
        for (encoding, raw, why) in [
            (Encoding::Gzip, gzip(&zeros), "the trailer says so"),
            (Encoding::Gzip, lying, "the trailer lies"),
            (
                Encoding::Gzip,
                [gzip(&zeros), gzip(b"x")].concat(),
                "the last member is small",
            ),
            (
                Encoding::Zstd,
                zstd::bulk::compress(&zeros, 1).unwrap(),
                "the frame says so",
            ),
            (Encoding::Zstd, unsized_frame, "the frame does not say"),
        ] {
            let budgets = test_budgets(1 << 30, 1 << 30);
            let mut account = Account::new(budgets.clone());
            let failure = encoding.decode(&raw, 1 << 20, &mut account).unwrap_err();
            assert_eq!(failure.reason, Reason::TooLarge, "{encoding:?}: {why}");
            assert!(
                account.held() <= (1 << 20) + STEP,
                "{encoding:?}: {why}: {} bytes",
                account.held()
            );
            drop(account);
            assert_eq!(budgets.process.used(), 0, "{encoding:?}: {why}");
        }
    }

    #[test]
    fn a_trailer_that_lies_starves_nobody() {
        let body: String = (0..2000).map(|at| format!("a_{at} {at}\n")).collect();
        let whole = gzip(body.as_bytes());
        for (factor, why) in [(40, "a likely size"), (500, "one that pages do not have")] {
            let mut raw = whole.clone();
            let end = raw.len() - 4;
            let size = raw.len() * factor;
            raw[end..].copy_from_slice(&(size as u32).to_le_bytes());
            // Room for the body in steps, but not for what the trailer says.
            let budgets = test_budgets(STEP + body.len(), 1 << 30);
            assert!(size > STEP + body.len(), "{why}");
            let mut account = Account::new(budgets.clone());
            let failure = Encoding::Gzip
                .decode(&raw, 64 << 20, &mut account)
                .unwrap_err();
            assert_eq!(failure.reason, Reason::Protocol, "{why}: {failure}");
            assert!(!budgets.starved.load(Ordering::Relaxed), "{why}");
        }
        // A page that shrinks to less than that is read all the same.
        let zeros = vec![b'#'; 1 << 20];
        assert_eq!(
            decode(Encoding::Gzip, &gzip(&zeros), 1 << 20).unwrap(),
            zeros
        );
    }

    #[test]
    fn a_budget_stops_decompression_too() {
        let raw = gzip(&vec![b'0'; 8 << 20]);
        let mut account = Account::new(test_budgets(1 << 20, 1 << 30));
        assert!(
            Encoding::Gzip
                .decode(&raw, 64 << 20, &mut account)
                .unwrap_err()
                .detail
                .contains("max_inflight")
        );
    }

    proptest! {
        #[test]
        fn any_body_survives(body in proptest::collection::vec(any::<u8>(), 0..5000)) {
            prop_assert_eq!(decode(Encoding::Gzip, &gzip(&body), 5000).unwrap(), body.clone());
            prop_assert_eq!(decode(Encoding::Zstd, &zstd(&body), 5000).unwrap(), body);
        }

        #[test]
        fn no_input_panics(raw in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = decode(Encoding::Gzip, &raw, 1 << 16);
            let _ = decode(Encoding::Zstd, &raw, 1 << 16);
        }
    }
}

//! Decompression that stops at a limit.

use std::io::{self, Read};

use super::budget::Account;
use crate::failure::{Failure, Reason};

/// Output is made and counted in steps of this many bytes, so that a bomb is noticed as it grows.
pub(super) const STEP: usize = 256 << 10;

/// The first step of a body that does not say how large it is.
const FIRST_STEP: usize = 4 << 10;

/// Begins a member whose content is deflated (RFC 1952, section 2.3.1); no other method exists.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Pages shrink to a tenth or twentieth. A trailer that says much more is hardly worth memory before it has proved true.
const MEMBER_RATIO: usize = 64;

/// Decompresses a body that is one gzip member of the size that its trailer says, three times as fast as in steps.
///
/// None for all others, and then nothing is counted: several members, a broken body, a size that is not likely or
/// for which there is no room. The decoder does not
/// tell what follows the first member. So nothing may look like the start of another one, and the body must end with
/// the checksum of all that came out.
pub(super) fn member(raw: &[u8], size: usize, account: &mut Account) -> Option<Vec<u8>> {
    let rest = raw.strip_prefix(&GZIP_MAGIC)?;
    if memchr::memmem::find(rest, &GZIP_MAGIC).is_some() {
        return None;
    }
    // The size is the sender's word: when there is no room for it, there may still be room for the body.
    if size > raw.len().saturating_mul(MEMBER_RATIO) || !account.try_grow(size) {
        return None;
    }
    let mut body = vec![0; size];
    let done = libdeflater::Decompressor::new().gzip_decompress(raw, &mut body);
    let checksum = raw.last_chunk::<8>().and_then(|end| end.first_chunk::<4>());
    if done == Ok(size) && checksum == Some(&libdeflater::crc32(&body).to_le_bytes()) {
        return Some(body);
    }
    account.shrink_to(account.held().saturating_sub(size));
    None
}

/// Decompresses whatever the decoder gives, which is `likely` bytes, and at most `max`.
///
/// # Errors
/// `too_large` beyond `max` or a budget; `protocol` for a body that is broken or cut off.
pub(super) fn steps(
    mut decoder: impl Read,
    likely: usize,
    max: usize,
    account: &mut Account,
) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::with_capacity(likely.min(max));
    // One byte more than announced, so that an honest body ends within its first step.
    let mut step = likely.saturating_add(1).clamp(FIRST_STEP, STEP);
    loop {
        account.grow(step)?;
        let read = (&mut decoder)
            .take(step as u64)
            .read_to_end(&mut body)
            .map_err(|error| broken(&error))?;
        if body.len() > max {
            return Err(too_large(max));
        }
        if read < step {
            account.shrink_to(account.held().saturating_sub(step - read));
            return Ok(body);
        }
        step = STEP;
    }
}

/// The failure of a body over `max_body`.
pub(super) fn too_large(max: usize) -> Failure {
    Failure::new(
        Reason::TooLarge,
        format!("the body is larger than {max} bytes (`max_body`)"),
    )
}

/// The failure of a body that the decoder refuses.
pub(super) fn broken(error: &io::Error) -> Failure {
    let what = if error.kind() == io::ErrorKind::UnexpectedEof {
        "is cut off"
    } else {
        "cannot be decompressed"
    };
    Failure::new(
        Reason::Protocol,
        format!("the compressed body {what}: {error}"),
    )
}

//! Keys of rows. Ids come from platforms and may be any text, so rows are found by a hash of them: collations, letter
//! case, trailing blanks and limits on lengths do not matter then.

use ring::digest::{Context, SHA256};

/// How many rows of `promfetch_slots` there are, and locks in this process. Enough that two instances rarely wait for
/// each other.
pub(super) const SLOTS: usize = 64;

/// The key of a service instance: 64 hex digits.
pub(super) fn instance(id: &str) -> String {
    hex(&hash(&[id]))
}

/// The key of a binding: SHA-256 over instance id and binding id, each with its length in front, so that no two pairs
/// meet. An adopted binding has no instance yet; ids are never empty, so the empty one stands for it.
pub(super) fn binding(instance_id: Option<&str>, binding_id: &str) -> String {
    hex(&hash(&[instance_id.unwrap_or_default(), binding_id]))
}

/// The slot of a service instance.
pub(super) fn slot(instance_id: &str) -> usize {
    usize::from(hash(&[instance_id])[0]) % SLOTS
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sha_256_with_lengths_in_front() {
        // printf '\0\0\0\0\0\0\0\1i\0\0\0\0\0\0\0\1b' | sha256sum
        assert_eq!(
            binding(Some("i"), "b"),
            "aafe9d0892ea8d2b9b4740fc926942da9b1cf94d148e016453d05cf217fca02c"
        );
        // printf '\0\0\0\0\0\0\0\1i' | sha256sum
        assert_eq!(
            instance("i"),
            "7a7b1cadbb3da23f1cc182f58b9e2fc085aa49f5ac02e1f34dedbddffc570d32"
        );
    }

    #[test]
    fn no_two_pairs_share_a_key() {
        let keys = [
            (binding(Some("ab"), "c"), "ids are not simply joined"),
            (binding(Some("a"), "bc"), "ids are not simply joined"),
            (binding(Some("A"), "bc"), "letter case counts"),
            (binding(Some("a"), "bc "), "trailing blanks count"),
            (binding(None, "bc"), "an adopted binding"),
            (instance("bc"), "an instance of that name"),
        ];
        for (position, (key, why)) in keys.iter().enumerate() {
            assert_eq!(key.len(), 64);
            assert!(
                keys[..position].iter().all(|(other, _)| other != key),
                "{why}"
            );
        }
    }

    #[test]
    fn slots_are_used_evenly_enough() {
        let mut used = [0; SLOTS];
        for number in 0..SLOTS * 100 {
            used[slot(&format!("instance-{number}"))] += 1;
        }
        assert!(
            used.iter().all(|count| (50..200).contains(count)),
            "{used:?}"
        );
    }
}

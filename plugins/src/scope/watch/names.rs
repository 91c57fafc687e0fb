//! Names of gauges for ids of metrics, which may be any text.

use std::collections::{BTreeMap, BTreeSet};

use flate2::Crc;

/// In front of all names.
const PREFIX: &str = "scope_";
/// What is served under a name of our own.
pub(super) const UP: &str = "scope_plugin_up";

/// A name for each id: `scope_` and the id, with `_` for what no name may hold. Where two would be the same, the ids
/// that had to be changed get a number at the end that is made of the id.
pub(super) fn of<'a>(ids: &BTreeSet<&'a str>) -> BTreeMap<&'a str, String> {
    let plain = |id: &str| format!("{PREFIX}{}", id.replace(|letter| !is_letter(letter), "_"));
    let is_own = |id: &str| plain(id) == format!("{PREFIX}{id}") && plain(id) != UP;
    // Ids that need no change come first.
    let (own, changed): (Vec<&str>, Vec<&str>) = ids.iter().copied().partition(|id| is_own(id));
    let mut taken: BTreeSet<String> = [UP.to_owned()].into();
    let mut names = BTreeMap::new();
    for id in own.into_iter().chain(changed) {
        let mut name = plain(id);
        let mut salt = 0;
        while taken.contains(&name) {
            name = format!("{}_{:08x}", plain(id), checksum(id, salt));
            salt += 1;
        }
        taken.insert(name.clone());
        names.insert(id, name);
    }
    names
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The same in every process: names must not change.
fn checksum(id: &str, salt: u8) -> u32 {
    let mut sum = Crc::new();
    sum.update(id.as_bytes());
    sum.update(&[salt]);
    sum.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ids: &[&'static str]) -> Vec<(&'static str, String)> {
        of(&ids.iter().copied().collect()).into_iter().collect()
    }

    #[test]
    fn ids_become_names() {
        for (id, name) in [
            ("load1", "scope_load1"),
            ("docker_cpu_total_usage", "scope_docker_cpu_total_usage"),
            ("http-requests/s", "scope_http_requests_s"),
            ("9", "scope_9"),
            ("größe", "scope_gr__e"),
            ("a:b", "scope_a_b"),
            ("", "scope_"),
        ] {
            assert_eq!(names(&[id]), [(id, name.to_owned())]);
        }
    }

    #[test]
    fn no_two_ids_have_one_name() {
        let all = names(&["a b", "a-b", "a_b", "plugin_up", "plugin-up"]);
        let set: BTreeSet<&String> = all.iter().map(|(_, name)| name).collect();
        assert_eq!(set.len(), all.len(), "{all:?}");
        assert!(!set.contains(&UP.to_owned()), "{all:?}");
        assert!(all.contains(&("a_b", "scope_a_b".into())), "{all:?}");
        let changed = |id| {
            all.iter()
                .find(|(one, _)| *one == id)
                .map(|(_, name)| name.clone())
        };
        let other = names(&["a-b", "a_b", "other"]);
        assert_eq!(
            changed("a-b"),
            Some(other[0].1.clone()),
            "the same beside others"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_ids_get_valid_names(ids in proptest::collection::btree_set(".{0,4}", 0..20)) {
            let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
            let names = of(&ids);
            assert_eq!(names.len(), ids.len());
            assert_eq!(names.values().collect::<BTreeSet<_>>().len(), ids.len());
            assert!(names.values().all(|name| name.chars().all(is_letter)));
        }
    }
}

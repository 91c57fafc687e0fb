//! Label names of the target: which of a page's names cannot stay, and what they are called instead.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use super::escape::{Role, escape};
use crate::exposition::{Dialect, Escaping, Format, Page, unescape};
use crate::labels::EXPORTED;

/// What becomes of label names. Different names stay different, on the page as a whole: no two series become equal.
#[derive(Debug)]
pub(super) struct LabelNames {
    changed: HashMap<String, String>,
    escaping: Escaping,
}

impl LabelNames {
    pub(super) fn new(page: &Page, to: Dialect) -> Self {
        let is_reserved = |name: &str| {
            name == "__name__" || (to.format == Format::OpenMetrics && name.starts_with("__"))
        };
        let names: Vec<Cow<'_, str>> = page
            .label_names()
            .map(|name| plain(name, page.format()))
            .collect();
        Self {
            changed: changes(&names, to.escaping(), is_reserved),
            escaping: to.escaping(),
        }
    }

    /// The name of the target.
    pub(super) fn get<'a>(&'a self, name: Cow<'a, str>) -> Cow<'a, str> {
        if self.changed.is_empty() {
            return name;
        }
        match self.changed.get(name.as_ref()) {
            Some(written) => Cow::Borrowed(written),
            None => name,
        }
    }

    /// The names of the labels of an exemplar, which are not among those of the page.
    pub(super) fn of_exemplar<'a>(&self, mut names: Vec<Cow<'a, str>>) -> Vec<Cow<'a, str>> {
        let mut changed = changes(&names, self.escaping, |_| false);
        for name in &mut names {
            if let Some(written) = changed.remove(name.as_ref()) {
                *name = Cow::Owned(written);
            }
        }
        names
    }
}

/// What becomes of those names that cannot stay: they are escaped; when the result is taken, or one that readers keep
/// for themselves, they become `exported_<name>`, or that with the first number that is free.
fn changes(
    names: &[Cow<'_, str>],
    escaping: Escaping,
    is_reserved: impl Fn(&str) -> bool,
) -> HashMap<String, String> {
    let mut changed = HashMap::new();
    let stays = |name: &str| !is_reserved(name) && escape(name, Role::Label, escaping).is_none();
    if names.iter().all(|name| stays(name)) {
        return changed;
    }
    let (stay, others): (Vec<_>, Vec<_>) = names.iter().partition(|name| stays(name));
    let mut taken: HashSet<String> = stay.into_iter().map(|name| name.to_string()).collect();
    // Counted on from name to name, or thousands of equal ones would take hours.
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for name in others {
        let base = escape(name, Role::Label, escaping).unwrap_or_else(|| name.to_string());
        let mut written = base.clone();
        // Python's reader of text refuses such names too. One that stands in a text page so does stay.
        while written.starts_with("__") || taken.contains(&written) {
            let number = numbers.entry(base.clone()).or_insert(0);
            *number += 1;
            written = match *number {
                1 => format!("{EXPORTED}{base}"),
                number => format!("{EXPORTED}{base}_{number}"),
            };
        }
        taken.insert(written.clone());
        changed.insert(name.to_string(), written);
    }
    changed
}

/// A name or value as it stands in a page, without the escapes that lines have.
pub(in crate::exposition) fn plain(raw: &[u8], format: Format) -> Cow<'_, str> {
    if format == Format::Protobuf || memchr::memchr(b'\\', raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    unescape(raw, &mut out);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_meet_are_told_apart() {
        let names: Vec<Cow<'_, str>> = ["a.b", "a_b", "a-b", "a+b", "exported_a_b_2"]
            .map(Cow::Borrowed)
            .to_vec();
        let changed = changes(&names, Escaping::Underscores, |_| false);
        let written = |name: &str| changed.get(name).map(String::as_str);
        for (name, want) in [
            ("a_b", None),
            ("a.b", Some("exported_a_b")),
            ("a-b", Some("exported_a_b_3")), // 2 is taken
            ("a+b", Some("exported_a_b_4")),
            ("exported_a_b_2", None),
        ] {
            assert_eq!(written(name), want, "{name}");
        }
    }

    #[test]
    fn thousands_of_names_that_meet_take_no_time() {
        let names: Vec<Cow<'_, str>> = (0..60_000u32)
            .filter_map(|code| char::from_u32(0x1_0000 + code))
            .map(|character| Cow::Owned(character.to_string()))
            .collect();
        let changed = changes(&names, Escaping::Underscores, |_| false);
        let different: HashSet<&String> = changed.values().collect();
        assert_eq!(different.len(), names.len());
    }
}

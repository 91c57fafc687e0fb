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
    /// Names that can stay do so. Others are escaped; those that are taken, or that readers keep for themselves,
    /// get `exported_` before them until they are free.
    pub(super) fn new(page: &Page, to: Dialect) -> Self {
        let names: Vec<Cow<'_, str>> = page
            .label_names()
            .map(|name| plain(name, page.format()))
            .collect();
        let is_reserved = |name: &str| {
            name == "__name__" || (to.format == Format::OpenMetrics && name.starts_with("__"))
        };
        let stays =
            |name: &str| !is_reserved(name) && escape(name, Role::Label, to.escaping()).is_none();
        let mut changed = HashMap::new();
        if names.iter().all(|name| stays(name)) {
            return Self {
                changed,
                escaping: to.escaping(),
            };
        }
        let mut taken: HashSet<String> = names
            .iter()
            .filter(|name| stays(name))
            .map(|name| name.to_string())
            .collect();
        for name in names.iter().filter(|name| !stays(name)) {
            let mut written =
                escape(name, Role::Label, to.escaping()).unwrap_or_else(|| name.to_string());
            while is_reserved(&written) || !taken.insert(written.clone()) {
                written.insert_str(0, EXPORTED);
            }
            changed.insert(name.to_string(), written);
        }
        Self {
            changed,
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

    /// The name of a label of an exemplar.
    pub(super) fn of_exemplar<'a>(&self, name: Cow<'a, str>) -> Cow<'a, str> {
        match escape(&name, Role::Label, self.escaping) {
            Some(written) => Cow::Owned(written),
            None => name,
        }
    }
}

/// A name or value as it stands in a page, without the escapes that lines have.
pub(super) fn plain(raw: &[u8], format: Format) -> Cow<'_, str> {
    if format == Format::Protobuf || memchr::memchr(b'\\', raw).is_none() {
        return String::from_utf8_lossy(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    unescape(raw, &mut out);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

//! Names for readers that take `[a-zA-Z0-9_:]` alone.
//!
//! The schemes are those of `EscapeName` in prometheus/common (`model/metric.go`). As in `EscapeMetricFamily` there,
//! names that need no escaping stay as they are, whatever the scheme.

use std::fmt::Write as _;

use crate::exposition::bytes::{LABEL, LABEL_START, NAME, NAME_START, is};
use crate::exposition::{Escaping, is_metric_name};
use crate::labels::is_label_name;

/// What a name is for: metrics may have colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Metric,
    Label,
}

impl Role {
    fn classes(self) -> (u8, u8) {
        match self {
            Self::Metric => (NAME_START, NAME),
            Self::Label => (LABEL_START, LABEL),
        }
    }

    fn takes(self, character: char, at: usize) -> bool {
        let (start, further) = self.classes();
        u8::try_from(character).is_ok_and(|byte| is(byte, if at == 0 { start } else { further }))
    }
}

/// Whether a name can stand without quotes.
pub(super) fn is_legacy(name: &[u8], role: Role) -> bool {
    match role {
        Role::Metric => is_metric_name(name),
        Role::Label => is_label_name(name),
    }
}

/// The name in this scheme; None when it stays as it is.
pub(super) fn escape(name: &str, role: Role, escaping: Escaping) -> Option<String> {
    if escaping == Escaping::AllowUtf8 || is_legacy(name.as_bytes(), role) {
        return None;
    }
    let mut out = String::with_capacity(name.len() + 8);
    if escaping == Escaping::Values {
        out.push_str("U__");
    }
    for (at, character) in name.char_indices() {
        match (escaping, character) {
            (Escaping::Underscores, _) if role.takes(character, at) => out.push(character),
            (Escaping::Underscores, _) => out.push('_'),
            (_, '_') => out.push_str("__"),
            (Escaping::Dots, '.') => out.push_str("_dot_"),
            (_, _) if role.takes(character, at) => out.push(character),
            (Escaping::Dots, _) => out.push_str("__"),
            (_, _) => {
                let _ = write!(out, "_{:x}_", u32::from(character));
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_prometheus_does() {
        // The first rows are those of TestEscapeName in prometheus/common.
        for (name, underscores, dots, values) in [
            ("no:escaping_required", None, None, None),
            (
                "mysystem.prod.west.cpu.load",
                Some("mysystem_prod_west_cpu_load"),
                Some("mysystem_dot_prod_dot_west_dot_cpu_dot_load"),
                Some("U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"),
            ),
            (
                "mysystem.prod.west.cpu.load_total",
                Some("mysystem_prod_west_cpu_load_total"),
                Some("mysystem_dot_prod_dot_west_dot_cpu_dot_load__total"),
                Some("U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total"),
            ),
            (
                "http.status:sum",
                Some("http_status:sum"),
                Some("http_dot_status:sum"),
                Some("U__http_2e_status:sum"),
            ),
            (
                "label with 😱",
                Some("label_with__"),
                Some("label__with____"),
                Some("U__label_20_with_20__1f631_"),
            ),
            ("花火", Some("__"), Some("____"), Some("U___82b1__706b_")),
            ("1a", Some("_a"), Some("__a"), Some("U___31_a")),
        ] {
            for (escaping, want) in [
                (Escaping::Underscores, underscores),
                (Escaping::Dots, dots),
                (Escaping::Values, values),
                (Escaping::AllowUtf8, None),
            ] {
                assert_eq!(
                    escape(name, Role::Metric, escaping).as_deref(),
                    want,
                    "{name} {escaping:?}"
                );
            }
        }
        assert_eq!(
            escape("a:b", Role::Label, Escaping::Underscores).as_deref(),
            Some("a_b"),
            "labels have no colons"
        );
        assert_eq!(escape("le", Role::Label, Escaping::Dots), None);
    }
}

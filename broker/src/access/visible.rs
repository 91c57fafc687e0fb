//! What a caller may see of a list, as far as it can be said without a question about each app.

use std::collections::HashSet;
use std::sync::Arc;

use super::caller::Reader;
use super::{Access, Gate};
use crate::api::errors::ApiError;
use crate::bindings::Scope;

/// Narrows lists. It never opens anything: each app that is shown passes [`Gate::authorise_apps`] besides.
#[derive(Clone, Debug)]
pub(crate) enum Visible {
    Nothing,
    Everything,
    /// Nobody knows: a platform user with more spaces than can be listed.
    Unknown,
    /// What a binding opens.
    Scope(Scope),
    /// The spaces of a platform user.
    Spaces(Arc<HashSet<Box<str>>>),
}

impl Visible {
    /// Whether nothing is left of a list that the caller may not see. Otherwise not even its length may be told.
    pub(crate) fn is_exact(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Whether an app may be among what the caller sees.
    pub(crate) fn may_show(&self, app_id: &str, space_id: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything | Self::Unknown => true,
            Self::Scope(scope) => scope.covers(app_id, space_id),
            Self::Spaces(spaces) => spaces.contains(space_id),
        }
    }
}

impl Gate {
    /// What this caller may see. For a platform user the Cloud Controller is asked, at most every 30 s.
    ///
    /// # Errors
    /// 503 when it does not answer.
    pub(crate) async fn visible(&self, access: &Access) -> Result<Visible, ApiError> {
        let reader = match access {
            Access::Nothing => return Ok(Visible::Nothing),
            Access::Everything | Access::Audited(_) => return Ok(Visible::Everything),
            Access::Reader(reader) => reader,
        };
        match reader {
            Reader::Operator(_) => Ok(Visible::Everything),
            Reader::Binding(scope, _) => Ok(Visible::Scope(scope.clone())),
            Reader::User(token) => {
                let Some(uaa) = &self.uaa else {
                    return Ok(Visible::Nothing);
                };
                let spaces = uaa.spaces(token).await.map_err(|_| {
                    ApiError::unavailable(
                        "The Cloud Controller, which knows what you may see, does not answer at the moment",
                    )
                })?;
                // Who sees more spaces than can be listed is asked about app by app.
                Ok(spaces.map_or(Visible::Unknown, Visible::Spaces))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_narrowed_by_app_or_space() {
        let spaces = |guids: &[&str]| {
            Visible::Spaces(Arc::new(guids.iter().map(|guid| (*guid).into()).collect()))
        };
        for (visible, want, why) in [
            (Visible::Everything, true, "all apps"),
            (Visible::Unknown, true, "to be asked about each"),
            (Visible::Nothing, false, "no app"),
            (Visible::Scope(Scope::App("a".into())), true, "this app"),
            (Visible::Scope(Scope::App("s".into())), false, "another app"),
            (Visible::Scope(Scope::Space("s".into())), true, "its space"),
            (Visible::Scope(Scope::Space("a".into())), false, "another"),
            (spaces(&["x", "s"]), true, "among the spaces"),
            (spaces(&["a"]), false, "not among them"),
            (spaces(&[]), false, "a user without spaces"),
        ] {
            assert_eq!(visible.may_show("a", "s"), want, "{why}");
        }
        assert!(!Visible::Scope(Scope::Space(String::new())).may_show("a", ""));
    }
}

//! Which of an app's bindings decides.
//!
//! The newest one that says anything does, wholly; only when it names no endpoint, the path stays as the newest one
//! with an endpoint has it. A binding without parameters is for its credentials, and changes nothing.

use std::sync::Arc;

use promfetch_core::client::Settings;

use super::held::Held;

/// What decides how an app is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effect<'b> {
    pub(crate) decides: &'b Held,
    /// The binding that the path comes from, if any has one.
    pub(crate) path: Option<&'b Held>,
}

/// The effect of an app's bindings, the oldest first. `None`: the app is asked like any other.
pub(crate) fn of(bindings: &[Arc<Held>]) -> Option<Effect<'_>> {
    let newest_first = || bindings.iter().rev().map(|held| &**held);
    let decides = newest_first().find(|held| !held.parameters.is_empty())?;
    let path = newest_first().find(|held| held.parameters.endpoint.is_some());
    Some(Effect { decides, path })
}

/// How an app with these bindings is asked.
pub(super) fn settings(bindings: &[Arc<Held>]) -> Option<Settings> {
    let effect = of(bindings)?;
    let path = effect
        .path
        .and_then(|held| held.parameters.endpoint.as_deref());
    Some(effect.decides.parameters.settings(path))
}

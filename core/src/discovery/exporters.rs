//! External exporters per app.

/// A literal text with fields of the app's tags, such as `app={{.AppID}}`.
#[derive(Clone, Debug)]
pub struct Template;

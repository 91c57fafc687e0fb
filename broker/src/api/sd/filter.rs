//! One value of `org=`, `space=` or `app=`: a name, a GUID, or with `~` before it a regular expression of names.

use regex::{Regex, RegexBuilder};

use crate::api::errors::ApiError;

/// Longest regular expression, in bytes.
const MAX_LENGTH: usize = 1000;
/// Most memory that one takes when it has been read. `\w` alone, which means the letters of all languages, is a
/// tenth of it.
const MAX_SIZE: usize = 256 << 10;
/// How deep groups may stand in each other.
const MAX_NEST: u32 = 50;

/// What a name or a GUID has to be.
#[derive(Debug)]
pub(super) enum Filter {
    /// The name, letter by letter, or the GUID in upper or lower case.
    Is(String),
    /// A regular expression that fits the whole name, as in Prometheus. GUIDs are not looked at: letters and digits
    /// that fit one by accident would be a surprise.
    Fits(Regex),
}

impl Filter {
    /// Reads a value of this parameter.
    ///
    /// # Errors
    /// 400 that names the parameter and what is wrong.
    pub(super) fn read(parameter: &str, value: &str) -> Result<Self, ApiError> {
        let wrong = |what: &str| ApiError::bad_request(format!("`{parameter}=` {what}"));
        let Some(pattern) = value.strip_prefix('~') else {
            return if value.is_empty() {
                Err(wrong("has no value: leave it out to get all"))
            } else {
                Ok(Self::Is(value.to_owned()))
            };
        };
        if pattern.is_empty() {
            return Err(wrong("has no regular expression after the `~`"));
        }
        if pattern.len() > MAX_LENGTH {
            return Err(wrong(&format!(
                "has a regular expression of more than {MAX_LENGTH} bytes"
            )));
        }
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(MAX_SIZE)
                .dfa_size_limit(MAX_SIZE)
                .nest_limit(MAX_NEST)
                .build()
        };
        // Alone first: `a)|(b` is none, though it would be one within the brackets below.
        compile(pattern)
            .and_then(|_| compile(&format!("^(?s:{pattern})$")))
            .map(Self::Fits)
            .map_err(|error| wrong(&format!("is no regular expression: {}", in_short(&error))))
    }

    pub(super) fn fits(&self, name: &str, guid: &str) -> bool {
        match self {
            Self::Is(wanted) => wanted == name || wanted.eq_ignore_ascii_case(guid),
            Self::Fits(pattern) => pattern.is_match(name),
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Is(_))
    }
}

/// The reason without the drawing of the place, which needs several lines.
fn in_short(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "1b4f6c92-5d0e-4a37-9c81-0e2d7a5b3f10";

    #[test]
    fn a_value_is_a_name_a_guid_or_a_regular_expression() {
        for (value, name, want, why) in [
            ("shop", "shop", true, "the name"),
            ("shop", "Shop", false, "names differ by case"),
            ("shop", "shop-blue", false, "the whole name"),
            (
                "1B4F6C92-5d0e-4a37-9c81-0e2d7a5b3f10",
                "x",
                true,
                "the GUID in any case",
            ),
            (
                "shop.*",
                "shop-blue",
                false,
                "no `~`, no regular expression",
            ),
            ("~shop.*", "shop-blue", true, "a regular expression"),
            ("~shop", "shop-blue", false, "it fits the whole name"),
            ("~hop", "shop", false, "from its beginning"),
            ("~shop|till", "tills", false, "every branch is anchored"),
            ("~a|ab", "ab", true, "the branch that fits the whole name"),
            ("~(?i)SHOP", "shop", true, "flags"),
            ("~a.b", "a\nb", true, "names may have line feeds"),
            ("~gr\\w+e", "größe", true, "letters of all languages"),
            ("~1b4f.*", "x", false, "GUIDs are not looked at"),
            ("~~x", "~x", true, "a name that begins with `~`"),
            (
                "~<script>",
                "<script>",
                true,
                "no letter but those of regular expressions is special",
            ),
        ] {
            let filter = Filter::read("app", value).unwrap();
            assert_eq!(filter.fits(name, GUID), want, "{value} {name}: {why}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_where_and_why() {
        let long = format!("~{}", "x".repeat(1001));
        let deep = format!("~{}x{}", "(".repeat(60), ")".repeat(60));
        for (value, want) in [
            ("", "400 `org=` has no value: leave it out to get all"),
            ("~", "400 `org=` has no regular expression after the `~`"),
            ("~(", "400 `org=` is no regular expression: unclosed group"),
            (
                "~a)|(b",
                "400 `org=` is no regular expression: unopened group",
            ),
            (
                "~[z-a]",
                "400 `org=` is no regular expression: invalid character class range, the start must be <= the end",
            ),
            (
                "~(?=a)",
                "400 `org=` is no regular expression: look-around, including look-ahead and look-behind, is not supported",
            ),
            (
                "~(a)\\1",
                "400 `org=` is no regular expression: backreferences are not supported",
            ),
            (
                "~(?:a{1000}){1000}",
                "400 `org=` is no regular expression: it is too large",
            ),
            (
                &long,
                "400 `org=` has a regular expression of more than 1000 bytes",
            ),
            (
                &deep,
                "400 `org=` is no regular expression: exceed the maximum number of nested parentheses/brackets (50)",
            ),
        ] {
            let got = Filter::read("org", value).unwrap_err().to_string();
            assert_eq!(got, want, "{value}");
        }
    }
}

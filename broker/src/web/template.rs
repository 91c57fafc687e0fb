//! What differs between installations, in Markdown that is the same for all.
//!
//! On a line of its own stands `@@if NAME@@` before lines that hold where NAME does (`@@if not NAME@@`: where it does
//! not), `@@end@@` behind them, and `@@NAME@@` in place of Markdown that the program writes. A value of the
//! configuration is named as `@name@`, anywhere in a text. It is put in when the text is written as HTML and never
//! passes through Markdown, so that no value can become a link, a table or anything else than itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the Markdown may name. A name is made of small letters and hyphens.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) values: BTreeMap<&'static str, String>,
    pub(crate) conditions: BTreeMap<&'static str, bool>,
    /// Markdown, made by the program alone.
    pub(crate) pieces: BTreeMap<&'static str, String>,
}

impl Names {
    /// The Markdown for this installation, in which only values are left to be put in. What is not known stays as it
    /// stands: a test finds it.
    pub(crate) fn assemble(&self, source: &str) -> String {
        let mut out = String::with_capacity(source.len());
        // Whether the lines stand, for each `if` around them.
        let mut stands = Vec::new();
        for line in source.lines() {
            match mark(line) {
                Some("end") if !stands.is_empty() => {
                    stands.pop();
                }
                Some(name) if self.condition(name).is_some() => {
                    stands.extend(self.condition(name));
                }
                _ if stands.contains(&false) => {}
                Some(name) if self.pieces.contains_key(name) => {
                    out.extend(self.pieces.get(name).map(String::as_str));
                    out.push('\n');
                }
                _ => {
                    out.push_str(line);
                    out.push('\n');
                }
            }
        }
        out
    }

    /// Whether the lines after this mark stand; `None`: it is no `if`.
    fn condition(&self, mark: &str) -> Option<bool> {
        let name = mark.strip_prefix("if ")?;
        match name.strip_prefix("not ") {
            Some(name) => self.conditions.get(name).map(|holds| !holds),
            None => self.conditions.get(name).copied(),
        }
    }

    /// Puts the values in.
    pub(crate) fn fill<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, value, after)) = self.first(rest) {
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        if filled.is_empty() && rest.len() == text.len() {
            return Cow::Borrowed(text);
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }

    /// The first name of a value in a text: what stands before it, the value, and what stands behind.
    fn first<'t>(&self, text: &'t str) -> Option<(&'t str, &str, &'t str)> {
        text.match_indices('@').find_map(|(at, _)| {
            let (before, behind) = (text.get(..at)?, text.get(at + 1..)?);
            let (name, after) = behind.split_once('@')?;
            Some((before, self.values.get(name)?.as_str(), after))
        })
    }
}

/// The words between the marks of a line.
fn mark(line: &str) -> Option<&str> {
    line.trim().strip_prefix("@@")?.strip_suffix("@@")
}

/// A value of the configuration as people may safely see it: characters that control a terminal, or the direction in
/// which a line is read, become U+FFFD.
pub(crate) fn visible(text: &str) -> String {
    text.replace(is_invisible, "\u{fffd}")
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names {
            values: BTreeMap::from([("url", "http://h".into()), ("evil", "@url@ <b>".into())]),
            conditions: BTreeMap::from([("on", true), ("off", false)]),
            pieces: BTreeMap::from([("table", "| a |\n|---|\n| b |\n".into())]),
        }
    }

    #[test]
    fn lines_stand_where_their_condition_holds() {
        for (source, want, why) in [
            ("a\nb\n", "a\nb\n", "nothing to do"),
            ("@@if on@@\na\n@@end@@\nb\n", "a\nb\n", "it holds"),
            ("@@if off@@\na\n@@end@@\nb\n", "b\n", "it does not"),
            ("@@if not off@@\na\n@@end@@\n", "a\n", "the contrary"),
            ("@@if not on@@\na\n@@end@@\n", "", "the contrary"),
            (
                "@@if off@@\n@@if on@@\na\n@@end@@\nb\n@@end@@\nc\n",
                "c\n",
                "one inside of another",
            ),
            ("@@if off@@\n@@table@@\n@@end@@\n", "", "pieces count too"),
            ("@@table@@\n", "| a |\n|---|\n| b |\n\n", "a piece"),
            ("  @@if off@@  \na\n@@end@@\n", "", "blanks around it"),
            ("@@if maybe@@\na\n", "@@if maybe@@\na\n", "an unknown one"),
            ("@@nothing@@\n", "@@nothing@@\n", "an unknown piece"),
            ("@@end@@\n", "@@end@@\n", "an end of nothing"),
            ("a @@if off@@ b\n", "a @@if off@@ b\n", "not alone"),
        ] {
            assert_eq!(names().assemble(source), want, "{why}: {source:?}");
        }
    }

    #[test]
    fn values_are_put_in_once() {
        for (text, want, why) in [
            ("no name", "no name", "nothing to do"),
            ("@url@/a", "http://h/a", "at the beginning"),
            ("x @url@ y @url@", "x http://h y http://h", "twice"),
            ("@evil@", "@url@ <b>", "a value is not looked at again"),
            ("a@b.example @url@", "a@b.example http://h", "another @"),
            ("@other@url@", "@otherhttp://h", "an unknown name first"),
            ("@url", "@url", "not closed"),
            ("@", "@", "an @ alone"),
            ("ü@url@ü", "ühttp://hü", "letters of several bytes"),
        ] {
            assert_eq!(names().fill(text), want, "{why}");
        }
        assert!(matches!(names().fill("no name"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_turns_lines_round_becomes_visible() {
        for (text, want, why) in [
            ("prod/größe 東京", "prod/größe 東京", "letters stay"),
            ("a\u{202e}b", "a\u{fffd}b", "right to left"),
            ("a\u{2066}b\u{2069}", "a\u{fffd}b\u{fffd}", "isolates"),
            ("a\u{200b}b\u{feff}", "a\u{fffd}b\u{fffd}", "no width"),
            ("a\u{1b}[2J\n", "a\u{fffd}[2J\u{fffd}", "terminals"),
            (
                "<script>",
                "<script>",
                "HTML is escaped where it is written",
            ),
        ] {
            assert_eq!(visible(text), want, "{why}");
        }
    }
}

//! Texts of plugins, made fit for messages and the log.

/// Longest text of a plugin in a message, in characters.
const SHOWN: usize = 80;
/// Longest text of a plugin in the log, in characters.
const LOGGED: usize = 2000;

/// In backticks, short, on one line.
pub(super) fn shown(text: &str) -> String {
    format!("`{}`", cut(text.trim(), SHOWN))
}

/// On one line, without what moves cursors or changes colours, and not endless.
pub fn clean(text: &str) -> String {
    cut(text.trim(), LOGGED)
}

fn cut(text: &str, most: usize) -> String {
    let mut short = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == most {
            short.push('…');
            break;
        }
        if character.is_control() {
            short.extend(character.escape_default());
        } else {
            short.push(character);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_on_their_line() {
        for (text, fit, why) in [
            (" plain \n", "plain", "blanks around"),
            (
                "a\nb\x1b[31mc\u{9b}",
                "a\\nb\\u{1b}[31mc\\u{9b}",
                "control characters of both kinds",
            ),
            ("größer", "größer", "other letters"),
        ] {
            assert_eq!(clean(text), fit, "{why}");
        }
        assert_eq!(shown(&"ü".repeat(81)).chars().count(), 80 + 3);
        assert_eq!(clean(&"\n".repeat(5)), "");
        assert_eq!(
            clean(&format!("x{}x", "\0".repeat(5000))).chars().count(),
            1 + 1999 * 5 + 1,
            "bounded"
        );
    }
}

//! The terminal: its size, and a screen of one's own for as long as it is needed.

use std::io::{self, IsTerminal, Write};

/// How large it is, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// That of the terminals of old, for one that does not tell.
impl Default for Size {
    fn default() -> Self {
        Self {
            columns: 80,
            rows: 24,
        }
    }
}

/// Whether somebody looks at standard output.
pub(super) fn is_there() -> bool {
    io::stdout().is_terminal()
}

/// `None` where standard output is no terminal.
pub(super) fn size() -> Option<Size> {
    if !is_there() {
        return None;
    }
    let told = rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| Size {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        });
    Some(
        told.filter(|size| size.columns > 0 && size.rows > 0)
            .unwrap_or_default(),
    )
}

/// The terminal's other screen, without a cursor. Dropping it gives back what was there before.
#[derive(Debug)]
pub(super) struct Screen(());

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        let screen = Self(());
        write("\x1b[?1049h\x1b[?25l")?;
        Ok(screen)
    }

    /// Shows these lines, in one go so that nothing flickers. Each line ends before the terminal does.
    pub(super) fn show(&mut self, lines: &[String]) -> io::Result<()> {
        write(&frame(lines))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is there to be told.
        let _ = write("\x1b[?25h\x1b[?1049l");
    }
}

/// From the upper left corner, over what stands there.
fn frame(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\x1b[K")).collect();
    format!("\x1b[H{}\x1b[J", lines.join("\r\n"))
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_writes_over_the_one_before() {
        assert_eq!(
            frame(&["a".into(), "b".into()]),
            "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J",
            "no line feed at the end: the screen would scroll"
        );
    }
}

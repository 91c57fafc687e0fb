//! `promfetch hash-password`: what stands in the configuration in place of an operator's password.

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::{Command, Stdio};

use promfetch_core::config::Secret;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, Outcome, block_on, print};
use crate::access::password;

/// Fewest characters. Whoever gets hold of the configuration can guess at leisure.
const SHORTEST: usize = 12;
/// Most bytes: a Basic login has to hold it.
const LONGEST: usize = 1024;

/// Hash an operator's password for the configuration
///
/// Reads one line from standard input and prints its hash. At a terminal it asks twice, and what is
/// typed is not shown.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch hash-password
  pwgen -s 24 1 | tee password | promfetch hash-password"
)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Outcome {
    let password = if io::stdin().is_terminal() {
        ask_twice()?
    } else {
        read_line(io::stdin().lock())?
    };
    check(&password.0)?;
    Ok(print([password::hash(&password.0), "\n".to_owned()])?)
}

/// Why a password is not taken, if so.
fn check(password: &str) -> Result<(), Failure> {
    if password.is_empty() {
        return Err(Failure::usage("the password is empty"));
    }
    if password.chars().count() < SHORTEST {
        return Err(Failure::usage(format!(
            "the password is too short: expected at least {SHORTEST} characters"
        )));
    }
    // A login with one is refused (RFC 7617, section 2), so nobody could ever use this password.
    if password.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Failure::usage(
            "the password has control characters, which no login can have",
        ));
    }
    Ok(())
}

/// One line without its end.
fn read_line(input: impl BufRead) -> Result<Secret, Failure> {
    let mut line = Vec::new();
    // Two more for the line's end, so that one that is too long shows.
    let most = LONGEST as u64 + 3;
    input.take(most).read_until(b'\n', &mut line)?;
    let mut line =
        Secret(String::from_utf8(line).map_err(|_| Failure::usage("the password is not UTF-8"))?);
    if line.0.ends_with('\n') {
        line.0.pop();
        if line.0.ends_with('\r') {
            line.0.pop();
        }
    }
    if line.0.len() > LONGEST {
        return Err(Failure::usage(format!(
            "the password is longer than {LONGEST} bytes"
        )));
    }
    Ok(line)
}

/// Asks at the terminal. Ends also when it is interrupted: the terminal must show again what is typed.
fn ask_twice() -> Result<Secret, Failure> {
    let mut answer = Secret::default();
    block_on(async {
        // Before the terminal changes: a signal in between would leave it so.
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let hidden = Hidden::begin();
        if hidden.is_none() {
            let _ = writeln!(
                io::stderr(),
                "What you type will be seen: `stty` does not work here."
            );
        }
        let asking = tokio::task::spawn_blocking(|| {
            let first = ask("Password: ")?;
            check(&first.0)?;
            let second = ask("Once more: ")?;
            if first.0 == second.0 {
                Ok(first)
            } else {
                Err(Failure::usage("the two passwords differ"))
            }
        });
        answer = tokio::select! {
            answer = asking => answer.map_err(Failure::failed)??,
            _ = interrupted.recv() => return Err(Failure::failed("interrupted")),
            _ = terminated.recv() => return Err(Failure::failed("terminated")),
        };
        Ok(())
    })?;
    Ok(answer)
}

fn ask(question: &str) -> Result<Secret, Failure> {
    let mut stderr = io::stderr();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let line = read_line(io::stdin().lock());
    // The typed line feed was not shown either.
    let _ = stderr.write_all(b"\n");
    line
}

/// While it lives, the terminal does not show what is typed.
struct Hidden {
    /// The settings before, as `stty -g` prints them.
    before: String,
}

impl Hidden {
    /// None when `stty` is missing or fails.
    fn begin() -> Option<Self> {
        let before = stty(&["-g"])?.trim().to_owned();
        let hidden = Self { before };
        stty(&["-echo"]).map(|_| hidden)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        stty(&[&self.before]);
    }
}

/// Runs `stty` on the terminal of standard input.
fn stty(arguments: &[&str]) -> Option<String> {
    let output = Command::new("stty")
        .args(arguments)
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(input: &[u8]) -> Result<String, String> {
        let line = read_line(input).map_err(|failure| failure.message)?;
        check(&line.0).map_err(|failure| failure.message)?;
        Ok(line.0)
    }

    #[test]
    fn one_line_is_read_and_judged() {
        let long = "x".repeat(LONGEST);
        for (input, want, why) in [
            ("correct horse\n", Ok("correct horse"), "a line"),
            ("correct horse", Ok("correct horse"), "without its end"),
            ("correct horse\r\n", Ok("correct horse"), "from Windows"),
            (
                "  correct horse  \n",
                Ok("  correct horse  "),
                "blanks count",
            ),
            (
                "correct horse\nbattery\n",
                Ok("correct horse"),
                "the first line",
            ),
            (
                "grüße grüße!\n",
                Ok("grüße grüße!"),
                "characters are counted",
            ),
            ("grüße grüße\n", Err("too short"), "eleven, in 15 bytes"),
            ("hunter2\n", Err("too short"), "short"),
            ("\n", Err("is empty"), "an empty line"),
            ("", Err("is empty"), "nothing"),
            ("correct\thorse\n", Err("control characters"), "a tab"),
            (
                "correct horse\r",
                Err("control characters"),
                "not a line's end",
            ),
            (&long, Ok(&long), "the longest"),
            (
                &format!("{long}\r\n"),
                Ok(&long),
                "the longest, with its end",
            ),
            (&format!("{long}x"), Err("longer than"), "one more"),
            (&"y".repeat(100_000), Err("longer than"), "far too long"),
        ] {
            match (outcome(input.as_bytes()), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{why}"),
                (Err(got), Err(want)) => {
                    assert!(got.contains(want), "{why}: {got}");
                    assert!(!got.contains("hunter2"), "{got}");
                }
                (got, want) => panic!("{why}: {got:?}, expected {want:?}"),
            }
        }
        assert!(
            outcome(b"correct \xff horse\n")
                .unwrap_err()
                .contains("UTF-8")
        );
    }
}

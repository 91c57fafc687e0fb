//! `promfetch hash-password` with and without a terminal.

use std::ffi::OsString;
use std::fs::File;

use promfetch_tests::process::run;
use promfetch_tests::promfetch::{binary, config_file};
use promfetch_tests::tools;

/// Plays somebody at a terminal: waits for each text of the arguments and types the line behind it; then prints what
/// the terminal has shown, whether it shows again what is typed, and the exit code.
const TERMINAL: &str = r#"
import os, pty, sys, termios
program, *talk = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execv(program, [program, "hash-password"])
shown = b""
for text, line in zip(talk[::2], talk[1::2]):
    while not shown.decode().endswith(text):
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03" if line == "^C" else line.encode() + b"\n")
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
try:
    while True:
        shown += os.read(terminal, 4096)
except OSError:
    pass  # All was read, and nobody is at the other end.
echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
print(shown.decode(), echo, code, sep="|")
"#;

async fn at_terminal(talk: &[&str]) -> String {
    let mut arguments: Vec<OsString> = vec!["-c".into(), TERMINAL.into(), binary().into()];
    arguments.extend(talk.iter().map(OsString::from));
    let finished = run(&tools::find("python3"), &arguments, |_| ()).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

#[tokio::test]
async fn a_terminal_is_asked_twice_and_shows_nothing() {
    let password = "correct horse";
    for (talk, shown, code, why) in [
        (
            &["Password: ", password, "Once more: ", password][..],
            "$argon2id$v=19$m=19456,t=2,p=1$",
            0,
            "twice the same",
        ),
        (
            &["Password: ", password, "Once more: ", "correct hors"],
            "the two passwords differ",
            64,
            "two different ones",
        ),
        (
            &["Password: ", "hunter2"],
            "too short",
            64,
            "asked only once",
        ),
        (&["Password: ", ""], "is empty", 64, "nothing typed"),
        (&["Password: ", "^C"], "interrupted", 1, "interrupted"),
        (
            &["Password: ", password, "Once more: ", "^C"],
            "interrupted",
            1,
            "interrupted later",
        ),
    ] {
        let got = at_terminal(talk).await;
        assert!(got.contains(shown), "{why}: {got}");
        assert!(
            got.trim_end().ends_with(&format!("|True|{code}")),
            "{why}: the terminal shows again what is typed: {got}"
        );
        for secret in [password, "hunter2", "hors"] {
            assert!(!got.contains(secret), "{why}: {got}");
        }
    }
}

#[tokio::test]
async fn without_a_terminal_one_line_is_read_and_one_printed() {
    for (input, code, why) in [
        ("correct horse\n", 0, "a line"),
        ("short\n", 64, "too short"),
        ("", 64, "nothing"),
    ] {
        let (_folder, file) = config_file(input);
        let finished = run(&binary(), &["hash-password"], |command| {
            command.stdin(File::open(&file).expect("it was just written"));
        })
        .await;
        let (stdout, stderr) = (finished.stdout, finished.stderr);
        assert_eq!(finished.code, Some(code), "{why}: {stderr}");
        assert_eq!(stdout.starts_with("$argon2id$"), code == 0, "{why}");
        assert_eq!(stdout.lines().count(), usize::from(code == 0), "{why}");
        assert_eq!(stderr.is_empty(), code == 0, "{why}: {stderr}");
        assert!(!stderr.contains("short\n"), "{why}: {stderr}");
    }
}

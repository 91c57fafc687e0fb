//! Child processes that never outlive the test: killed on drop, and by the kernel when the test process dies.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::wait::{LIMIT, eventually};

/// A running program with everything that it printed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
}

impl Process {
    /// Starts the program. `prepare` adds environment, folder and so on.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(
        program: &Path,
        arguments: &[impl AsRef<OsStr>],
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let name = program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned();
        let mut command = tied_to_this_process(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = spawn(command)
            .unwrap_or_else(|error| panic!("`{}` does not start: {error}", program.display()));
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        Self {
            name,
            child,
            stdout,
            stderr,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far, by stream.
    pub fn stdout(&self) -> String {
        self.stdout.lock().expect("no panic while locked").clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no panic while locked").clone()
    }

    /// Both streams, one after the other.
    pub fn log(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Waits until `find` finds something in what the program printed.
    ///
    /// # Panics
    /// When the program ends before, or nothing is found within the limit.
    pub async fn printed<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let name = self.name.clone();
        eventually(&format!("`{name}` printed {what}"), async || {
            let ended = self.child.try_wait().expect("a child can be asked");
            let found = find(&self.log());
            assert!(
                found.is_some() || ended.is_none(),
                "`{name}` ended before it printed {what}: {ended:?}\n{}",
                self.log()
            );
            found
        })
        .await
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, signal: &str) {
        // The shell's own `kill`: the program of that name is missing on small machines.
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{signal} {}", self.pid()))
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "signal {signal} could not be sent to `{}`",
            self.name
        );
    }

    /// Stops it until it gets `CONT`. Nothing of it goes on when this returns.
    pub fn pause(&self) {
        self.signal("STOP");
        wait_stopped(self.pid());
    }

    pub fn is_running(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be asked")
            .is_none()
    }

    /// Waits until the program ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let name = self.name.clone();
        eventually(&format!("`{name}` ended"), async || {
            self.child.try_wait().expect("a child can be asked")
        })
        .await
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            report(format_args!(
                "---- {} printed ----\n{}",
                self.name,
                tail(&self.log())
            ));
        }
    }
}

/// Waits until a process that was told to stop has done so, with all its threads: a thread that runs on another
/// processor goes on for a moment after the signal is sent. One that has ended counts as stopped.
///
/// # Panics
/// When it does not stop.
pub fn wait_stopped(pid: u32) {
    let goes_on = |stat: String| {
        // The state stands behind the name, which is in parentheses and may hold anything (proc(5)).
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        !matches!(state, Some('T' | 't' | 'Z' | 'X') | None)
    };
    let give_up = Instant::now() + LIMIT;
    loop {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
        let mut threads = threads.into_iter().flatten().flatten();
        let some_goes_on = threads
            .any(|thread| std::fs::read_to_string(thread.path().join("stat")).is_ok_and(goes_on));
        if !some_goes_on {
            return;
        }
        assert!(Instant::now() < give_up, "process {pid} does not stop");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a program that ran to its end left behind.
#[derive(Debug)]
pub struct Finished {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a program to its end and collects what it prints. The program is killed when the future is dropped.
pub async fn run(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    prepare: impl FnOnce(&mut Command),
) -> Finished {
    let mut process = Process::start(program, arguments, prepare);
    let code = process.ended().await.code();
    // The threads that read the pipes may be a moment behind.
    let (stdout, stderr) = (&process.stdout, &process.stderr);
    eventually("the output is complete", async || {
        (Arc::strong_count(stdout) == 1 && Arc::strong_count(stderr) == 1).then_some(())
    })
    .await;
    Finished {
        code,
        stdout: process.stdout(),
        stderr: process.stderr(),
    }
}

/// Says what a test has left out, and why: in the log also when the test passes, where `.ci/run` looks for it.
pub fn skipped(reason: fmt::Arguments<'_>) {
    // Not by a macro: what those print is shown of failing tests only.
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}

/// Prints to the output of the running test.
#[expect(clippy::print_stderr, reason = "this is what a failing test shows")]
pub fn report(text: fmt::Arguments<'_>) {
    eprintln!("{text}");
}

fn tail(log: &str) -> &str {
    let start = log.len().saturating_sub(8 << 10);
    &log[log.ceil_char_boundary(start)..]
}

/// A command that the kernel kills when the thread that starts it ends; `setpriv` is part of Debian's base system.
fn tied_to_this_process(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.is_file() {
        return Command::new(program);
    }
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

type Order = (Command, Sender<std::io::Result<Child>>);

/// Starts the command in a thread that lives as long as this process: the tie is to the thread, and tests run in
/// threads of their own that end one by one.
fn spawn(command: Command) -> std::io::Result<Child> {
    static STARTER: LazyLock<Mutex<Sender<Order>>> = LazyLock::new(|| {
        let (orders, received) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in received {
                // The one who asked waits for it.
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (reply, answer) = channel();
    STARTER
        .lock()
        .expect("no panic while locked")
        .send((command, reply))
        .expect("the thread never ends");
    answer.recv().expect("the thread always answers")
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    if let Some(pipe) = pipe {
        let text = Arc::clone(&text);
        thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                text.lock()
                    .expect("no panic while locked")
                    .push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_and_exit_code_are_collected() {
        let finished = run(
            Path::new("/bin/sh"),
            &["-c", "echo out; echo err >&2; exit 3"],
            |_| (),
        )
        .await;
        assert_eq!(
            (
                finished.code,
                finished.stdout.as_str(),
                finished.stderr.as_str()
            ),
            (Some(3), "out\n", "err\n")
        );
    }

    #[tokio::test]
    async fn a_dropped_process_is_gone() {
        let process = Process::start(Path::new("/bin/sleep"), &["1000"], |_| ());
        let folder = format!("/proc/{}", process.pid());
        assert!(Path::new(&folder).exists());
        drop(process);
        assert!(!Path::new(&folder).exists());
    }

    #[tokio::test]
    #[should_panic(expected = "ended before it printed")]
    async fn waiting_for_a_program_that_ended_is_over_at_once() {
        Process::start(Path::new("/bin/true"), &["x"], |_| ())
            .printed("anything", |_| None::<()>)
            .await;
    }
}

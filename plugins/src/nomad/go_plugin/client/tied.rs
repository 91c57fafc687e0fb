//! A plugin must not outlive a host that is killed: nobody would be left to end it.
//!
//! Linux kills a process with its parent if the process itself has asked for it, and keeps that over `exec`. No plugin
//! asks. So this program is started in its place, asks, and becomes the plugin. (Between `fork` and `exec`, where others
//! do this, only unsafe code can.)

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::process::{Pid, getppid};

use super::process::words;

/// What is to become of this process.
#[derive(Clone, Debug, clap::Args)]
pub struct Tied {
    /// The process that it is to end with.
    parent: i32,
    /// What it becomes.
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Tied {
    /// Becomes the program. Comes back only when that fails.
    pub fn run(&self) -> ExitCode {
        let error = self.exec();
        // The host reads this.
        let _ = writeln!(io::stderr(), "{}: {error}", self.program.display());
        ExitCode::FAILURE
    }

    fn exec(&self) -> io::Error {
        #[cfg(target_os = "linux")]
        if let Err(error) =
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        {
            return error.into();
        }
        // It may have ended before the wish was heard.
        if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(self.parent) {
            return io::Error::other("the host has ended");
        }
        Command::new(&self.program).args(&self.arguments).exec()
    }
}

/// The command that starts a plugin. The thread that spawns it must live as long as this process: the tie is to the
/// thread.
pub(super) fn command(program: &Path, arguments: &[String]) -> io::Result<Command> {
    // Also when a new version has been put in the place of the file that we were started from.
    let own = if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe()?
    };
    let mut command = Command::new(own);
    command
        .args(["host", "become-plugin"])
        .arg(std::process::id().to_string())
        .arg(program)
        .args(words(arguments));
    Ok(command)
}

//! libpromfetch as other languages see it: installed, from outside, by its header alone.

mod abi;
mod c;
mod debian;
mod examples;
mod fuzz;
mod go;
mod install;
mod python;

use std::path::PathBuf;

use promfetch_tests::library::{Library, Watch};
use promfetch_tests::process::{Finished, run};
use promfetch_tests::tools;
use promfetch_tests::{Behaviour, Instance};
use tempfile::TempDir;

/// Instances for programs that take their addresses as arguments: one of each kind that matters at the boundary.
struct Instances {
    running: Vec<(&'static str, Instance)>,
}

impl Instances {
    async fn start() -> Self {
        let mut running = Vec::new();
        for (name, behaviour) in [
            ("good", Behaviour::bilingual(1)),
            ("other", Behaviour::bilingual(2)),
            ("missing", Behaviour::only_at("/elsewhere", "elsewhere 1\n")),
            ("garbage", Behaviour::garbage()),
            ("closing", Behaviour::CloseUnanswered),
            ("hanging", Behaviour::Hang),
        ] {
            running.push((name, Instance::start("0", behaviour).await));
        }
        running.push(("refusing", Instance::refusing("0")));
        Self { running }
    }

    fn arguments(&self) -> Vec<String> {
        self.running
            .iter()
            .map(|(name, instance)| format!("{name}={}", instance.address))
            .collect()
    }
}

/// A program of `tests/ffi/c`, compiled.
struct Program {
    path: PathBuf,
    watch: Watch,
    _folder: TempDir,
}

impl Program {
    async fn compile(name: &'static str, watch: Watch) -> Self {
        // The compiler takes a second or two: the instances in this process go on meanwhile.
        tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let source = tools::repository().join(format!("tests/ffi/c/{name}.c"));
            Self {
                path: Library::staged().compile(&source, watch, folder.path()),
                watch,
                _folder: folder,
            }
        })
        .await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Runs it under its watch, to its end.
    async fn run(&self, arguments: &[String]) -> Finished {
        let valgrind;
        let (program, arguments) = if self.watch == Watch::Valgrind {
            let suppressions = tools::repository().join("tests/ffi/c/valgrind.supp");
            let mut all = vec![
                "--quiet".to_owned(),
                "--leak-check=full".into(),
                "--errors-for-leak-kinds=definite,indirect,possible".into(),
                "--error-exitcode=9".into(),
                "--fair-sched=yes".into(),
                format!("--suppressions={}", suppressions.display()),
                self.path.display().to_string(),
            ];
            all.extend_from_slice(arguments);
            valgrind = tools::find("valgrind");
            (&valgrind, all)
        } else {
            (&self.path, arguments.to_vec())
        };
        run(program, &arguments, |command| {
            command
                .env("LD_LIBRARY_PATH", Library::staged().libraries())
                .env("RUST_BACKTRACE", "1")
                // The system's certificates are nine tenths of the time that a client takes to start, and not asked for.
                .env("SSL_CERT_FILE", "/dev/null")
                .env("SSL_CERT_DIR", "/nonexistent")
                .env_remove("LD_PRELOAD");
        })
        .await
    }

    /// The same, and it has to succeed without a word on standard output: that belongs to the host.
    async fn succeeds(&self, arguments: &[String]) -> String {
        let finished = self.run(arguments).await;
        let name = self.path.file_name().unwrap_or_default().display();
        assert_eq!(
            finished.code,
            Some(0),
            "{name} {} ({:?})\n{}{}",
            arguments.join(" "),
            self.watch,
            finished.stdout,
            finished.stderr
        );
        assert_eq!(finished.stdout, "", "{name}");
        // A child that the program made ends by itself, and its exit code may be lost on the way.
        let complaint = self.watch == Watch::Valgrind
            && finished.stderr.lines().any(|line| line.starts_with("=="));
        assert!(!complaint, "{name}\n{}", finished.stderr);
        finished.stderr
    }
}

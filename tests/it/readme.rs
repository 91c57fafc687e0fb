//! Blocks by their language: `sh` is run line by line against a demo of its own, `yaml` is checked by promtool or by
//! `check-config`, `text`, `json` and `promql` are read by people. A block that cannot be run says so after its
//! language: ```` ```sh not-run: needs a platform ````.

use std::ffi::OsString;
use std::path::Path;

use promfetch_tests::library::Library;
use promfetch_tests::process::{Process, report, run};
use promfetch_tests::promfetch::{binary, command};
use promfetch_tests::{Promfetch, check, tools};
use tempfile::TempDir;

#[derive(Debug)]
struct Block {
    line: usize,
    language: String,
    /// What follows the language.
    note: String,
    text: String,
}

/// All fenced blocks of a Markdown text.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in markdown.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let (language, note) = info.trim().split_once(' ').unwrap_or((info.trim(), ""));
                open = Some(Block {
                    line: number + 1,
                    language: language.into(),
                    note: note.trim().into(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The commands of a `sh` block: comments and empty lines go, continued lines are joined.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined
        .lines()
        .map(|line| line.trim().trim_start_matches("$ "));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn readme() -> String {
    let path = tools::repository().join("README.md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A folder with the configuration files that README shows, and the program in `PATH`.
struct Desk {
    folder: TempDir,
    path: OsString,
    demo: Promfetch,
}

impl Desk {
    async fn set() -> Self {
        let program = binary();
        let own = program.parent().unwrap_or(Path::new(".")).to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = [own]
            .into_iter()
            .chain(std::env::split_paths(&path))
            .collect();
        Self {
            folder: tempfile::tempdir().unwrap(),
            path: std::env::join_paths(folders).unwrap(),
            demo: Promfetch::demo().await,
        }
    }

    /// The same command for the ports of this test.
    fn here(&self, command: &str) -> String {
        let port = |url: &str| url.rsplit(':').next().unwrap_or_default().to_owned();
        command
            .replace("8085", &port(&self.demo.api))
            .replace("8080", &port(&self.demo.health))
            .replace("target/release/promfetch", "promfetch")
            .replace("./promfetch", "promfetch")
    }

    async fn run(&self, line: usize, command: &str) {
        let mut words = command.split_whitespace();
        let (first, second) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        match first {
            "make" => targets_exist(line, command),
            "cargo" => packages_exist(line, command),
            "git" if second == "clone" => {}
            "cd" => {}
            "printf" => assert_eq!(self.shell(command).await.code, Some(0)),
            "curl" => {
                let finished = self.shell(&self.here(command)).await;
                assert_eq!(
                    finished.code,
                    Some(0),
                    "README line {line}: {command}: {}",
                    finished.stderr
                );
                assert!(
                    !finished.stdout.is_empty(),
                    "README line {line}: {command} prints nothing"
                );
                if finished.stdout.starts_with("# ")
                    && !finished.stdout.contains("# EOF")
                    && !command.contains('|')
                {
                    check::text(finished.stdout.as_bytes())
                        .unwrap_or_else(|problem| panic!("README line {line}: {problem}"));
                }
            }
            _ if self.here(first) == "promfetch" && ["serve", "demo"].contains(&second) => {
                let command = format!("exec {} --port 0 --health-port 0", self.here(command));
                let mut process =
                    Process::start(Path::new("/bin/sh"), &["-c", &command], |shell| {
                        shell
                            .current_dir(self.folder.path())
                            .env("PATH", &self.path);
                    });
                process
                    .printed("its ports", |log| log.contains("api: ").then_some(()))
                    .await;
            }
            _ if self.here(first) == "promfetch" => {
                let finished = self.shell(&self.here(command)).await;
                assert_eq!(
                    finished.code,
                    Some(0),
                    "README line {line}: {command}: {}",
                    finished.stderr
                );
            }
            _ => panic!(
                "README line {line}: no test knows how to run `{command}`; mark the block `not-run: reason` if it cannot be run"
            ),
        }
    }

    async fn shell(&self, command: &str) -> promfetch_tests::process::Finished {
        run(Path::new("/bin/sh"), &["-c", command], |shell| {
            shell
                .current_dir(self.folder.path())
                .env("PATH", &self.path);
        })
        .await
    }
}

fn targets_exist(line: usize, command: &str) {
    let makefile = std::fs::read_to_string(tools::repository().join("Makefile")).unwrap();
    let targets = command
        .split_whitespace()
        .skip(1)
        .take_while(|word| !word.starts_with('#'))
        .filter(|word| !word.contains('=') && !word.starts_with('-'));
    for target in targets {
        let found = makefile
            .lines()
            .any(|rule| rule.starts_with(&format!("{target}:")));
        assert!(found, "README line {line}: the Makefile has no `{target}`");
    }
}

fn packages_exist(line: usize, command: &str) {
    let lock = std::fs::read_to_string(tools::repository().join("Cargo.lock")).unwrap();
    let words: Vec<_> = command.split_whitespace().collect();
    for pair in words
        .windows(2)
        .filter(|pair| ["-p", "--package"].contains(&pair[0]))
    {
        assert!(
            lock.contains(&format!("name = \"{}\"", pair[1])),
            "README line {line}: no package `{}`",
            pair[1]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_block_of_readme_works() {
    let desk = Desk::set().await;
    let blocks = blocks(&readme());
    // Configurations first: commands may use the files.
    for block in blocks
        .iter()
        .filter(|block| ["yaml", "yml"].contains(&block.language.as_str()))
    {
        if block.note.starts_with("not-run:") {
            report(format_args!("README line {}: {}", block.line, block.note));
        } else if block.text.contains("scrape_configs:") {
            let file = desk.folder.path().join("prometheus.yml");
            std::fs::write(&file, &block.text).unwrap();
            check::prometheus_config(&file)
                .unwrap_or_else(|problem| panic!("README line {}: {problem}", block.line));
        } else {
            let file = desk.folder.path().join("promfetch.yml");
            std::fs::write(&file, &block.text).unwrap();
            let finished = command(&["check-config", "-c", &file.display().to_string()]).await;
            assert_eq!(
                finished.code,
                Some(0),
                "README line {}: {}{}",
                block.line,
                finished.stdout,
                finished.stderr
            );
        }
    }
    let mut ran = 0;
    for block in &blocks {
        match block.language.as_str() {
            "sh" if block.note.starts_with("not-run:") => {
                report(format_args!("README line {}: {}", block.line, block.note))
            }
            // One script: what one block sets, the next one uses.
            "sh" if block.note == "library" => {}
            "sh" => {
                for command in commands(&block.text) {
                    desk.run(block.line, &command).await;
                    ran += 1;
                }
            }
            "yaml" | "yml" | "text" | "json" | "promql" => {}
            "c" | "python" | "go" => {}
            other => panic!(
                "README line {}: a block of the language {other:?} is not looked after by any test",
                block.line
            ),
        }
    }
    assert!(ran > 0, "README shows how promfetch is used");
}

/// The programs with the library, as somebody in a clone types it: files are what stands before each block, and all
/// commands are one script. Only what was built already is not built once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_programs_with_the_library_work() {
    let desk = Desk::set().await;
    let (repository, folder) = (tools::repository(), desk.folder.path());
    let mut script = "set -eu\n".to_owned();
    for block in blocks(&readme()) {
        match block.language.as_str() {
            "sh" if block.note == "library" => script.push_str(&block.text),
            "c" | "python" | "go" => {
                let file = folder.join(&block.note);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, &block.text).unwrap();
            }
            _ => {}
        }
    }
    // Checks that all of it is there, and is not older than its sources.
    Library::staged();
    let made = format!(
        "make --no-print-directory -C {} PROFILE=dev BUILD=no WHEEL={} PYTHON={} ",
        repository.display(),
        folder.join("target/wheel").display(),
        tools::python().display()
    );
    let script = script
        .replace("make ", &made)
        .replace("scripts/", &format!("{}/scripts/", repository.display()))
        .replace("8085", &desk.demo.address().port().to_string());
    let go = tools::folder().join("go");
    let finished = run(Path::new("/bin/sh"), &["-c", &script], |shell| {
        let path = [tools::folder().join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&desk.path));
        shell
            .current_dir(folder)
            .env("HOME", folder)
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("GOCACHE", go.join("cache"))
            .env("GOMODCACHE", folder.join("modules"))
            .env("GOFLAGS", "-modcacherw -mod=mod")
            .env("GOTOOLCHAIN", "local")
            .env_remove("PYTHONPATH");
    })
    .await;
    assert_eq!(
        finished.code,
        Some(0),
        "{script}\n{}{}",
        finished.stdout,
        finished.stderr
    );
    assert_eq!(
        finished.stdout.matches("promfetch_up{").count(),
        9,
        "three instances, three languages: {}",
        finished.stdout
    );
}

#[test]
fn the_reader_of_blocks_reads_blocks() {
    let found = blocks(
        "text\n```sh\n$ make run\n# a comment\ncurl a \\\n  b\n```\n```yaml not-run: why\nx: 1\n```\n",
    );
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].line, commands(&found[0].text)),
        (2, vec!["make run".to_owned(), "curl a    b".to_owned()])
    );
    assert_eq!(
        (found[1].language.as_str(), found[1].note.as_str()),
        ("yaml", "not-run: why")
    );
}

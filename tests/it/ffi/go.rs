//! The Go module of `ffi/go` and the gatherer beside it: their own tests, the examples, and the ways of somebody who has
//! nothing but an empty module and a module proxy.

use std::fs;
use std::path::{Path, PathBuf};

use promfetch_tests::library::{Library, built};
use promfetch_tests::process::{Finished, run};
use promfetch_tests::{Promfetch, check, tools};
use tempfile::TempDir;

use super::examples::environment;

type Variable = (&'static str, String);

/// What makes go find the library, and keep to the repository's own folders.
fn variables() -> Vec<Variable> {
    let library = Library::staged();
    let go = tools::folder().join("go");
    let folder = |name: &str| go.join(name).display().to_string();
    vec![
        ("CGO_ENABLED", "1".into()),
        ("GOCACHE", folder("cache")),
        ("GOFLAGS", "-mod=mod -modcacherw -buildvcs=false".into()),
        ("GOMODCACHE", folder("modules")),
        ("GONOSUMDB", "github.com/promfetch".into()),
        ("GOPATH", folder("path")),
        ("GOTOOLCHAIN", "local".into()),
        ("LD_LIBRARY_PATH", library.libraries().display().to_string()),
        (
            "PKG_CONFIG_PATH",
            library.pkg_config_path().display().to_string(),
        ),
    ]
}

async fn start(program: &Path, folder: &Path, arguments: &[&str], more: &[Variable]) -> Finished {
    run(program, arguments, |command| {
        let variables = variables();
        let all = variables.iter().chain(more);
        command
            .current_dir(folder)
            .envs(all.map(|(name, value)| (name, value)));
    })
    .await
}

async fn go(folder: &Path, arguments: &[&str], more: &[Variable]) {
    let finished = start(&tools::folder().join("bin/go"), folder, arguments, more).await;
    let what = arguments.join(" ");
    assert_eq!(
        finished.code,
        Some(0),
        "go {what} in {}\n{}{}",
        folder.display(),
        finished.stdout,
        finished.stderr
    );
}

/// The header that an earlier archive has left in the module may be old: then the module's tests ask for a new one.
fn refresh_header() {
    let copy = module("include/promfetch.h");
    if copy.is_file() {
        fs::copy(tools::repository().join("include/promfetch.h"), copy).unwrap();
    }
}

fn module(name: &str) -> PathBuf {
    tools::repository().join("ffi/go").join(name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_modules_own_tests_pass_with_the_race_detector() {
    refresh_header();
    for folder in ["", "gatherer"] {
        // The work tree stays as it is: no -mod=mod.
        let flags = [(
            "GOFLAGS",
            "-mod=readonly -modcacherw -buildvcs=false".to_owned(),
        )];
        go(&module(folder), &["vet", "./..."], &flags).await;
        go(
            &module(folder),
            &["test", "-race", "-count=1", "./..."],
            &flags,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pointer_of_go_stays_in_c() {
    refresh_header();
    let strict = [
        (
            "GOFLAGS",
            "-mod=readonly -modcacherw -buildvcs=false".to_owned(),
        ),
        ("GOEXPERIMENT", "cgocheck2".to_owned()),
        ("GODEBUG", "cgocheck=1".to_owned()),
    ];
    go(&module(""), &["test", "-count=1", "."], &strict).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_work_with_the_demo() {
    let demo = Promfetch::demo().await;
    let environment = environment(&demo);
    let folder = tempfile::tempdir().unwrap();
    let examples = tools::repository().join("ffi/examples/go");
    let flags = [(
        "GOFLAGS",
        "-mod=readonly -modcacherw -buildvcs=false".to_owned(),
    )];
    let out = format!("{}/", folder.path().display());
    go(&examples, &["build", "-o", &out, "./..."], &flags).await;
    for name in ["fetch", "discover", "stream", "merge"] {
        let source = fs::read_to_string(examples.join(name).join("main.go")).unwrap();
        assert!(source.lines().count() < 25, "{name}");
    }
    for (name, app) in [("fetch", "demo/dev/hello"), ("stream", "demo/dev/hello")] {
        let finished = start(
            &folder.path().join(name),
            folder.path(),
            &[app],
            &environment,
        )
        .await;
        assert_eq!(finished.code, Some(0), "{name}: {}", finished.stderr);
        assert_eq!(
            finished.stdout.matches("promfetch_up{").count(),
            3,
            "{name}"
        );
        fs::write(folder.path().join("page.txt"), &finished.stdout).unwrap();
    }
    let program = folder.path().join("discover");
    let finished = start(&program, folder.path(), &["demo/dev/hello"], &environment).await;
    assert_eq!(
        (finished.code, finished.stdout.lines().count()),
        (Some(0), 3),
        "{}",
        finished.stderr
    );
    let pages = ["page.txt", "page.txt"];
    let finished = start(&folder.path().join("merge"), folder.path(), &pages, &[]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check::text(finished.stdout.as_bytes()).unwrap();
    let finished = start(
        &folder.path().join("fetch"),
        folder.path(),
        &["demo/dev/nothing"],
        &environment,
    )
    .await;
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
}

/// An empty module with one program, which gets ours from a proxy of files.
struct Empty {
    folder: TempDir,
    more: Vec<Variable>,
}

impl Empty {
    async fn new(archives: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let proxy = folder.path().join("proxy");
        let script = tools::repository().join("scripts/go-module-proxy");
        let mut arguments = vec![proxy.display().to_string(), "v0.1.0".into()];
        arguments.extend(archives.then(|| "--with-archives".to_owned()));
        let finished = run(&script, &arguments, |_| {}).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let source = tools::repository().join("ffi/examples/go/fetch/main.go");
        let program = folder.path().join("program");
        fs::create_dir(&program).unwrap();
        fs::copy(source, program.join("main.go")).unwrap();
        // A cache of its own: another version of v0.1.0 may be in the shared one.
        let more = vec![
            (
                "GOMODCACHE",
                folder.path().join("modules").display().to_string(),
            ),
            ("GOPROXY", format!("file://{}", proxy.display())),
        ];
        let empty = Self { folder, more };
        empty.go(&["mod", "init", "example.org/first"]).await;
        empty
            .go(&["get", "github.com/promfetch/promfetch/ffi/go@v0.1.0"])
            .await;
        empty
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    async fn go(&self, arguments: &[&str]) {
        go(&self.program(), arguments, &self.more).await;
    }

    /// What it prints of the demo's app, with no library in sight if `alone`.
    async fn prints_the_demo(&self, alone: bool) {
        let demo = Promfetch::demo().await;
        let mut environment = environment(&demo);
        if alone {
            environment.push(("LD_LIBRARY_PATH", "/nowhere".into()));
        }
        let program = self.program().join("first");
        let finished = start(&program, &self.program(), &["demo/dev/hello"], &environment).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(finished.stdout.matches("promfetch_up{").count(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_module_links_the_installed_library() {
    let module = Empty::new(false).await;
    module.go(&["build", "-o", "first", "."]).await;
    module.prints_the_demo(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_module_links_the_archive_that_comes_with_it() {
    let archive = built().join("libpromfetch.a").display().to_string();
    let script = tools::repository().join("scripts/go-archive");
    let finished = run(&script, &["linux_amd64".to_owned(), archive], |_| {}).await;
    assert_eq!(
        finished.code,
        Some(0),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    let module = Empty::new(true).await;
    module
        .go(&["build", "-tags", "promfetch_static", "-o", "first", "."])
        .await;
    module.prints_the_demo(true).await;
}

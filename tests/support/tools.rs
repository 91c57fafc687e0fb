//! Where the programs are that the tests run against.

use std::path::PathBuf;

use crate::promfetch::newer_source;

/// The program of this name, from `PATH` or from where Debian puts daemons.
///
/// # Panics
/// When it is not installed: the whole suite needs it, and a silent skip would hide that.
pub fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("`{program}` is not installed: run `make tools`, which says how"))
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ stands in the repository")
        .to_path_buf()
}

/// Where our own tools are: `.tools` of the repository, or `PROMFETCH_TOOLS`.
pub fn folder() -> PathBuf {
    std::env::var_os("PROMFETCH_TOOLS").map_or_else(|| repository().join(".tools"), PathBuf::from)
}

/// The Python that has `prometheus_client` and the decoders of protobuf.
///
/// # Panics
/// When the environment was not made.
pub fn python() -> PathBuf {
    let python = folder().join("venv/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: run `make tools`",
        python.display()
    );
    python
}

/// A program of ours beside `promfetch`, as cargo built it beside this test.
///
/// # Panics
/// When it is missing or older than its sources: cargo does not build another package's programs for a test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    // target/debug/deps/it-0123 → target/debug/NAME
    let path = test
        .ancestors()
        .nth(2)
        .expect("cargo puts tests into target/*/deps")
        .join(name);
    assert!(
        path.is_file(),
        "{} is missing: run `make build`",
        path.display()
    );
    if let Some(source) = newer_source(&path) {
        panic!(
            "{} is newer than {}: run `make build`",
            source.display(),
            path.display()
        );
    }
    path
}

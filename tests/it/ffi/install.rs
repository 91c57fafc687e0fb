//! `make install` and `make uninstall`, and what finds the library afterwards: pkg-config, CMake, a static link.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use promfetch_tests::library::{Library, built, outcome, succeed};
use promfetch_tests::tools;

/// A target of the Makefile, for what the tests have built.
fn make(target: &str, variables: &[String]) {
    let mut command = Command::new("make");
    command.current_dir(tools::repository()).arg(target);
    command
        .arg("BUILD=no")
        .arg(format!("BUILT={}", built().display()));
    command.args(variables);
    // What the make around these tests was told is none of this one's business.
    for name in [
        "MAKEFLAGS",
        "MAKEOVERRIDES",
        "MFLAGS",
        "PREFIX",
        "DESTDIR",
        "LIBDIR",
        "INCLUDEDIR",
    ] {
        command.env_remove(name);
    }
    succeed(&mut command);
}

/// Everything below a folder that is no folder, by its path there.
fn files(folder: &Path) -> BTreeSet<String> {
    let listed = succeed(
        Command::new("find")
            .arg(folder)
            .args(["-not", "-type", "d", "-printf", "%P\n"]),
    );
    listed.lines().map(str::to_owned).collect()
}

fn pkg_config(path: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("pkg-config");
    command
        .env("PKG_CONFIG_PATH", path)
        .args(arguments)
        .arg("promfetch");
    succeed(&mut command).trim().to_owned()
}

fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[test]
fn the_library_is_staged_moved_and_removed() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let variables = [
        format!("DESTDIR={}", root.path().display()),
        "PREFIX=/opt/promfetch".into(),
        "LIBDIR=/opt/promfetch/lib64".into(),
        "INCLUDEDIR=/usr/include/promfetch".into(),
    ];
    let libraries = root.path().join("opt/promfetch/lib64");
    fs::create_dir_all(&libraries).expect("a folder");
    fs::write(libraries.join("another.so"), "").expect("a file");
    make("install-lib", &variables);
    let real = format!("libpromfetch.so.1.{}", version());
    let expected: BTreeSet<String> = [
        "opt/promfetch/lib64/another.so",
        &format!("opt/promfetch/lib64/{real}"),
        "opt/promfetch/lib64/libpromfetch.so.1",
        "opt/promfetch/lib64/libpromfetch.so",
        "opt/promfetch/lib64/libpromfetch.a",
        "opt/promfetch/lib64/pkgconfig/promfetch.pc",
        "usr/include/promfetch/promfetch.h",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    assert_eq!(files(root.path()), expected);
    let link = |name: &str| fs::read_link(libraries.join(name)).expect("a link");
    assert_eq!(link("libpromfetch.so.1"), PathBuf::from(&real));
    assert_eq!(link("libpromfetch.so"), PathBuf::from("libpromfetch.so.1"));

    // The stage is nowhere in the file; with the prefix defined anew, what is below it moves.
    let found = libraries.join("pkgconfig");
    let text = fs::read_to_string(found.join("promfetch.pc")).expect("the file");
    assert!(
        !text.contains(&root.path().display().to_string()) && !text.contains('@'),
        "{text}"
    );
    assert_eq!(pkg_config(&found, &["--modversion"]), version());
    assert_eq!(
        pkg_config(&found, &["--cflags"]),
        "-I/usr/include/promfetch"
    );
    assert_eq!(
        pkg_config(&found, &["--libs"]),
        "-L/opt/promfetch/lib64 -lpromfetch"
    );
    assert_eq!(
        pkg_config(&found, &["--define-prefix", "--libs"]),
        format!("-L{} -lpromfetch", libraries.display())
    );

    // Twice is as good as once, and uninstall leaves what is not ours.
    make("install-lib", &variables);
    assert_eq!(files(root.path()), expected);
    make("uninstall", &variables);
    assert_eq!(
        files(root.path()),
        BTreeSet::from(["opt/promfetch/lib64/another.so".to_owned()])
    );
    assert!(!found.exists());
}

#[test]
fn install_brings_the_program_with_its_manual_too() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let variables = [format!("DESTDIR={}", root.path().display())];
    make("install", &variables);
    let installed = files(root.path());
    for file in [
        "bin/promfetch",
        "lib/libpromfetch.so.1",
        "include/promfetch.h",
        "share/man/man1/promfetch.1",
        "share/man/man1/promfetch-check-config.1",
        "share/bash-completion/completions/promfetch",
        "share/zsh/site-functions/_promfetch",
        "share/fish/vendor_completions.d/promfetch.fish",
    ] {
        assert!(
            installed.contains(&format!("usr/local/{file}")),
            "{file}: {installed:?}"
        );
    }
    let program = root.path().join("usr/local/bin/promfetch");
    assert!(succeed(Command::new(program).arg("--version")).contains(version()));
    make("uninstall", &variables);
    assert_eq!(files(root.path()), BTreeSet::new());
}

#[test]
fn what_is_not_built_is_not_installed() {
    let nowhere = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(tools::repository().join("scripts/install-lib"));
    command
        .arg("install")
        .arg(nowhere.path())
        .env("DESTDIR", nowhere.path());
    let (succeeded, text) = outcome(&mut command);
    assert!(
        !succeeded && text.contains("libpromfetch.so is missing"),
        "{text}"
    );
    assert_eq!(files(nowhere.path()), BTreeSet::new());
}

#[test]
fn cmake_finds_it_through_pkg_config() {
    let library = Library::staged();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = tools::repository();
    succeed(
        Command::new("cmake")
            .arg("-S")
            .arg(repository.join("tests/ffi/cmake"))
            .arg("-B")
            .arg(folder.path())
            .arg(format!(
                "-DEXAMPLES={}",
                repository.join("ffi/examples").display()
            ))
            .env("PKG_CONFIG_PATH", library.pkg_config_path()),
    );
    succeed(
        Command::new("cmake")
            .arg("--build")
            .arg(folder.path())
            .env_remove("MAKEFLAGS"),
    );
    for program in ["merge", "merge_cpp"] {
        // CMake writes the folder of the library into programs that it builds.
        let said = succeed(Command::new(folder.path().join(program)).env_remove("LD_LIBRARY_PATH"));
        assert!(said.contains("jobs_total{worker=\"a\"} 3\n"), "{said}");
    }
}

#[test]
fn a_program_can_have_it_inside() {
    let library = Library::staged();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("merge");
    // The linker prefers shared libraries: the static one is named by its file, as docs/c-library.md says.
    let flags = library.pkg_config(&["--static", "--libs"]);
    let flags = flags.iter().map(|flag| match flag.as_str() {
        "-lpromfetch" => "-l:libpromfetch.a",
        other => other,
    });
    succeed(
        Command::new("cc")
            .args(library.pkg_config(&["--cflags"]))
            .arg(tools::repository().join("ffi/examples/c/merge.c"))
            .arg("-o")
            .arg(&program)
            .args(flags),
    );
    let needed = succeed(Command::new("readelf").arg("-d").arg(&program));
    assert!(!needed.contains("libpromfetch"), "{needed}");
    let said = succeed(Command::new(&program).env_remove("LD_LIBRARY_PATH"));
    assert!(said.contains("jobs_total{worker=\"b\"} 4\n"), "{said}");
}

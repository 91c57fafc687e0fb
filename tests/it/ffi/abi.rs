//! What programs that are built today may rely on for ever: `ffi/abi` and the header.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use promfetch_tests::library::{Library, outcome, succeed};
use promfetch_tests::process::skipped;
use promfetch_tests::tools;
use tempfile::TempDir;

/// The folder of ABI 1.
fn frozen() -> PathBuf {
    tools::repository().join("ffi/abi/1")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn updating() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value != "0")
}

/// A file in a folder of its own.
fn written(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(name);
    fs::write(&file, text).expect("a temporary file");
    (folder, file)
}

/// The names of functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let words =
        header.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_(".contains(letter)));
    words
        .filter_map(|word| word.split_once('('))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.starts_with("promfetch_"))
        .collect()
}

#[test]
fn only_listed_symbols_are_exported() {
    let library = Library::staged();
    let listed = succeed(
        Command::new("nm")
            .args(["-D", "--defined-only", "--format=posix"])
            .arg(library.shared()),
    );
    let symbols: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for symbol in &symbols {
        assert!(symbol.starts_with("promfetch_"), "`{symbol}` is exported");
    }
    let text: String = symbols.iter().map(|symbol| format!("{symbol}\n")).collect();
    let list = frozen().join("symbols.txt");
    if updating() {
        let before = fs::read_to_string(&list).unwrap_or_default();
        for symbol in before.lines() {
            assert!(
                symbols.contains(symbol),
                "`{symbol}` has gone: that is a new ABI"
            );
        }
        fs::write(&list, &text).expect("the list can be written");
    }
    assert_eq!(
        text,
        read(&list),
        "{}: only additions are allowed, `make abi-baseline` writes them down",
        list.display()
    );
    let header = read(&library.header());
    let declared = declared(&header);
    let symbols: BTreeSet<String> = symbols.into_iter().map(str::to_owned).collect();
    assert_eq!(
        declared, symbols,
        "the header declares what the library exports"
    );
}

#[test]
fn the_library_says_its_abi_and_stays_loaded() {
    let dynamic = succeed(
        Command::new("readelf")
            .args(["--dynamic", "--wide"])
            .arg(Library::staged().shared()),
    );
    let header = read(&Library::staged().header());
    let number = header
        .lines()
        .find_map(|line| line.strip_prefix("#define PROMFETCH_ABI_VERSION "))
        .expect("the header has the number");
    assert!(
        dynamic.contains(&format!("Library soname: [libpromfetch.so.{number}]")),
        "{dynamic}"
    );
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    assert!(
        !dynamic.contains("TEXTREL") && !dynamic.contains("RUNPATH"),
        "{dynamic}"
    );
}

#[test]
fn the_header_is_valid_in_every_standard() {
    let twice = "#include <promfetch.h>\n#include <promfetch.h>\nint main(void) { return promfetch_abi_version() != PROMFETCH_ABI_VERSION; }\n";
    let mut compiled = 0;
    for (compilers, ending, standards) in [
        (
            ["cc", "gcc", "clang", "clang-14"].as_slice(),
            "c",
            ["c99", "c11", "c17", "c2x", "gnu99", "gnu17", "gnu2x"].as_slice(),
        ),
        (
            ["c++", "g++", "clang++", "clang++-14"].as_slice(),
            "cpp",
            ["c++11", "c++17", "c++20", "c++2b", "gnu++17"].as_slice(),
        ),
    ] {
        let (_folder, source) = written(&format!("twice.{ending}"), twice);
        for compiler in compilers {
            if Command::new(compiler).arg("--version").output().is_err() {
                continue;
            }
            for standard in standards {
                let mut command = Command::new(compiler);
                command
                    .arg(format!("-std={standard}"))
                    .args([
                        "-Wall",
                        "-Wextra",
                        "-Wpedantic",
                        "-Wredundant-decls",
                        "-Werror",
                        "-fsyntax-only",
                    ])
                    .args(Library::staged().pkg_config(&["--cflags"]))
                    .arg(&source);
                if ending == "c" {
                    command.args(["-Wstrict-prototypes", "-Wc++-compat"]);
                }
                let (valid, text) = outcome(&mut command);
                // An older compiler does not know the newest standards.
                let unknown = text.contains("unrecognized") || text.contains("invalid value");
                assert!(valid || unknown, "{compiler} -std={standard}\n{text}");
                compiled += usize::from(valid);
            }
        }
    }
    assert!(compiled >= 4, "cc and c++ know C99, C11, C++11 and C++17");
}

#[test]
fn todays_header_says_nothing_else_than_the_frozen_one() {
    // A declaration may be repeated as long as it is the same; so may a macro.
    let both = format!(
        "#include \"{}\"\n#undef PROMFETCH_H\n#include \"{}\"\n",
        frozen().join("promfetch.h").display(),
        Library::staged().header().display()
    );
    let compile = |text: &str| {
        let (_folder, source) = written("both.c", text);
        outcome(
            Command::new("cc")
                .args(["-std=c11", "-Werror", "-fsyntax-only"])
                .arg(&source),
        )
    };
    let (same, text) = compile(&both);
    assert!(same, "{text}");
    // It would be noticed.
    for change in [
        "int promfetch_abi_version(void);",
        "const char *promfetch_version(int);",
        "#undef PROMFETCH_H\n#define PROMFETCH_NOT_FOUND 99\n",
    ] {
        let (same, _) = compile(&format!("{both}{change}\n"));
        assert!(!same, "{change}");
    }
}

#[test]
fn an_old_program_runs_with_todays_library() {
    let library = Library::staged();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let old = folder.path().join("include");
    fs::create_dir(&old).expect("a folder");
    fs::copy(frozen().join("promfetch.h"), old.join("promfetch.h")).expect("the frozen header");
    let program = folder.path().join("smoke");
    succeed(
        Command::new("cc")
            .args([
                "-std=c99",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
                "-I",
            ])
            .arg(&old)
            .arg(frozen().join("smoke.c"))
            .arg("-o")
            .arg(&program)
            .args(library.pkg_config(&["--libs"])),
    );
    let said = succeed(Command::new(&program).env("LD_LIBRARY_PATH", library.libraries()));
    assert_eq!(said, "");
    let used = read(&frozen().join("smoke.c"));
    for name in declared(&read(&frozen().join("promfetch.h"))) {
        assert!(used.contains(&name), "smoke.c does not use `{name}`");
    }
}

/// The ABI of a library, without what only its inside knows.
fn abi_of(library: &Path) -> String {
    // A symlink says nothing of the version that it leads to.
    let library = library.canonicalize().expect("the library is there");
    succeed(
        Command::new(tools::python())
            .arg(tools::repository().join("scripts/abi-of"))
            .arg(library),
    )
}

/// What abidiff says against these two, additions apart: nothing when they are compatible.
fn difference(before: &Path, now: &Path) -> Option<String> {
    let (same, text) = outcome(
        Command::new("abidiff")
            .arg("--no-added-syms")
            .args([before, now]),
    );
    (!same).then_some(text)
}

#[test]
fn functions_and_types_are_those_of_the_baseline() {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        skipped(format_args!("the baseline is for Linux on x86-64"));
        return;
    }
    let now = abi_of(&Library::staged().shared());
    let repository = tools::repository();
    for place in [
        repository.as_path(),
        Path::new("/rustc/"),
        Path::new("/root/"),
        Path::new("/home/"),
    ] {
        assert!(
            !now.contains(&place.display().to_string()),
            "{} is in it",
            place.display()
        );
    }
    let (_folder, file) = written("now.abi", &now);
    let baseline = frozen().join("promfetch.abi");
    if updating() && !baseline.exists() {
        fs::write(&baseline, &now).expect("the baseline can be written");
    }
    if let Some(difference) = difference(&baseline, &file) {
        panic!("the ABI has changed:\n{difference}");
    }
    if updating() {
        fs::write(&baseline, &now).expect("the baseline can be written");
    }
    let functions = now.matches("<function-decl ").count();
    let symbols = read(&frozen().join("symbols.txt")).lines().count();
    assert_eq!(functions, symbols, "every function was read with its types");
}

/// The judge itself: a small Rust library, changed in each of the ways that matter.
#[test]
fn the_judge_of_the_abi_sees_what_breaks_programs() {
    const LIBRARY: &str = r#"
        use std::ffi::{c_char, c_void};
        pub struct Handle { pub name: String, pub number: u32 }
        pub type Callback = Option<unsafe extern "C" fn(user: *mut c_void, len: usize)>;
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn promfetch_set(handle: *mut Handle, key: *const c_char, number: u32) -> u32 {
            unsafe { (*handle).number = number + u32::from(key.is_null()) };
            0
        }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn promfetch_log(handle: *mut Handle, log: Callback) {
            if let Some(log) = log { unsafe { log(handle.cast(), 1) } }
        }
    "#;
    const ADDED: &str =
        "#[unsafe(no_mangle)] pub extern \"C\" fn promfetch_new() -> u32 { 1 } pub type Callback";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let build = |name: &str, text: &str| {
        let source = folder.path().join(format!("{name}.rs"));
        fs::write(&source, text).expect("a source");
        let library = folder.path().join(format!("{name}.so"));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsStr::new("rustc").into());
        succeed(
            Command::new(rustc)
                .args([
                    "--edition=2024",
                    "--crate-type=cdylib",
                    "--crate-name=judged",
                    "-g",
                    "-o",
                ])
                .args([&library, &source])
                .current_dir(folder.path()),
        );
        let abi = folder.path().join(format!("{name}.abi"));
        fs::write(&abi, abi_of(&library)).expect("a temporary file");
        abi
    };
    let before = build("before", LIBRARY);
    for (name, what, with, breaks) in [
        (
            "parameter",
            "number: u32) -> u32 {",
            "number: u32, more: u64) -> u32 { let _ = more;",
            true,
        ),
        (
            "narrower",
            "number: u32) -> u32 {",
            "number: u8) -> u32 { let number = u32::from(number);",
            true,
        ),
        ("answer", "-> u32 {\n", "-> u64 {\n", true),
        ("nothing", "promfetch_log(", "promfetch_tell(", true),
        ("callback", "len: usize)>", "len: usize, level: u32)>", true),
        (
            "pointer",
            "key: *const c_char",
            "key: *const *const c_char",
            true,
        ),
        (
            "inside",
            "pub number: u32 }",
            "pub number: u32, pub more: Vec<Option<String>> }",
            false,
        ),
        ("order", "pub name: String, ", "", false),
        (
            "body",
            "(*handle).number = number",
            "(*handle).number += number",
            false,
        ),
        ("module", "use std::ffi", "mod inner {} use std::ffi", false),
        ("added", "pub type Callback", ADDED, false),
    ] {
        assert!(LIBRARY.contains(what), "{name}: nothing to change");
        let text = LIBRARY.replacen(what, with, 1).replace(
            "log(handle.cast(), 1)",
            if name == "callback" {
                "log(handle.cast(), 1, 1)"
            } else {
                "log(handle.cast(), 1)"
            },
        );
        let now = build(name, &text);
        let difference = difference(&before, &now);
        assert_eq!(difference.is_some(), breaks, "{name}: {difference:?}");
    }
}

//! libpromfetch as `make install` leaves it: a prefix with library, header and `promfetch.pc`, from what cargo built for
//! the tests; and C programs that are compiled against it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::promfetch::newer_source;
use crate::tools;

/// The installed library.
#[derive(Debug)]
pub struct Library {
    pub prefix: PathBuf,
}

/// What watches a program as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    Nothing,
    Valgrind,
    /// The address and undefined behaviour sanitizers of the compiler, in the C part.
    Sanitizers,
}

impl Library {
    /// The library installed below `target`, once for all tests.
    ///
    /// # Panics
    /// When it is not built, older than its sources, or cannot be installed.
    pub fn staged() -> &'static Self {
        static STAGED: OnceLock<Library> = OnceLock::new();
        STAGED.get_or_init(|| {
            let built = built();
            let prefix = built.join("installed");
            fs::create_dir_all(&prefix).expect("target can be written to");
            // Other test programs may want it at the same time.
            let lock = File::create(prefix.join(".lock")).expect("target can be written to");
            lock.lock().expect("a file can be locked");
            if is_older(&prefix.join("lib/libpromfetch.so"), &built) {
                install(&built, &prefix, None);
            }
            Library { prefix }
        })
    }

    /// The folder that `LD_LIBRARY_PATH` has to name.
    pub fn libraries(&self) -> PathBuf {
        self.prefix.join("lib")
    }

    pub fn header(&self) -> PathBuf {
        self.prefix.join("include/promfetch.h")
    }

    /// The shared library itself.
    pub fn shared(&self) -> PathBuf {
        self.libraries().join("libpromfetch.so")
    }

    /// The value of `PKG_CONFIG_PATH` that finds this library and no other.
    pub fn pkg_config_path(&self) -> PathBuf {
        self.libraries().join("pkgconfig")
    }

    /// What `pkg-config` answers, by words.
    ///
    /// # Panics
    /// When it knows no libpromfetch.
    pub fn pkg_config(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command
            .args(arguments)
            .arg("promfetch")
            .env("PKG_CONFIG_PATH", self.pkg_config_path());
        let text = succeed(&mut command);
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Compiles one program, with the flags that pkg-config gives.
    ///
    /// # Panics
    /// When the compiler has anything to say.
    pub fn compile(&self, source: &Path, watch: Watch, into: &Path) -> PathBuf {
        let name = source.file_stem().expect("a source has a name");
        let program = into.join(name);
        let mut command = compiler(source);
        command.args(["-g", "-O1", "-pthread"]);
        if watch == Watch::Sanitizers {
            command.args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        }
        command.arg(source).arg("-o").arg(&program);
        // A program that loads the library by itself is not linked with it.
        command.arg("-Wl,--as-needed");
        command.args(self.pkg_config(&["--cflags", "--libs"]));
        succeed(&mut command);
        program
    }
}

/// The compiler for a source, by its ending, as strict as it can be.
pub fn compiler(source: &Path) -> Command {
    let (program, standard) = match source.extension().and_then(OsStr::to_str) {
        Some("cpp") => ("c++", "-std=c++17"),
        _ => ("cc", "-std=c11"),
    };
    let mut command = Command::new(program);
    command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    command
}

/// Runs a command that has to succeed, and gives its output.
///
/// # Panics
/// With all that it printed, when it does not.
pub fn succeed(command: &mut Command) -> String {
    let (succeeded, text) = outcome(command);
    assert!(succeeded, "{command:?}\n{text}");
    text
}

/// Whether a command succeeded, and all that it printed: standard output first.
///
/// # Panics
/// When it does not start.
pub fn outcome(command: &mut Command) -> (bool, String) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}: run `make tools`"));
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Installs what is in `built` below `prefix`, by the script that `make install-lib` calls.
///
/// # Panics
/// When that fails.
pub fn install(built: &Path, prefix: &Path, root: Option<&Path>) {
    let mut command = Command::new(tools::repository().join("scripts/install-lib"));
    command.arg("install").arg(built);
    for name in ["LIBDIR", "INCLUDEDIR", "DESTDIR"] {
        command.env_remove(name);
    }
    command.env("PREFIX", prefix);
    if let Some(root) = root {
        command.env("DESTDIR", root);
    }
    succeed(&mut command);
}

/// The folder where cargo put the library that belongs to these tests.
///
/// # Panics
/// When it is missing or older than its sources: cargo does not build another package's library for a test.
pub fn built() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    // target/debug/deps/it-0123 → target/debug
    let folder = test
        .ancestors()
        .nth(2)
        .expect("cargo puts tests into target/*/deps");
    let library = folder.join("libpromfetch.so");
    assert!(
        library.is_file(),
        "{} is missing: run `make build`",
        library.display()
    );
    if let Some(source) = newer_source(&library) {
        panic!(
            "{} is newer than {}: run `make build`",
            source.display(),
            library.display()
        );
    }
    folder.to_path_buf()
}

/// Whether the installed file is missing or older than what would be installed.
fn is_older(installed: &Path, built: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    let Ok(installed) = changed(installed) else {
        return true;
    };
    let repository = tools::repository();
    [
        built.join("libpromfetch.so"),
        built.join("libpromfetch.a"),
        repository.join("include/promfetch.h"),
        repository.join("ffi/promfetch.pc.in"),
        repository.join("scripts/install-lib"),
    ]
    .iter()
    .any(|path| changed(path).is_ok_and(|changed| changed > installed))
}

//! `make deb`: three packages, what is in them, and a program built from nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use promfetch_tests::library::{built, succeed};
use promfetch_tests::tools;

/// The packages, made from what the tests have built, in the order libpromfetch1, libpromfetch-dev, promfetch.
fn packages(folder: &Path) -> Vec<PathBuf> {
    let mut command = Command::new(tools::repository().join("scripts/make-deb"));
    command.args([&built(), folder]);
    for name in ["DESTDIR", "PREFIX", "LIBDIR", "DEB_REVISION", "MAINTAINER"] {
        command.env_remove(name);
    }
    // Compression of a debug build takes minutes, and is dpkg's business.
    command
        .env("DEB_COMPRESSION", "none")
        .env("SOURCE_DATE_EPOCH", "1767225600");
    succeed(&mut command).lines().map(PathBuf::from).collect()
}

fn field(package: &Path, name: &str) -> String {
    succeed(
        Command::new("dpkg-deb")
            .arg("--field")
            .arg(package)
            .arg(name),
    )
    .trim()
    .to_owned()
}

fn control_file(package: &Path, name: &str) -> String {
    succeed(
        Command::new("dpkg-deb")
            .arg("--info")
            .arg(package)
            .arg(name),
    )
}

/// Whether dpkg itself can unpack into another root: only root may.
fn is_root() -> bool {
    succeed(Command::new("id").arg("-u")).trim() == "0"
}

/// A root with these packages and nothing else.
fn install(packages: &[PathBuf], root: &Path) {
    if !is_root() {
        for package in packages {
            succeed(
                Command::new("dpkg-deb")
                    .arg("--extract")
                    .args([package, &root.to_path_buf()]),
            );
        }
        return;
    }
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).expect("a folder");
    }
    fs::write(root.join("var/lib/dpkg/status"), "").expect("a file");
    // The C library is not in there.
    succeed(
        Command::new("dpkg")
            .arg(format!("--root={}", root.display()))
            .args(["--force-depends", "--log=/dev/null", "--install"])
            .args(packages),
    );
    let listed = succeed(
        Command::new("dpkg")
            .arg(format!("--root={}", root.display()))
            .args(["--verify", "libpromfetch1"]),
    );
    assert_eq!(listed, "", "the files are those of md5sums");
}

#[test]
fn a_program_is_built_from_the_packages_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let (all, again) = std::thread::scope(|scope| {
        let again = scope.spawn(|| packages(&second));
        (packages(&first), again.join().expect("packages"))
    });
    assert_eq!(all.len(), 3);
    for (one, other) in all.iter().zip(&again) {
        let read = |path: &Path| fs::read(path).expect("the package");
        assert!(
            read(one) == read(other),
            "{} differs when it is made again",
            one.display()
        );
    }
    let [library, development, program] = &all[..] else {
        unreachable!("three")
    };
    let version = format!("{}-1", env!("CARGO_PKG_VERSION"));
    for (package, name, multi_arch, section) in [
        (library, "libpromfetch1", "same", "libs"),
        (development, "libpromfetch-dev", "same", "libdevel"),
        (program, "promfetch", "foreign", "net"),
    ] {
        assert_eq!(field(package, "Package"), name);
        assert_eq!(field(package, "Version"), version, "{name}");
        assert_eq!(field(package, "Multi-Arch"), multi_arch, "{name}");
        assert_eq!(field(package, "Section"), section, "{name}");
        let contents = succeed(Command::new("dpkg-deb").arg("--contents").arg(package));
        for file in ["copyright", "changelog.Debian.gz"] {
            assert!(
                contents.contains(&format!("./usr/share/doc/{name}/{file}\n")),
                "{contents}"
            );
        }
        assert!(
            contents.lines().all(|line| line.contains(" root/root ")),
            "{contents}"
        );
        let sums = control_file(package, "md5sums");
        let files = contents
            .lines()
            .filter(|line| line.starts_with('-'))
            .count();
        assert_eq!(
            sums.lines().count(),
            files,
            "{name}: every file has its sum"
        );
    }
    assert!(field(library, "Depends").starts_with("libc6 (>= 2."));
    assert_eq!(
        field(development, "Depends"),
        format!("libpromfetch1 (= {version}), libc6-dev | libc-dev")
    );
    assert_eq!(
        control_file(library, "triggers"),
        "activate-noawait ldconfig\n"
    );
    let shlibs = format!(
        "libpromfetch 1 libpromfetch1 (>= {})\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(control_file(library, "shlibs"), shlibs);
    let symbols = control_file(library, "symbols");
    assert!(
        symbols.starts_with("libpromfetch.so.1 libpromfetch1 #MINVER#\n"),
        "{symbols}"
    );
    assert!(
        symbols.contains(&format!(
            "\n promfetch_fetch@Base {}\n",
            env!("CARGO_PKG_VERSION")
        )),
        "{symbols}"
    );

    let root = folder.path().join("root");
    install(&all, &root);
    let multiarch = succeed(Command::new("cc").arg("-print-multiarch"));
    let libraries = root.join("usr/lib").join(multiarch.trim());
    let flags = succeed(
        Command::new("pkg-config")
            .args(["--cflags", "--libs", "promfetch"])
            .env("PKG_CONFIG_LIBDIR", libraries.join("pkgconfig"))
            .env("PKG_CONFIG_SYSROOT_DIR", &root)
            // The folders are the system's own, which pkg-config does not name otherwise.
            .env("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1")
            .env("PKG_CONFIG_ALLOW_SYSTEM_LIBS", "1"),
    );
    let merge = folder.path().join("merge");
    succeed(
        Command::new("cc")
            .arg(root.join("usr/share/doc/libpromfetch-dev/examples/c/merge.c"))
            .arg("-o")
            .arg(&merge)
            .args(flags.split_whitespace()),
    );
    let said = succeed(Command::new(&merge).env("LD_LIBRARY_PATH", &libraries));
    assert!(said.contains("jobs_total{worker=\"b\"} 4\n"), "{said}");
    let said = succeed(Command::new(root.join("usr/bin/promfetch")).arg("--version"));
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
}

//! Which plugins are in the folder, by the rules of Scope's probe.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::scope::id;

/// How deep folders in folders go.
const MAX_DEPTH: usize = 16;
/// Most files and folders that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// Most plugins.
const MAX_PLUGINS: usize = 1_000;

/// What a look into the folder found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Sockets by the ids of their plugins.
    pub(super) sockets: BTreeMap<String, PathBuf>,
    /// Why others are left out.
    pub(super) refused: Vec<String>,
    /// Whether the folder is not there.
    pub(super) is_missing: bool,
}

/// Looks for sockets in the folder and below. Links are followed. Sockets that are our own are left out, by whatever
/// name they are there.
pub(super) fn scan(root: &Path, own: &[PathBuf]) -> Found {
    let mut walk = Walk {
        own: own
            .iter()
            .filter_map(|path| fs::metadata(path).ok())
            .map(|metadata| (metadata.dev(), metadata.ino()))
            .collect(),
        ..Walk::default()
    };
    if fs::metadata(root).is_ok() {
        walk.visit(root, 0);
    } else {
        walk.found.is_missing = true;
    }
    if walk.left_out > 0 {
        walk.found.refused.push(format!(
            "{} is not looked at as a whole: at most {MAX_ENTRIES} entries, {MAX_DEPTH} folders deep, {MAX_PLUGINS} plugins",
            root.display()
        ));
    }
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Found,
    own: HashSet<(u64, u64)>,
    /// Folders by device and inode: a link may lead back.
    visited: HashSet<(u64, u64)>,
    entries: usize,
    left_out: usize,
}

impl Walk {
    fn visit(&mut self, path: &Path, depth: usize) {
        self.entries += 1;
        // A link to nowhere, or a file that has just gone.
        let Ok(metadata) = fs::metadata(path) else {
            return;
        };
        let place = (metadata.dev(), metadata.ino());
        if metadata.is_dir() {
            if !self.visited.insert(place) {
                return;
            }
            if depth > MAX_DEPTH {
                self.left_out += 1;
                return;
            }
            self.enter(path, depth);
        } else if metadata.file_type().is_socket() && !self.own.contains(&place) {
            self.socket(path);
        }
    }

    fn enter(&mut self, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let what = format!("{} cannot be read: {error}", folder.display());
                self.found.refused.push(what);
                return;
            }
        };
        let room = (MAX_ENTRIES + 1).saturating_sub(self.entries);
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .take(room)
            .collect();
        paths.sort();
        for path in paths {
            if self.entries >= MAX_ENTRIES {
                self.left_out += 1;
                return;
            }
            self.visit(&path, depth + 1);
        }
    }

    fn socket(&mut self, path: &Path) {
        let refused = match id::of_socket(path) {
            Err(reason) => format!("{}: {reason}", path.display()),
            Ok(id) => match self.found.sockets.get(&id) {
                Some(first) => format!(
                    "{} is not asked: the plugin `{id}` is at {} already",
                    path.display(),
                    first.display()
                ),
                None if self.found.sockets.len() >= MAX_PLUGINS => {
                    self.left_out += 1;
                    return;
                }
                None => {
                    self.found.sockets.insert(id, path.to_owned());
                    return;
                }
            },
        };
        self.found.refused.push(refused);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use tempfile::tempdir;

    use super::*;

    #[test]
    fn sockets_are_found_as_the_probe_finds_them() {
        let root = tempdir().unwrap();
        let elsewhere = tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("deep/er")).unwrap();
        fs::create_dir_all(elsewhere.path().join("own")).unwrap();
        let _sockets = [
            "a.sock",
            "deep/er/b-2.sock",
            "bad_name.sock",
            "deep/a.sock",
            "ours.sock",
        ]
        .map(|name| UnixListener::bind(at(name)).unwrap());
        let _outside = UnixListener::bind(elsewhere.path().join("linked.sock")).unwrap();
        symlink(elsewhere.path(), at("folder")).unwrap();
        symlink(root.path(), at("deep/circle")).unwrap();
        symlink("/nowhere/at/all", at("dangling.sock")).unwrap();
        symlink(at("ours.sock"), at("alias.sock")).unwrap();
        fs::write(at("file.sock"), "no socket").unwrap();

        let found = scan(root.path(), &[at("ours.sock"), at("not-there.sock")]);
        let ids: Vec<_> = found.sockets.keys().map(String::as_str).collect();
        assert_eq!(ids, ["a", "b-2", "linked"]);
        assert_eq!(found.sockets["a"], at("a.sock"), "the first of a name");
        let [bad, twice] = found.refused.as_slice() else {
            panic!("{:?}", found.refused)
        };
        assert!(bad.contains("invalid plugin id \"bad_name\""), "{bad}");
        assert!(twice.contains("already"), "{twice}");
    }

    #[test]
    fn a_folder_may_be_missing_large_or_deep() {
        let root = tempdir().unwrap();
        assert!(scan(&root.path().join("none"), &[]).is_missing);
        let mut deep = root.path().to_owned();
        for _ in 0..MAX_DEPTH + 3 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        let _socket = UnixListener::bind(deep.join("x")).unwrap();
        let found = scan(root.path(), &[]);
        assert!(
            found.sockets.is_empty() && found.refused.len() == 1,
            "{found:?}"
        );
        for name in 0..MAX_ENTRIES {
            fs::write(root.path().join(format!("{name}")), "").unwrap();
        }
        assert_eq!(scan(root.path(), &[]).refused.len(), 1);
    }
}

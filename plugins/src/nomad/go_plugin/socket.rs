//! The socket of a plugin, in a folder of its own.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// How many names are tried for the folder. Only folders left behind by a killed process with our id are in the way.
const TRIES: u32 = 100;

/// A folder that only we have made, and that goes with what is in it.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
}

impl Place {
    /// Makes a folder below this one that only this user may enter, and `group` if there is one.
    pub(super) fn make(below: &Path, group: Option<&str>) -> io::Result<Self> {
        let group = group.map(group_id).transpose()?;
        let mode = if group.is_some() { 0o750 } else { 0o700 };
        let id = std::process::id();
        let mut number = 0;
        let folder = loop {
            let folder = below.join(format!("promfetch-apm-{id}-{number}"));
            match DirBuilder::new().mode(mode).create(&folder) {
                Ok(()) => break folder,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < TRIES => {
                    number += 1;
                }
                Err(error) => {
                    let why = format!("no folder can be made in {}: {error}", below.display());
                    return Err(io::Error::new(error.kind(), why));
                }
            }
        };
        let place = Self { folder };
        if group.is_some() {
            chown(&place.folder, None, group)?;
            // The umask may have taken the group's bits away.
            fs::set_permissions(&place.folder, Permissions::from_mode(mode))?;
        }
        Ok(place)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("plugin.sock")
    }

    /// Listens there.
    pub(super) fn bind(&self, group: Option<&str>) -> io::Result<UnixListener> {
        let path = self.path();
        let listener = UnixListener::bind(&path).map_err(|error| {
            let why = format!("cannot listen on {}: {error}", path.display());
            io::Error::new(error.kind(), why)
        })?;
        let group = group.map(group_id).transpose()?;
        if group.is_some() {
            chown(&path, None, group)?;
        }
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(listener)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The number of a group, given as such or by its name in `/etc/group`.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let groups = fs::read_to_string("/etc/group")?;
    find_group(&groups, group).ok_or_else(|| {
        io::Error::other(format!(
            "PLUGIN_UNIX_SOCKET_GROUP: there is no group `{group}` in /etc/group; its number does too"
        ))
    })
}

fn find_group(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn groups_have_names_and_numbers() {
        let groups = "root:x:0:\nnomad:x:998:a,b\nbroken\n";
        assert_eq!(find_group(groups, "nomad"), Some(998));
        assert_eq!(find_group(groups, "nom"), None);
        assert_eq!(find_group(groups, "broken"), None);
        assert_eq!(group_id("998").unwrap(), 998);
        let error = group_id("no such group").unwrap_err().to_string();
        assert!(error.contains("`no such group`"), "{error}");
    }

    #[tokio::test]
    async fn a_socket_is_private_and_goes() {
        let below = tempfile::tempdir().unwrap();
        let first = Place::make(below.path(), None).unwrap();
        let second = Place::make(below.path(), None).unwrap();
        assert_ne!(first.path(), second.path());
        let _listener = first.bind(None).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&first.path()), 0o600);
        assert_eq!(mode(&first.folder), 0o700);
        drop((first, second));
        assert_eq!(fs::read_dir(below.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_group_may_use_the_socket() {
        let below = tempfile::tempdir().unwrap();
        // Our own group: others are for root alone.
        let own = fs::metadata(below.path()).unwrap().gid().to_string();
        let place = Place::make(below.path(), Some(&own)).unwrap();
        let _listener = place.bind(Some(&own)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place.folder), mode(&place.path())), (0o750, 0o660));
    }

    #[tokio::test]
    async fn what_cannot_be_made_is_named() {
        let error = Place::make(Path::new("/no/such/folder"), None).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
        // A Unix socket's path has at most 108 bytes.
        let below = tempfile::tempdir().unwrap();
        let deep = below.path().join("x".repeat(120));
        fs::create_dir(&deep).unwrap();
        let error = Place::make(&deep, None).unwrap().bind(None).unwrap_err();
        assert!(error.to_string().contains("cannot listen on"), "{error}");
    }
}

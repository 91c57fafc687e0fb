//! Where the plugin's socket may be.
//!
//! A socket in `/run/docker/plugins` of a host is a plugin of the first kind ("legacy") for dockerd, and one that
//! collects metrics makes it hang: it activates the plugin under a lock, tells the collector of metrics, which looks
//! the plugin up and waits for the same lock. So this program makes a socket there only inside of the root folder
//! that dockerd has made for a managed plugin.

use std::fs;
use std::path::Path;

/// Where dockerd looks for sockets, whatever its settings are.
const LEGACY: &str = "/run/docker/plugins";

/// Whether the plugin's socket harms nobody.
pub(super) fn check(plugin: &Path, metrics: &Path) -> Result<(), String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if is_legacy(plugin) && !is_mounted(&mounts, metrics) {
        return Err(format!(
            "this is not the root folder of a managed plugin: {} is not mounted. On a host, a socket in {LEGACY} \
             makes dockerd hang. Use `docker plugin create` and `docker plugin enable`, or have promfetch fetch from \
             the engine's socket: docs/docker.md describes both",
            metrics.display()
        ));
    }
    Ok(())
}

/// Whether the socket would be in the folder where dockerd looks, by whatever name.
fn is_legacy(plugin: &Path) -> bool {
    let mut folders = plugin.ancestors().skip(1);
    // The folders that are not there yet have no other names.
    let found = folders.find_map(|folder| Some((folder, fs::canonicalize(folder).ok()?)));
    let Some((folder, real)) = found else {
        return true;
    };
    let rest = plugin.strip_prefix(folder).unwrap_or(plugin);
    real.join(rest).starts_with(LEGACY)
}

/// Whether something is mounted there: dockerd does so with its metrics' socket for managed plugins alone, and on the
/// host it is made in place.
fn is_mounted(mounts: &str, path: &Path) -> bool {
    // The fifth field of proc(5)'s mountinfo; of the letters that it escapes our paths have none.
    mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .any(|point| Path::new(point) == path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::tempdir;

    use super::*;

    #[test]
    fn the_legacy_folder_is_known_by_all_its_names() {
        let folder = tempdir().unwrap();
        symlink("/run", folder.path().join("run")).unwrap();
        let linked = folder.path().join("run/docker/plugins/x.sock");
        for (path, is, why) in [
            (Path::new("/run/docker/plugins/x.sock"), true, "itself"),
            (Path::new("/run/docker/plugins/x/x.sock"), true, "below"),
            (&linked, true, "through a link"),
            (Path::new("/run/docker/x.sock"), false, "beside"),
            (&folder.path().join("x.sock"), false, "elsewhere"),
        ] {
            assert_eq!(is_legacy(path), is, "{why}");
        }
    }

    #[test]
    fn a_managed_plugin_is_known_by_its_mount() {
        let mounts = "620 619 0:57 / / rw,relatime - overlay overlay rw\n\
                      630 620 0:25 /docker/metrics.sock /run/docker/metrics.sock ro,relatime - tmpfs tmpfs rw\n";
        let socket = Path::new("/run/docker/metrics.sock");
        assert!(is_mounted(mounts, socket));
        assert!(!is_mounted(mounts, Path::new("/run/docker")));
        assert!(!is_mounted("", socket));
        let error = check(Path::new("/run/docker/plugins/x.sock"), socket);
        assert!(error.is_err_and(|error| error.contains("docker plugin create")));
        assert_eq!(check(Path::new("/tmp/x.sock"), socket), Ok(()));
    }
}

//! The ids of plugins: names of their sockets without the extension, by the rules of Scope's probe.

use std::path::Path;

/// The id of the plugin behind a socket, or why the probe would refuse it.
pub(super) fn of_socket(socket: &Path) -> Result<String, String> {
    let name = socket.file_name().unwrap_or_default().to_string_lossy();
    // Go's filepath.Ext: from the last dot on, wherever it stands.
    let id = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
    if is_valid(id) {
        Ok(id.to_owned())
    } else {
        Err(format!(
            "invalid plugin id \"{}\": the socket's name without its extension must be letters and digits, with single `-` between",
            id.escape_debug()
        ))
    }
}

/// `^[A-Za-z0-9]+([-][A-Za-z0-9]+)*$`
fn is_valid(id: &str) -> bool {
    id.split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// For the key of our own socket.
pub(super) fn check_socket(text: &str) -> Result<(), String> {
    let path = Path::new(text);
    if !path.is_absolute() || text.ends_with('/') {
        return Err("expected the path of a socket, from `/` on".into());
    }
    of_socket(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_that_the_probe_takes() {
        for (socket, id, why) in [
            ("/a/promfetch.sock", Some("promfetch"), "ours"),
            ("/a/http-requests2.sock", Some("http-requests2"), "a hyphen"),
            ("/a/plain", Some("plain"), "no extension"),
            ("/a/bad_name.sock", None, "an underscore"),
            ("/a/two.dots.sock", None, "a dot is left"),
            ("/a/.sock", None, "nothing before the dot"),
            ("/a/-x.sock", None, "a hyphen in front"),
            ("/a/x--y.sock", None, "two hyphens"),
            ("/a/x-.sock", None, "a hyphen at the end"),
            ("/a/ü.sock", None, "a letter, but not of ASCII"),
            ("/a/x\n.sock", None, "a line break"),
        ] {
            let found = of_socket(Path::new(socket));
            assert_eq!(found.clone().ok().as_deref(), id, "{why}");
            assert!(!found.err().unwrap_or_default().contains('\n'), "{why}");
        }
        assert!(check_socket("/run/x.sock").is_ok());
        for text in ["x.sock", "/run/", "/run/a_b.sock"] {
            assert!(check_socket(text).is_err(), "{text}");
        }
    }
}

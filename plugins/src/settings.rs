//! Settings of the plugins: a file in YAML, options over it, and in both the core's keys beside the plugin's own.

use std::path::Path;

use promfetch_core::config::path::Path as KeyPath;
use promfetch_core::config::problem::{Origin, Problems, Warning};
use promfetch_core::config::reader::{At, Reader};
use promfetch_core::config::table::{Key, Table};
use promfetch_core::config::values::Values;
use promfetch_core::config::{keys, yaml};

use crate::source;

/// All keys of a plugin: the core's, those of its source, its own.
pub fn table(own: &[Key]) -> Table {
    keys::table().with(source::KEYS).with(own)
}

/// Reads a plugin's settings: `read` makes them of the top of the configuration, and leaves problems there.
///
/// # Errors
/// All problems of file and options.
pub fn load<T>(
    table: &Table,
    file: Option<&Path>,
    options: impl IntoIterator<Item = (String, String)>,
    read: impl FnOnce(&At<'_>) -> T,
) -> Result<(T, Vec<Warning>), Problems> {
    let mut values = Values::new();
    let mut problems = Vec::new();
    if let Some(file) = file {
        problems.extend(yaml::load(file, &mut values).err());
    }
    for (key, text) in options {
        let origin = Origin::Option(key.as_str().into());
        let put = values.put(table, &KeyPath::parse(&key), &text, origin);
        problems.extend(put.err());
    }
    let reader = Reader::new(table, &values);
    let settings = read(&reader.root());
    let mut warnings = Vec::new();
    match reader.finish() {
        Ok(more) => warnings.extend(more),
        Err(more) => {
            problems.extend(more.iter().cloned());
            warnings.extend_from_slice(more.warnings());
        }
    }
    let warnings = Problems::or_warnings(problems, warnings)?;
    Ok((settings, warnings))
}

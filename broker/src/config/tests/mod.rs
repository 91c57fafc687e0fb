//! The configuration as a whole.

mod files;
mod problems;
mod sources;
mod table;

use super::*;

const CERTIFICATE: &str = include_str!("../../../../tests/data/config/cert.pem");
const PRIVATE_KEY: &str = include_str!("../../../../tests/data/config/key.pem");
const OTHER_CERTIFICATE: &str = include_str!("../../../../tests/data/config/ca.pem");

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data/config")
        .join(name)
}

/// Loads a text as a file called `f.yml`.
fn load(yaml: &str) -> Result<(Config, Vec<String>), Vec<String>> {
    load_all(yaml, &[], &[])
}

fn load_all(
    yaml: &str,
    environment: &[(&str, &str)],
    options: &[(&str, &str)],
) -> Result<(Config, Vec<String>), Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.yml");
    std::fs::write(&file, yaml).unwrap();
    let variables = environment
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let shown = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    match Config::load_with(Some(&file), variables, options.iter().copied()) {
        Ok((config, warnings)) => Ok((
            config,
            warnings
                .iter()
                .map(|warning| shown(warning.to_string()))
                .collect(),
        )),
        Err(problems) => Err(shown(problems.to_string())
            .lines()
            .map(ToOwned::to_owned)
            .collect()),
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever stands in a file, it loads or says why.
    #[test]
    fn no_file_panics(
        key in "(nats|gorouters|targets|external_exporters|extra_labels|port|formats|tls_pem|max_body|index|base_url)",
        text in ".{0,60}",
        odd in "[-:{}\\[\\]&*!|>'\"%@`#,?a-c0-9 \n]{0,60}",
    ) {
        for yaml in [format!("{key}: {text}\n"), format!("{key}:\n  {odd}\n"), format!("{key}: [{odd}]\n"), odd.clone()] {
            let _ = load(&yaml);
        }
    }
}

use promfetch_core::config::problem::Problems;

use super::*;
use crate::settings;

fn read(options: &[(&str, &str)]) -> Result<Settings, Problems> {
    let table = settings::table(&[]);
    let options = options
        .iter()
        .map(|(key, text)| (key.to_string(), text.to_string()));
    settings::load(&table, None, options, Settings::read).map(|(settings, _)| settings)
}

#[test]
fn settings_name_one_source() {
    for (options, told, why) in [
        (&[][..], "`endpoint`", "nothing"),
        (&[("endpoint", "promfetch")], "`http://`", "no URL"),
        (&[("endpoint", "ftp://h")], "`http://`", "another scheme"),
        (
            &[("endpoint", "http://me:pass@h")],
            "`username`",
            "a login in the URL",
        ),
        (&[("endpoint", "http://h/?a")], "without `?`", "a query"),
        (
            &[("endpoint", "http://h"), ("nats.hosts[0].hostname", "n")],
            "does not go together",
            "two sources",
        ),
        (
            &[("endpoint", "http://h"), ("timeout", "0")],
            "timeout",
            "no time",
        ),
        (
            &[("endpiont", "http://h")],
            "endpoint",
            "a key nearly right",
        ),
    ] {
        let error = read(options).expect_err(why).to_string();
        assert!(error.contains(told), "{why}: {error}");
        assert!(!error.contains("pass@"), "{why}: {error}");
    }
    let settings = read(&[("endpoint", "https://h/prefix"), ("timeout", "2s")]).unwrap();
    assert_eq!(settings.timeout, Duration::from_secs(2));
    assert!(matches!(settings.from, From::Endpoint(_)));
    let settings = read(&[("nats.hosts[0].hostname", "n")]).unwrap();
    assert!(matches!(settings.from, From::Own(_)));
}

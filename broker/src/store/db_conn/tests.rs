use super::*;

/// What a URL is read as: user, password, host, port, database.
type Parts<'a> = (
    Option<&'a str>,
    Option<&'a str>,
    &'a str,
    Option<u16>,
    &'a str,
);

#[test]
fn the_parts_of_a_url() {
    let cases: &[(&str, Parts<'_>, &str)] = &[
        (
            "u:p@h:3306/db",
            (Some("u"), Some("p"), "h", Some(3306), "db"),
            "as documented",
        ),
        ("h/db", (None, None, "h", None, "db"), "no login"),
        ("u@h/db", (Some("u"), None, "h", None, "db"), "no password"),
        (
            "u:@h/db",
            (Some("u"), Some(""), "h", None, "db"),
            "an empty password",
        ),
        (
            "promfetcher:p#ss/w@rd@sql-db.service.cf.internal:3306/promfetcher",
            (
                Some("promfetcher"),
                Some("p#ss/w@rd"),
                "sql-db.service.cf.internal",
                Some(3306),
                "promfetcher",
            ),
            "a password as BOSH writes it",
        ),
        (
            "u:a:b?c@h/db",
            (Some("u"), Some("a:b?c"), "h", None, "db"),
            "colon and question mark in a password",
        ),
        (
            "u:p%40%2F%25@h/db",
            (Some("u"), Some("p@/%"), "h", None, "db"),
            "a password as URLs want it",
        ),
        (
            "u:100%@h/db",
            (Some("u"), Some("100%"), "h", None, "db"),
            "no escape: as it is",
        ),
        (
            "u:a%4@h/db",
            (Some("u"), Some("a%4"), "h", None, "db"),
            "half an escape: as it is",
        ),
        (
            "u:a%41#@h/db",
            (Some("u"), Some("a%41#"), "h", None, "db"),
            "`#` shows that the password is as it is, so is its `%41`",
        ),
        (
            "u:a%41ü@h/db",
            (Some("u"), Some("a%41ü"), "h", None, "db"),
            "so does a letter that URLs do not have",
        ),
        (
            "u:a%ff@h/db",
            (Some("u"), Some("a%ff"), "h", None, "db"),
            "no UTF-8 when decoded: as it is",
        ),
        (
            "u:p@[::1]:5432/db",
            (Some("u"), Some("p"), "::1", Some(5432), "db"),
            "IPv6",
        ),
        (
            "[::1]/db",
            (None, None, "::1", None, "db"),
            "IPv6 without port",
        ),
        (
            "u:p@%2Frun%2Fsql/a%20b",
            (Some("u"), Some("p"), "/run/sql", None, "a b"),
            "host and database are decoded",
        ),
        (
            "u:p@h/db?a=b%26&c=d%40e",
            (Some("u"), Some("p"), "h", None, "db"),
            "parameters",
        ),
    ];
    for (text, (user, password, host, port, database), why) in cases {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!(url.user.as_deref(), *user, "{why}");
        assert_eq!(url.password.as_deref(), *password, "{why}");
        assert_eq!(
            (&*url.host, url.port, &*url.database),
            (*host, *port, *database),
            "{why}"
        );
    }
    let url = Url::parse("u:p@h/db?a=b%26&&c=d%40e").expect("a URL");
    assert_eq!(
        url.parameters,
        [("a".into(), "b&".into()), ("c".into(), "d@e".into())]
    );
}

#[test]
fn files_of_sqlite_are_where_promfetcher_had_them() {
    for (conn, file) in [
        ("sqlite:///x.db", "x.db"),
        ("sqlite:////var/x.db", "/var/x.db"),
        ("sqlite:///a/b c%20.db", "a/b c%20.db"),
    ] {
        match Target::parse(conn).expect("a target") {
            Target::Sqlite(path) => assert_eq!(path, PathBuf::from(file), "{conn}"),
            other => panic!("{conn}: {other:?}"),
        }
    }
}

#[test]
fn options_of_mysql() {
    let options = |conn: &str| match Target::parse(conn).expect("a target") {
        Target::Mysql(options) => options,
        other => panic!("{conn}: {other:?}"),
    };
    for conn in ["mysql://u:p@h:3307/db", "mariadb://u:p@h:3307/db"] {
        let found = options(conn);
        assert_eq!(
            (found.get_host(), found.get_port(), found.get_username()),
            ("h", 3307, "u")
        );
        assert_eq!(found.get_database(), Some("db"));
    }
    assert_eq!(options("mysql://h/db").get_port(), 3306);
    assert_eq!(
        options("mysql://u@/db?socket=%2Frun%2Fx.sock").get_socket(),
        Some(&PathBuf::from("/run/x.sock"))
    );
    for (parameters, mode, why) in [
        (
            "",
            MySqlSslMode::Preferred,
            "by default, as MySQL's clients",
        ),
        ("?ssl-mode=DISABLED", MySqlSslMode::Disabled, "as given"),
        (
            "?ssl-mode=verify_identity",
            MySqlSslMode::VerifyIdentity,
            "in any case",
        ),
        (
            "?ssl-ca=/ca.pem",
            MySqlSslMode::VerifyCa,
            "an authority is there to be asked",
        ),
        (
            "?ssl-ca=/ca.pem&ssl-mode=REQUIRED",
            MySqlSslMode::Required,
            "what is given goes first",
        ),
    ] {
        let found = options(&format!("mysql://u:p@h/db{parameters}"));
        assert_eq!(
            std::mem::discriminant(&found.get_ssl_mode()),
            std::mem::discriminant(&mode),
            "{why}"
        );
    }
}

#[test]
fn options_of_postgresql() {
    let options = |conn: &str| match Target::parse(conn).expect("a target") {
        Target::Postgres(options) => options,
        other => panic!("{conn}: {other:?}"),
    };
    for conn in ["postgres://u:p@h:5433/db", "postgresql://u:p@h:5433/db"] {
        let found = options(conn);
        assert_eq!(
            (found.get_host(), found.get_port(), found.get_username()),
            ("h", 5433, "u")
        );
        assert_eq!(found.get_database(), Some("db"));
    }
    assert_eq!(options("postgres://h/db").get_port(), 5432);
    assert_eq!(
        options("postgres://u@h/db?search_path=promfetch").get_options(),
        Some("-c search_path=promfetch")
    );
    for (parameters, mode, why) in [
        ("", PgSslMode::Prefer, "by default, as PostgreSQL's clients"),
        (
            "?sslmode=disable&connect_timeout=10",
            PgSslMode::Disable,
            "as promfetcher's driver",
        ),
        ("?sslmode=verify-full", PgSslMode::VerifyFull, "as given"),
        (
            "?sslrootcert=/ca.pem",
            PgSslMode::VerifyCa,
            "an authority is there to be asked",
        ),
    ] {
        let found = options(&format!("postgres://u:p@h/db{parameters}"));
        assert_eq!(
            std::mem::discriminant(&found.get_ssl_mode()),
            std::mem::discriminant(&mode),
            "{why}"
        );
    }
}

#[test]
fn what_is_refused_and_that_nothing_is_quoted() {
    for (conn, says, why) in [
        ("hush", "no scheme", "no URL"),
        (
            "oracle://u:hush@h/d",
            "does not begin with `mysql://`",
            "a database nobody has",
        ),
        (
            "sqlite://hush.db",
            "three slashes",
            "sqlx opens a nameless database for it",
        ),
        ("sqlite:///", "names no file", "no file"),
        ("sqlite:////var/hush/", "names no file", "a folder"),
        (
            "sqlite:///hush.db?mode=ro",
            "parameters",
            "promfetcher took none",
        ),
        ("mysql://u:hush@h", "names no database", "no database"),
        (
            "mysql://u:hush@h/",
            "names no database",
            "an empty database",
        ),
        ("mysql://u:hush@/db", "names no host", "no host"),
        ("mysql://u:hush/db", "Is there an `@`", "a forgotten `@`"),
        ("postgres://u:p@h:0/db", "a port", "no port"),
        ("postgres://u:p@h:hush/db", "a port", "no port"),
        ("postgres://u:p@[::1/hush", "no `]`", "half a bracket"),
        ("postgres://u:p@[::1]hush/db", "between `]`", "no colon"),
        ("postgres://u:p@h/%ffhush", "no UTF-8", "bytes"),
        (
            "postgres://u:p@h/db?hush",
            "without `=`",
            "half a parameter",
        ),
        (
            "postgres://u:p@h/db?hush=1",
            "It knows `sslmode`",
            "an unknown parameter",
        ),
        (
            "postgres://u:p@h/db?sslmode=hush",
            "verify-full",
            "an unknown mode",
        ),
        (
            "mysql://u:p@h/db?ssl-mod=hush",
            "It knows `ssl-mode`",
            "a typing error in what protects",
        ),
        (
            "mysql://u:p@h/db?ssl-mode=hush",
            "VERIFY_IDENTITY",
            "an unknown mode",
        ),
    ] {
        let error = Target::parse(conn).expect_err(why);
        assert_eq!(error.kind(), Kind::Configuration, "{why}");
        let text = error.to_string();
        assert!(text.starts_with("`db_conn` "), "{why}: {text}");
        assert!(text.contains(says), "{why}: {text}");
        assert!(!text.contains("hush"), "{why}: {text}");
    }
}

#[test]
fn debugging_shows_no_password() {
    for conn in ["mysql://u:hush@h/db", "postgres://u:hush@h/db"] {
        let target = Target::parse(conn).expect("a target");
        assert!(!format!("{target:?}").contains("hush"), "{conn}");
    }
}

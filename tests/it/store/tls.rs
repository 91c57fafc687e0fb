use promfetch_broker::store::Kind as ErrorKind;
use promfetch_tests::certs::Authority;
use promfetch_tests::mariadb::Mariadb;
use promfetch_tests::postgres::Postgres;

use super::{provision, store};

/// What is put behind the URL, and whether that lets promfetch in.
struct Case<'a> {
    parameters: String,
    works: bool,
    why: &'a str,
}

fn case(parameters: String, works: bool, why: &str) -> Case<'_> {
    Case {
        parameters,
        works,
        why,
    }
}

async fn check(url: &str, cases: Vec<Case<'_>>) {
    for Case {
        parameters,
        works,
        why,
    } in cases
    {
        let store = store(&format!("{url}{parameters}"));
        if works {
            provision(&store, why).await;
        } else {
            let error = store.bindings().await.expect_err(why);
            assert!(
                matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Broken),
                "{why}: {error}"
            );
            assert!(!error.to_string().contains("p#ss"), "{why}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_over_tls() {
    let authority = Authority::new("databases");
    let server = Mariadb::start_tls(&authority).await;
    let ca = server.ca.as_ref().expect("an authority").display();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, Authority::new("other").pem()).expect("a temporary file");
    let other = other.display();
    let url = server.url("mysql");
    let by_name = url.replace(&server.address.ip().to_string(), "localhost");
    check(
        &url,
        vec![
            case(String::new(), true, "TLS is used where it is offered"),
            case("?ssl-mode=REQUIRED".into(), true, "TLS, whoever it is"),
            case(
                format!("?ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}"),
                true,
                "the right server",
            ),
            case(format!("?ssl-ca={ca}"), true, "the right authority"),
            case(
                format!("?ssl-mode=VERIFY_IDENTITY&ssl-ca={other}"),
                false,
                "another authority",
            ),
            case(
                format!("?ssl-ca={other}"),
                false,
                "a named authority is asked",
            ),
            case(
                "?ssl-mode=VERIFY_CA".into(),
                false,
                "an authority that the system does not know",
            ),
            case(
                "?ssl-mode=DISABLED".into(),
                false,
                "the server wants TLS of this login",
            ),
            case(
                format!("?ssl-ca={}/missing.pem", folder.path().display()),
                false,
                "no such file",
            ),
        ],
    )
    .await;
    assert_ne!(url, by_name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_over_tls() {
    let authority = Authority::new("databases");
    let server = Postgres::start_tls(&authority).await;
    let ca = server.ca.as_ref().expect("an authority").display();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, Authority::new("other").pem()).expect("a temporary file");
    let other = other.display();
    check(
        &server.url("postgres"),
        vec![
            case(String::new(), true, "TLS is used where it is offered"),
            case("?sslmode=require".into(), true, "TLS, whoever it is"),
            case(
                format!("?sslmode=verify-full&sslrootcert={ca}"),
                true,
                "the right server",
            ),
            case(format!("?sslrootcert={ca}"), true, "the right authority"),
            case(
                format!("?sslmode=verify-full&sslrootcert={other}"),
                false,
                "another authority",
            ),
            case(
                format!("?sslrootcert={other}"),
                false,
                "a named authority is asked",
            ),
            case(
                "?sslmode=verify-ca".into(),
                false,
                "an authority that the system does not know",
            ),
            case(
                "?sslmode=disable".into(),
                false,
                "the server wants TLS of this login",
            ),
        ],
    )
    .await;
}

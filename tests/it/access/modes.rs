use promfetch_tests::App;
use promfetch_tests::foundation::{PASSWORD, USER, basic, operator};
use serde_json::json;

use super::Town;

/// All forms of address that lead to this app alone.
fn addresses(app: &App) -> Vec<String> {
    let name = format!("{}/{}/{}", app.organization, app.space, app.name);
    let (guid, route) = (&app.guid, &app.routes[0]);
    let mut all = Vec::new();
    for version in ["/v1/apps", "/v2/apps"] {
        for selector in [&name, guid, route] {
            for end in [
                "metrics",
                "only-app-metrics",
                "instances",
                "instances/0/metrics",
            ] {
                all.push(format!("{version}/{selector}/{end}"));
            }
        }
        for (key, selector) in [
            ("app", &name),
            ("app", guid),
            ("app", route),
            ("route_url", route),
        ] {
            all.push(format!("{version}/metrics?{key}={selector}"));
            all.push(format!("{version}/only-app-metrics?{key}={selector}"));
            all.push(format!("{version}/instances?{key}={selector}"));
        }
    }
    all
}

/// Paths where nothing is.
const NOWHERE: [&str; 6] = [
    "/nothing",
    "/v1",
    "/v1/apps",
    "/v3/apps/a/b/c/metrics",
    "/routes/more",
    "/metrics/",
];

/// Callers, in the order of the tables below.
async fn callers(town: &Town) -> [String; 4] {
    let cloud = town.foundation.cloud();
    let bind = cloud.bind("prod-metrics", "b1", Some(&town.shop.app), json!({}));
    let binding = bind.await.login();
    let bind = cloud.bind("other-metrics", "b2", Some(&town.other.app), json!({}));
    let others = bind.await.login();
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    [binding, others, key.login(), operator()]
}

/// GET and HEAD say the same.
async fn check(town: &Town, path: &str, login: &str, want: u16, why: &str) {
    let got = town.ask("GET", path, login).await;
    assert_eq!(got.status, want, "GET {path}: {why}: {}", got.text());
    let head = town.ask("HEAD", path, login).await;
    assert_eq!(head.status, want, "HEAD {path}: {why}");
    assert!(head.body.is_empty());
    let challenge = got.header("www-authenticate");
    assert_eq!(head.header("www-authenticate"), challenge);
    assert_eq!(
        want == 401,
        challenge.starts_with("Basic realm="),
        "{path}: {why}: {challenge:?}"
    );
    let names = ["of_shop", "of_till", "of_other", &town.shop.app.guid];
    if want != 200 && !path.contains(&town.shop.app.guid) {
        for name in names {
            assert!(!got.text().contains(name), "{path}: {why}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protected_access_asks_everywhere() {
    let town = Town::start("protected").await;
    let logins = callers(&town).await;
    let who = [
        "its binding",
        "another's binding",
        "a key of its space",
        "an operator",
    ];
    for path in addresses(&town.shop.app) {
        check(&town, &path, "", 401, "nobody").await;
        for ((login, who), want) in logins.iter().zip(who).zip([200, 404, 200, 200]) {
            check(&town, &path, login, want, who).await;
        }
    }
    for (path, wants) in [("/", [200; 4]), ("/metrics", [403, 403, 403, 200])]
        .into_iter()
        .chain([("/routes", [403, 403, 403, 200])])
        .chain(["/health", "/ready"].map(|path| (path, [200; 4])))
        .chain(NOWHERE.map(|path| (path, [404; 4])))
    {
        let public = ["/health", "/ready"].contains(&path);
        check(&town, path, "", if public { 200 } else { 401 }, "nobody").await;
        for ((login, who), want) in logins.iter().zip(who).zip(wants) {
            check(&town, path, login, want, who).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_and_audited_access_serve_everybody_and_keep_routes_for_operators() {
    for mode in ["open", "audit"] {
        let town = Town::start(mode).await;
        let logins = callers(&town).await;
        let all: Vec<&str> = std::iter::once("")
            .chain(logins.iter().map(String::as_str))
            .collect();
        for path in addresses(&town.shop.app) {
            for login in &all {
                check(&town, &path, login, 200, mode).await;
            }
        }
        for login in &all {
            for path in ["/", "/metrics", "/health", "/ready"] {
                check(&town, path, login, 200, mode).await;
            }
            for path in NOWHERE {
                check(&town, path, login, 404, mode).await;
            }
        }
        for (login, want) in all.iter().zip([401, 403, 403, 403, 200]) {
            check(&town, "/routes", login, want, mode).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_open_nothing() {
    let town = Town::start("protected").await;
    let [binding, ..] = callers(&town).await;
    let path = town.shop.app.path("metrics");
    let cloud = town.foundation.cloud();
    let right = cloud.credentials("prod-metrics", "b1").await;
    let other = cloud.credentials("other-metrics", "b2").await;
    assert_eq!(binding, right.login(), "asked again");
    for (login, why) in [
        (
            basic(USER, PASSWORD),
            "the broker's login is not for metrics",
        ),
        (basic(&right.user, &other.password), "another's password"),
        (basic(&right.user, ""), "no password"),
        (basic("", ""), "nothing"),
        (
            basic(&right.user.to_uppercase(), &right.password),
            "another name",
        ),
        (basic("jane", "wrong horse"), "an operator's name"),
        (basic("nobody", "correct horse"), "an operator's password"),
        (format!("Bearer {}", right.password), "no UAA is configured"),
        (format!("Digest {}", &binding[6..]), "another scheme"),
        (
            binding.trim_end_matches('=').replace("Basic ", "Basic:"),
            "no scheme",
        ),
        ("Basic".into(), "a scheme alone"),
        ("Basic !!!".into(), "not base64"),
    ] {
        check(&town, &path, &login, 401, why).await;
    }
    check(
        &town,
        &path,
        &binding.replace("Basic", "bAsIc"),
        200,
        "schemes in any case",
    )
    .await;
    for (first, second) in [(&binding, &binding), (&binding, &"Basic Og==".to_owned())] {
        let both = [("authorization", first.as_str()), ("authorization", second)];
        let answer = town.ask_with("GET", &path, &both).await;
        assert_eq!(answer.status, 401, "two headers are nobody's");
    }
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND",
    ] {
        for path in [path.as_str(), "/", "/metrics", "/routes"] {
            let answer = town.ask(method, path, "").await;
            assert_eq!(answer.status, 401, "{method} {path}: who asks comes first");
            let answer = town.ask(method, path, &operator()).await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
    // Readers' logins are not for the broker.
    for login in [&binding, &operator(), &String::new()] {
        let headers = [
            ("authorization", login.as_str()),
            ("x-broker-api-version", "2.17"),
        ];
        let answer = town.ask_with("GET", "/broker/v2/catalog", &headers).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_written_otherwise_open_nothing() {
    let town = Town::start("protected").await;
    let [binding, ..] = callers(&town).await;
    for (path, known, why) in [
        ("//routes", 404, "two slashes"),
        ("/%72outes", 404, "an encoded letter"),
        ("/ROUTES", 404, "another case"),
        ("/routes%00", 404, "a zero"),
        ("/routes;x=1", 404, "a parameter of a segment"),
        ("/./routes", 404, "a dot"),
        ("/health/../routes", 404, "from a public page"),
        ("/health%2f..%2froutes", 404, "from a public page, encoded"),
        (
            "/health;/../routes",
            404,
            "from a public page, with a parameter",
        ),
        ("/v1/apps/../../routes", 404, "from below the apps"),
        (
            "/v1/apps/../../metrics",
            400,
            "from below the apps, as the name of one",
        ),
        ("/brokers", 404, "nearly the broker"),
    ] {
        check(&town, path, "", 401, why).await;
        check(&town, path, &binding, known, why).await;
    }
    // The broker's own login stands before all that begins like it.
    for path in [
        "/broker",
        "/broker/",
        "/broker/../routes",
        "/broker//v2/catalog",
        "/broker/%2e%2e/metrics",
    ] {
        for login in ["", &binding, &operator()] {
            check(&town, path, login, 401, "the broker's").await;
        }
    }
    let answer = town.ask("GET", "/health?/routes", "").await;
    assert!(!answer.text().contains("acme"), "{}", answer.text());
}

use promfetch_tests::foundation::{self, Cloud};
use promfetch_tests::postgres::{DATABASE, Postgres};
use promfetch_tests::{App, Emitter, Instance, Nats, Page, Promfetch, config, eventually};
use serde_json::{Value, json};

use super::echo;

/// Three promfetch that know the same app.
struct Fleet {
    all: Vec<Promfetch>,
    app: App,
    instance: Instance,
}

impl Fleet {
    async fn start(database: &str, nats: &[Nats], emitter: &Emitter) -> Self {
        let keys = json!({"access": "protected", "nats": Nats::config(nats)});
        let config: Value = config::with(foundation::keys(database, keys));
        let start = || Promfetch::start(&config);
        let (first, second, third) = tokio::join!(start(), start(), start());
        let app = App::new("acme", "prod", "shop");
        let instance = Instance::start("0", echo()).await;
        emitter.register(&app, &instance).await;
        let fleet = Self {
            all: vec![first, second, third],
            app,
            instance,
        };
        fleet.show("/metrics").await;
        fleet
    }

    /// Waits until all show the page of this path, to a reader whose login all have to know.
    async fn show(&self, path: &str) {
        self.show_to(path, &foundation::operator()).await;
    }

    async fn show_to(&self, path: &str, login: &str) {
        for (number, promfetch) in self.all.iter().enumerate() {
            eventually(&format!("process {number} shows {path}"), async || {
                let headers = [("authorization", login)];
                let answer = promfetch
                    .try_get_with(&self.app.path("metrics"), &headers)
                    .await
                    .expect("an answer");
                let page = (answer.status == 200).then(|| Page::read(answer.text()))?;
                (page.one("asked", &[]).label("path") == path).then_some(())
            })
            .await;
        }
    }

    async fn end_to(&self, login: &str) {
        for (number, promfetch) in self.all.iter().enumerate() {
            eventually(&format!("process {number} refuses"), async || {
                let headers = [("authorization", login)];
                let path = self.app.path("metrics");
                let answer = promfetch.try_get_with(&path, &headers).await;
                (answer.expect("an answer").status == 401).then_some(())
            })
            .await;
        }
    }

    fn cloud(&self, number: usize) -> Cloud {
        Cloud::of(&self.all[number])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_on_one_changes_the_page_of_all() {
    let (server, nats) = (Postgres::start().await, [Nats::start().await]);
    let emitter = Emitter::connect(&nats, None).await;
    // All three migrate the empty database at the same time.
    let fleet = Fleet::start(&server.url(DATABASE), &nats, &emitter).await;
    fleet.cloud(0).provision("i", &fleet.app.space_guid).await;
    let app = Some(&fleet.app);
    let credentials = fleet
        .cloud(1)
        .bind("i", "one", app, json!({"endpoint": "/one"}))
        .await;
    fleet.show_to("/one", &credentials.login()).await;
    let told = fleet.cloud(2).credentials("i", "one").await;
    assert_eq!(
        told.password, credentials.password,
        "every process says the same"
    );
    fleet
        .cloud(2)
        .bind("i", "two", app, json!({"endpoint": "/two"}))
        .await;
    fleet.show_to("/two", &credentials.login()).await;
    let rotated = fleet.cloud(0).rotate("i", "three", "one").await;
    fleet.show_to("/one", &rotated.login()).await;
    for (number, binding) in ["one", "three"].into_iter().enumerate() {
        fleet.cloud(number).unbind("i", binding).await;
    }
    fleet.show("/two").await;
    fleet.end_to(&credentials.login()).await;
    fleet.end_to(&rotated.login()).await;

    // Anybody on NATS can send hints, with anything in them: nothing is believed, and nobody reads more often for it.
    for number in 0..2000 {
        let lie = json!({"app": fleet.app.guid, "endpoint": format!("/lie-{number}")});
        emitter.publish("promfetch.bindings", &lie).await;
    }
    emitter
        .publish_raw("promfetch.bindings", vec![0xff; 100_000])
        .await;
    fleet.show("/two").await;
    fleet.cloud(1).unbind("i", "two").await;
    fleet.show("/metrics").await;
    let lies = fleet
        .instance
        .seen()
        .iter()
        .filter(|seen| seen.path.contains("lie"))
        .count();
    assert_eq!(lies, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_they_find_out_by_themselves() {
    let (server, mut nats) = (Postgres::start().await, [Nats::start().await]);
    let emitter = Emitter::connect(&nats, None).await;
    let fleet = Fleet::start(&server.url(DATABASE), &nats, &emitter).await;
    fleet.cloud(0).provision("i", &fleet.app.space_guid).await;
    nats[0].kill();
    let app = Some(&fleet.app);
    fleet
        .cloud(0)
        .bind("i", "one", app, json!({"endpoint": "/one"}))
        .await;
    fleet.show("/one").await;
    nats[0].restart().await;
    fleet
        .cloud(1)
        .bind("i", "two", app, json!({"endpoint": "/two"}))
        .await;
    fleet.show("/two").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_starts_later_knows_everything() {
    let (server, nats) = (Postgres::start().await, [Nats::start().await]);
    let emitter = Emitter::connect(&nats, None).await;
    let database = server.url(DATABASE);
    let mut fleet = Fleet::start(&database, &nats, &emitter).await;
    fleet.cloud(0).provision("i", &fleet.app.space_guid).await;
    let app = Some(&fleet.app);
    let credentials = fleet
        .cloud(0)
        .bind("i", "one", app, json!({"endpoint": "/one"}))
        .await;
    let keys = json!({"access": "protected", "nats": Nats::config(&nats)});
    let later = Promfetch::start(&config::with(foundation::keys(&database, keys))).await;
    fleet.all = vec![later];
    // Not once with the default path: before the bindings are known, nothing is shown.
    let before = fleet.instance.requests();
    fleet.show_to("/one", &credentials.login()).await;
    for seen in fleet
        .instance
        .seen()
        .iter()
        .filter(|seen| seen.number > before)
    {
        assert_eq!(seen.path, "/one");
    }
    fleet.cloud(0).unbind("i", "one").await;
    fleet.end_to(&credentials.login()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_dies_in_the_middle_leaves_nothing_half_done() {
    let (server, nats) = (Postgres::start().await, [Nats::start().await]);
    let emitter = Emitter::connect(&nats, None).await;
    let mut fleet = Fleet::start(&server.url(DATABASE), &nats, &emitter).await;
    fleet.cloud(0).provision("i", &fleet.app.space_guid).await;
    server.pause();
    let dying = fleet.all.remove(0);
    let under_way = {
        let (cloud, guid) = (Cloud::of(&dying), fleet.app.guid.clone());
        let url = format!("{}/health", dying.api);
        let bind = async move {
            let endpoint = json!({"endpoint": "/one"});
            cloud.try_bind("i", "one", Some(&guid), endpoint).await
        };
        let bind = tokio::spawn(bind);
        // A request that came later has been answered, so the bind has most likely begun.
        promfetch_tests::http::get(&url, &[]).await;
        bind
    };
    dying.signal("KILL");
    assert!(under_way.await.is_err(), "it got no answer");
    drop(dying);
    server.resume();
    // The platform asks again, and gets what it wanted.
    let endpoint = json!({"endpoint": "/one"});
    fleet
        .cloud(0)
        .bind_once_possible("i", "one", &fleet.app, endpoint)
        .await;
    fleet.show("/one").await;
    fleet.cloud(1).unbind("i", "one").await;
    fleet.show("/metrics").await;
}

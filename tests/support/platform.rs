//! A small platform: NATS, an emitter, promfetch, and apps that are pushed to it.

use serde_json::{Value, json};

use crate::app::{App, encode};
use crate::behaviour::Behaviour;
use crate::certs::{Authority, GOROUTER};
use crate::config;
use crate::emitter::Emitter;
use crate::http::Response;
use crate::instance::{Instance, Options};
use crate::nats::Nats;
use crate::promfetch::Promfetch;
use crate::samples::Page;
use crate::wait::eventually;

/// The platform's parts, all running.
#[derive(Debug)]
pub struct Platform {
    pub promfetch: Promfetch,
    pub emitter: Emitter,
    pub nats: Vec<Nats>,
    /// Issues instance certificates.
    pub instances: Authority,
    /// `Authorization` of somebody who may read everything, where that needs a login.
    pub login: String,
}

/// An app with its running instances.
#[derive(Debug)]
pub struct Pushed {
    pub app: App,
    pub instances: Vec<Instance>,
}

impl Platform {
    pub async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    /// With these keys over the configuration of tests.
    pub async fn start_with(keys: Value) -> Self {
        Self::assemble(vec![Nats::start().await], None, keys).await
    }

    /// On these servers, whose certificates are of this authority.
    ///
    /// # Panics
    /// When `keys` is no object.
    pub async fn assemble(nats: Vec<Nats>, authority: Option<&Authority>, mut keys: Value) -> Self {
        let instances = Authority::new("instance identity");
        let router = instances.issue(&[GOROUTER]);
        let own = keys.as_object_mut().expect("keys and values are expected");
        own.entry("nats").or_insert_with(|| Nats::config(&nats));
        own.entry("ca_certs")
            .or_insert_with(|| instances.pem().into());
        own.entry("backends").or_insert_with(
            || json!({"cert_chain": router.certificate_pem, "private_key": router.key_pem}),
        );
        let config = config::with(keys);
        let (promfetch, emitter) = tokio::join!(
            Promfetch::start(&config),
            Emitter::connect(&nats, authority)
        );
        Self {
            promfetch,
            emitter,
            nats,
            instances,
            login: String::new(),
        }
    }

    /// Starts an instance for each behaviour, registers them, and waits until promfetch knows them.
    pub async fn push(&self, app: App, behaviours: impl IntoIterator<Item = Behaviour>) -> Pushed {
        let mut instances = Vec::new();
        for (index, behaviour) in behaviours.into_iter().enumerate() {
            instances.push(Instance::start(&index.to_string(), behaviour).await);
        }
        self.register(app, instances).await
    }

    /// The same with TLS as cf-deployment has it.
    pub async fn push_tls(
        &self,
        app: App,
        behaviours: impl IntoIterator<Item = Behaviour>,
    ) -> Pushed {
        let mut instances = Vec::new();
        for (index, behaviour) in behaviours.into_iter().enumerate() {
            let options = Options::mutual_tls(&self.instances, &app);
            instances.push(Instance::start_with(&index.to_string(), behaviour, options).await);
        }
        self.register(app, instances).await
    }

    /// Registers instances that run already, and waits until promfetch knows them.
    pub async fn register(&self, app: App, instances: Vec<Instance>) -> Pushed {
        for instance in &instances {
            self.emitter.register(&app, instance).await;
        }
        let pushed = Pushed { app, instances };
        self.knows(&pushed).await;
        pushed
    }

    /// Waits until promfetch lists every instance of the app. The instances are not asked.
    pub async fn knows(&self, pushed: &Pushed) {
        let addresses = pushed
            .instances
            .iter()
            .map(|instance| instance.address.to_string())
            .collect::<Vec<_>>();
        // By route: processes of other types than `web` are not found by name or GUID. Below a wildcard any name will do.
        let login = [("authorization", self.login.as_str())];
        let login = if self.login.is_empty() {
            &[][..]
        } else {
            &login
        };
        let route = pushed.app.routes.first().expect("an app with a route");
        let path = format!(
            "/v1/apps/instances?route_url={}",
            encode(&route.replace('*', "any.name"))
        );
        eventually(&format!("{path} lists {addresses:?}"), async || {
            let list = self.promfetch.try_get_with(&path, login).await.ok()?;
            let list = String::from_utf8_lossy(&list.body).into_owned();
            addresses
                .iter()
                .all(|address| list.contains(address))
                .then_some(())
        })
        .await;
    }

    /// The merged page of the app.
    pub async fn page(&self, app: &App) -> Page {
        self.promfetch.page(&app.path("metrics")).await
    }

    /// Asks for the merged page, whatever the answer.
    pub async fn get(&self, app: &App) -> Response {
        self.promfetch.get(&app.path("metrics")).await
    }

    /// Asks for the merged page until it fits.
    pub async fn page_once(&self, app: &App, what: &str, fits: impl Fn(&Page) -> bool) -> Page {
        eventually(what, async || {
            let answer = self.get(app).await;
            let page = (answer.status == 200).then(|| Page::read(answer.text()))?;
            fits(&page).then_some(page)
        })
        .await
    }
}

//! Puts the service together: the client with its sources, the bindings with their store, the broker, access.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::registry::Registry;
use promfetch_core::calls::Calls;
use promfetch_core::client::Client;
use promfetch_core::config::Secret;
use promfetch_core::nats::{self, Servers};
use promfetch_core::{Error, Kind};
use tokio_util::sync::CancellationToken;

use crate::access::Gate;
use crate::access::audit::Audit;
use crate::api::{self, Api};
use crate::bindings::Bindings;
use crate::bindings::sync::Keeper;
use crate::config::access::Mode;
use crate::config::broker::{Broker, DEFAULT_DATABASE};
use crate::config::{self, Config};
use crate::osb::{self, Osb};
use crate::secrets::{Keyring, SecretKey};
use crate::server::health::Health;
use crate::server::observe::Observer;
use crate::server::shutdown::Shutdown;
use crate::store::Store;
use crate::web::doc::Docs;

/// Shorter passwords of the broker are warned of.
const SHORTEST_PASSWORD: usize = 12;

/// What the router answers with, and what goes on in the background until the sources are shut down.
pub(crate) struct Service {
    pub(crate) api: Api,
    pub(crate) observer: Observer,
    /// Keeps the bindings in step with the store; `None` without a store.
    background: Option<(Keeper, Option<Servers>)>,
    store: Option<Store>,
}

impl Service {
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for what can never work: certificates, addresses, the form of `db_conn`.
    pub(crate) fn assemble(
        config: Config,
        shutdown: &Shutdown,
        sources: CancellationToken,
    ) -> Result<Self, Error> {
        let config = Arc::new(config);
        let mut registry = Registry::default();
        api::own_metrics::register_build(&mut registry);
        let observer = Observer::register(&mut registry, &config.trusted_proxies);
        let client = Client::start(config.core.clone(), &mut registry, sources)?;
        let calls = client.calls().clone();
        let store = open_store(&config)?.map(|store| store.counted(&calls));
        let bindings = store
            .as_ref()
            .map(|_| Bindings::new(keyring(&config.broker)));
        let keeper = store
            .clone()
            .zip(bindings.clone())
            .map(|(store, bindings)| {
                Keeper::new(store, bindings, config.core.discovery.start_response_delay)
            });
        if let Some(keeper) = &keeper {
            registry.register_collector(Box::new(keeper.clone()));
        }
        let broker = match &keeper {
            None => osb::switched_off(),
            Some(keeper) => broker(&config, keeper, &calls),
        };
        let audit = Audit::default();
        audit.register(&mut registry);
        let gate = Gate::new(&config, bindings, audit, &calls)?;
        warn_of_access(&config);

        let health = Health {
            discovery: client.discovery().clone(),
            keeper: keeper.clone(),
            shutdown: shutdown.clone(),
        };
        let hints = match (&keeper, &config.core.nats) {
            (Some(_), Some(settings)) => Some(nats::servers(settings)?),
            _ => None,
        };
        let api = Api {
            client,
            docs: Docs::new(Arc::clone(&config), keeper.clone()),
            config,
            registry: Arc::new(registry),
            health,
            gate,
            keeper: keeper.clone(),
            broker,
            started: Instant::now(),
        };
        Ok(Self {
            api,
            observer,
            background: keeper.map(|keeper| (keeper, hints)),
            store,
        })
    }

    /// What goes on besides answering.
    pub(crate) fn background(
        &mut self,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let background = self.background.take();
        async move {
            if let Some((keeper, hints)) = background {
                keeper.run(hints, shutdown).await;
            }
        }
    }

    /// Closes the connections to the database.
    pub(crate) async fn close(self) {
        if let Some(store) = self.store {
            store.close().await;
        }
    }
}

/// Whether a service could be started with this configuration, without starting anything.
///
/// # Errors
/// As [`Service::assemble`].
pub(crate) fn check(config: &Config) -> Result<(), Error> {
    Client::check(&config.core)?;
    Gate::new(config, None, Audit::default(), &Calls::default()).map(drop)
}

/// The store: where a database is named, and otherwise where the broker is on.
///
/// # Errors
/// [`Kind::Configuration`] when `db_conn` cannot be read.
pub(crate) fn open_store(config: &Config) -> Result<Option<Store>, Error> {
    if config.store_in_memory {
        return Ok(Some(Store::in_memory()));
    }
    let broker = &config.broker;
    let Some(settings) = store_settings(config) else {
        if let Err(reason) = broker.logins() {
            tracing::warn!("the service broker is off: {reason}");
        }
        return Ok(None);
    };
    if !config.store.is_given() {
        tracing::warn!(
            "bindings are kept in `promfetch.db` in the working directory: `db_conn` names another place"
        );
    }
    Store::new(&settings, broker.take_over, broker.write_back)
        .map(Some)
        .map_err(|error| Error::new(Kind::Configuration, error.to_string()))
}

/// Where bindings are kept, if anywhere.
pub(crate) fn store_settings(config: &Config) -> Option<config::Store> {
    let mut settings = config.store.clone();
    if !settings.is_given() {
        config.broker.logins().ok()?;
        settings.conn = Secret(DEFAULT_DATABASE.into());
    }
    Some(settings)
}

pub(crate) fn keyring(broker: &Broker) -> Option<Keyring> {
    let key = |secret: &Secret| (!secret.0.is_empty()).then(|| SecretKey::new(&secret.0));
    let current = key(&broker.secret_key)?;
    Some(Keyring::new(current, key(&broker.previous_secret_key)))
}

fn broker(config: &Arc<Config>, keeper: &Keeper, calls: &Calls) -> axum::Router {
    match Osb::new(Arc::clone(config), keeper.clone(), calls.clone()) {
        Ok(osb) => {
            if config.base_url.contains("://localhost") {
                tracing::warn!(
                    "`base_url` is not set: the credentials of bindings name {}, which nobody else can reach",
                    config.base_url
                );
            }
            if config.broker.login.pass.0.chars().count() < SHORTEST_PASSWORD {
                tracing::warn!(
                    "`broker.pass` has less than {SHORTEST_PASSWORD} characters: somebody could find it by trying"
                );
            }
            if config.broker.secret_key.0.is_empty() {
                tracing::warn!(
                    "`broker.secret_key` is not set: bindings get no passwords, and may hold no secrets"
                );
            }
            osb::router(&osb)
        }
        Err(reason) => {
            tracing::error!("the service broker is off: {reason}");
            osb::switched_off()
        }
    }
}

fn warn_of_access(config: &config::Config) {
    match config.access.mode {
        Mode::Open => tracing::warn!(
            "access is open: everybody who reaches the API port can read the metrics of every app"
        ),
        Mode::Audit => tracing::warn!(
            "access is audited: everybody who reaches the API port can read the metrics of every app, and `promfetch_access_would_be_refused_total` counts who would be refused"
        ),
        Mode::Protected => {}
    }
}

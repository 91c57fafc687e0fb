//! A platform to try promfetch on: a router and two apps inside this process, over real HTTP on the loopback.
//!
//! promfetch learns of the apps as it does of real ones, by polling the router's `/routes`. `hello` has three healthy
//! instances. `flaky` has four: instance 1 never answers and instance 2 answers garbage.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use promfetch_core::config::{Gorouter, Secret};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::config::Config;
use crate::config::access::Operator;
use crate::config::broker::Login;
use crate::server::connections;
use crate::server::shutdown::Shutdown;

mod guide;
mod instance;
mod router;

pub use guide::guide;

/// Everything of the demo listens here and nowhere else.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The ids of the service broker, and its login.
const SERVICE_ID: &str = "promfetch";
const PLAN_ID: &str = "fetch-app";
const BROKER_LOGIN: (&str, &str) = ("platform", "try-me");

/// An operator, who may read the routing table as gorouter shows it: from there programs with libpromfetch learn of
/// the demo's apps.
const OPERATOR_LOGIN: (&str, &str) = ("operator", "look-around-here");
/// Its password as `promfetch hash-password` writes it.
const OPERATOR_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$d1poI+iADKGw8UmmCzibiQ$ZI/ztXuM43UFoOj0c1E/kZPWPRDUVcizUpOJwChmZMg";

/// An app of the demo.
struct App {
    name: &'static str,
    guid: &'static str,
    /// What each instance does, by index.
    instances: &'static [Behaviour],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Healthy,
    Hangs,
    AnswersGarbage,
}

const APPS: [App; 2] = [
    App {
        name: "hello",
        guid: "1b4f6c92-5d0e-4a37-9c81-0e2d7a5b3f10",
        instances: &[Behaviour::Healthy, Behaviour::Healthy, Behaviour::Healthy],
    },
    App {
        name: "flaky",
        guid: "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42",
        instances: &[
            Behaviour::Healthy,
            Behaviour::Hangs,
            Behaviour::AnswersGarbage,
            Behaviour::Healthy,
        ],
    },
];

/// Starts the platform, which ends when `shutdown` says stop, and gives the configuration that leads to it: a start
/// from the usual default, with the usual ports. Needs a tokio runtime.
///
/// # Errors
/// When no port can be opened on the loopback.
pub async fn start(shutdown: &Shutdown) -> io::Result<Config> {
    let platform = Shutdown::new(Duration::ZERO);
    let mut running = Vec::new();
    for app in &APPS {
        for (index, behaviour) in app.instances.iter().enumerate() {
            let address = spawn(instance::router(app.name, index, *behaviour), &platform).await?;
            running.push(router::Running {
                app,
                index,
                address,
            });
        }
    }
    // Somebody else on this machine could poll the port, as on a real platform: hence a login nobody can guess.
    let (user, pass) = ("demo".to_string(), Uuid::new_v4().simple().to_string());
    let address = spawn(router::router(&running, &user, &pass), &platform).await?;

    let stopped = shutdown.clone();
    tokio::spawn(async move {
        stopped.stopped().await;
        platform.stop();
    });
    let mut config = Config::default();
    config.core.nats = None;
    config.core.gorouters = vec![Gorouter {
        host: address.ip().to_string(),
        port: address.port(),
        user,
        pass: Secret(pass),
    }];
    // Of the broker everything is known to who reads the guide; nothing of it outlives this process.
    config.broker.service_id = SERVICE_ID.into();
    config.broker.plan_id = PLAN_ID.into();
    config.broker.login = Login {
        user: BROKER_LOGIN.0.into(),
        pass: Secret(BROKER_LOGIN.1.into()),
    };
    config.broker.secret_key = Secret(Uuid::new_v4().to_string());
    config.store_in_memory = true;
    config.access.operators = vec![Operator {
        name: OPERATOR_LOGIN.0.into(),
        password_hash: Secret(OPERATOR_HASH.into()),
    }];
    // Ready with the first poll: the delay only bounds the wait for one.
    config.core.discovery.policy.allow = vec![IpAddr::from(Ipv4Addr::LOCALHOST).into()];
    Ok(config)
}

/// Serves on a free port of the loopback.
async fn spawn(app: Router, platform: &Shutdown) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((ADDRESS, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(connections::serve(listener, app, None, platform.clone()));
    Ok(address)
}

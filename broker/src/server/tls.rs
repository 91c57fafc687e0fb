//! HTTPS of the API, with a certificate that can be exchanged while serving.
//!
//! promfetcher's `tls_pem` stands in the configuration file itself. So the file is read again on SIGHUP and when its
//! modification time or size changes (looked at every 30 s: BOSH and Kubernetes swap links, which file events miss),
//! and only its `tls_pem` is taken over. A file that cannot be used changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use promfetch_core::Error;
use promfetch_core::error::Kind;
use promfetch_core::tls::{identity, provider};
use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use super::shutdown::Shutdown;
use crate::config::{Config, TlsPem};

/// How often the file's modification time is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// The server's identity. Cloning shares it; handshakes take the newest.
#[derive(Clone, Debug)]
pub struct Tls {
    current: Arc<ArcSwap<ServerConfig>>,
    /// Where `tls_pem` is read again.
    file: Option<PathBuf>,
}

impl Tls {
    /// From `tls_pem`.
    ///
    /// # Errors
    /// [`Kind::Configuration`] when certificate or key cannot be used.
    pub fn new(pem: &TlsPem, file: Option<PathBuf>) -> Result<Self, Error> {
        Ok(Self {
            current: Arc::new(ArcSwap::from_pointee(server_config(pem)?)),
            file,
        })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Reads the file again on SIGHUP and when it changes, until the shutdown. Without a file it returns at once.
    pub(crate) async fn keep_current(self, shutdown: Shutdown) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let mut seen = stamp(&file);
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be received: the certificate is not exchanged");
                return;
            }
        };
        loop {
            tokio::select! {
                () = shutdown.stopped() => return,
                _ = hangup.recv() => {}
                () = tokio::time::sleep(LOOK) => if stamp(&file) == seen { continue },
            }
            seen = stamp(&file);
            match self.reload(&file) {
                Ok(()) => {
                    tracing::info!(file = %file.display(), "the certificate of the API was read again")
                }
                Err(error) => {
                    tracing::error!(file = %file.display(), %error, "the certificate of the API could not be read again: the old one is kept")
                }
            }
        }
    }

    fn reload(&self, file: &Path) -> Result<(), Error> {
        let (config, _) = Config::load(Some(file), crate::environment())
            .map_err(|problems| Error::new(Kind::Configuration, problems))?;
        let pem = config
            .tls
            .ok_or_else(|| Error::new(Kind::Configuration, "there is no `tls_pem` any more"))?;
        self.exchange(&pem)
    }

    /// Handshakes from now on get this certificate. One that cannot be used changes nothing.
    pub(super) fn exchange(&self, pem: &TlsPem) -> Result<(), Error> {
        self.current.store(Arc::new(server_config(pem)?));
        Ok(())
    }
}

/// What tells one state of the file from another. `None` while it cannot be looked at.
fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn server_config(pem: &TlsPem) -> Result<ServerConfig, Error> {
    let identity = identity(&pem.cert_chain, &pem.private_key.0)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Configuration, error))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::new(identity))));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

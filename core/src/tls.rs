//! Certificates and TLS client configurations. ring is the only provider, and the process default is left alone:
//! a program that links the library may use rustls too.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use crate::error::{Error, Kind};

/// The provider that every TLS connection of promfetch uses.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Trusted issuers: the platform's own, and those of a PEM bundle (may be empty).
///
/// # Errors
/// As [`add_issuers`].
pub fn roots(bundle: &str) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for problem in &native.errors {
        tracing::debug!(%problem, "a certificate of the platform could not be read");
    }
    store.add_parsable_certificates(native.certs);
    add_issuers(&mut store, bundle)?;
    Ok(store)
}

/// Adds the issuers of a PEM bundle, and gives the reasons why some of them cannot be used: as in Go, one that is
/// broken does not cost the others.
///
/// # Errors
/// [`Kind::Configuration`] when there is text but no usable certificate in it.
pub fn add_issuers(store: &mut RootCertStore, bundle: &str) -> Result<Vec<String>, Error> {
    let certificates = certificates(bundle)?;
    let count = certificates.len();
    let unusable: Vec<_> = certificates
        .into_iter()
        .filter_map(|certificate| store.add(certificate).err())
        .map(|error| format!("a certificate of the bundle cannot be used: {error}"))
        .collect();
    match unusable.first() {
        Some(reason) if unusable.len() == count => Err(configuration(reason.clone())),
        _ => Ok(unusable),
    }
}

/// The certificates of a PEM text, in order. An empty text has none.
///
/// # Errors
/// [`Kind::Configuration`] when there is text but no readable certificate in it.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| configuration(format!("not a PEM certificate: {error}")))?;
    if found.is_empty() && !pem.trim().is_empty() {
        return Err(configuration(
            "no certificate found: a PEM block `-----BEGIN CERTIFICATE-----` is expected".into(),
        ));
    }
    Ok(found)
}

/// A certificate chain with its private key, checked to belong together.
///
/// # Errors
/// [`Kind::Configuration`] when either cannot be read or the key is not the certificate's.
pub fn identity(chain: &str, key: &str) -> Result<CertifiedKey, Error> {
    let chain = certificates(chain)?;
    if chain.is_empty() {
        return Err(configuration("the certificate chain is empty".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| configuration(format!("not a PEM private key: {error}")))?;
    CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| configuration(format!("certificate and private key do not fit: {error}")))
}

/// A client configuration with these issuers. With `skip_verification` any server certificate is taken.
pub fn client_config(
    roots: impl Into<Arc<RootCertStore>>,
    skip_verification: bool,
    identity: Option<Arc<CertifiedKey>>,
) -> ClientConfig {
    #[expect(
        clippy::expect_used,
        reason = "ring supports the default protocol versions, which are fixed at compile time"
    )]
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has TLS 1.2 and 1.3");
    let builder = if skip_verification {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer(provider())))
    } else {
        builder.with_root_certificates(roots)
    };
    match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity))),
    }
}

/// Servers whose sessions are remembered: rustls keeps 256 by default, which is nothing for a platform whose
/// every instance has a name of its own. A remembered session saves half of the next handshake.
const SESSIONS: usize = 16_384;

/// The same for a profile of one or a few servers. The room is taken at once, and there may be thousands of profiles.
const FEW_SESSIONS: usize = 64;

/// How connections to instances are secured at one moment: it is replaced as a whole when the identity changes.
#[derive(Clone)]
pub struct Profile {
    generation: u64,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Profile {
    fn new(
        roots: &Arc<RootCertStore>,
        skip_verification: bool,
        identity: Option<Arc<CertifiedKey>>,
        sessions: usize,
    ) -> Self {
        /// Unique in the process, so that it tells two kinds of profiles apart as well as two generations of one.
        static GENERATION: AtomicU64 = AtomicU64::new(0);

        let mut http1 = client_config(Arc::clone(roots), skip_verification, identity);
        http1.resumption = Resumption::in_memory_sessions(sessions);
        // The clone shares issuers, identity and sessions.
        let mut http2 = http1.clone();
        // Envoy beside the app offers h2 but forwards plain bytes: whoever offers it speaks h2 to an app that may
        // not understand it.
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        Self {
            generation,
            http1: Arc::new(http1),
            http2: Arc::new(http2),
        }
    }

    /// A number that no other profile of this process has: connections of another generation are not reused.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The configuration to connect with. It offers HTTP/2 only when the instance registered with `http2`.
    pub fn config(&self, http2: bool) -> Arc<ClientConfig> {
        Arc::clone(if http2 { &self.http2 } else { &self.http1 })
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// The current [`Profile`], and what is needed to make the next one.
#[derive(Debug)]
pub struct Profiles {
    roots: Arc<RootCertStore>,
    skip_verification: bool,
    current: ArcSwap<Profile>,
}

impl Profiles {
    /// The first profile: with these issuers, and this client certificate if the servers ask for one.
    pub fn new(
        roots: Arc<RootCertStore>,
        skip_verification: bool,
        identity: Option<Arc<CertifiedKey>>,
    ) -> Self {
        let current =
            ArcSwap::from_pointee(Profile::new(&roots, skip_verification, identity, SESSIONS));
        Self {
            roots,
            skip_verification,
            current,
        }
    }

    /// The profile for the next connection.
    pub fn current(&self) -> Arc<Profile> {
        self.current.load_full()
    }

    /// Changes the client certificate. The sessions start anew with it: a resumed one keeps the old identity.
    pub fn rotate(&self, identity: Option<Arc<CertifiedKey>>) {
        self.current.store(Arc::new(Profile::new(
            &self.roots,
            self.skip_verification,
            identity,
            SESSIONS,
        )));
    }

    /// A profile with another client certificate, for a few servers.
    pub fn beside(&self, identity: Arc<CertifiedKey>) -> Profile {
        Profile::new(
            &self.roots,
            self.skip_verification,
            Some(identity),
            FEW_SESSIONS,
        )
    }
}

/// The name to check in a server's certificate: `name` (DNS name or IP address), or the host dialled when it is empty,
/// as gorouter does.
///
/// # Errors
/// The text that is no name, for a message.
pub fn server_name<'a>(name: &'a str, host: &'a str) -> Result<ServerName<'static>, &'a str> {
    let name = if name.is_empty() { host } else { name };
    ServerName::try_from(name)
        .map(|name| name.to_owned())
        .map_err(|_| name)
}

/// Takes every server certificate: `skip_ssl_validation`. Signatures are still checked, as the protocol needs them.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn configuration(message: String) -> Error {
    Error::new(Kind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_name_falls_back_to_the_host() {
        for (name, host, want) in [
            (
                "c6e2c9be-17cc-50d8-979d-02e4",
                "10.0.0.1",
                Ok("c6e2c9be-17cc-50d8-979d-02e4"),
            ),
            ("", "10.0.0.1", Ok("10.0.0.1")),
            ("", "2001:db8::7", Ok("2001:db8::7")),
            ("", "cell.internal", Ok("cell.internal")),
            ("10.0.0.9", "10.0.0.1", Ok("10.0.0.9")),
            ("not a name", "10.0.0.1", Err("not a name")),
            ("", "", Err("")),
        ] {
            let got = server_name(name, host);
            assert_eq!(
                got.as_ref().map(ServerName::to_str).map_err(|text| *text),
                want.map(Into::into),
                "{name:?} at {host:?}"
            );
        }
    }

    #[test]
    fn a_broken_issuer_does_not_cost_the_others() {
        let made = rcgen::generate_simple_self_signed(["ca.internal".to_owned()]).unwrap();
        let good = made.cert.pem();
        // A PEM block whose content is no certificate.
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (bundle, usable, unusable) in [
            (String::new(), 0, 0),
            (good.clone(), 1, 0),
            (format!("{broken}{good}"), 1, 1),
            (format!("{good}{broken}{broken}"), 1, 2),
        ] {
            let mut store = RootCertStore::empty();
            assert_eq!(add_issuers(&mut store, &bundle).unwrap().len(), unusable);
            assert_eq!(store.len(), usable);
        }
        for bundle in [broken, "no PEM at all"] {
            let error = add_issuers(&mut RootCertStore::empty(), bundle).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration, "{bundle}");
        }
    }

    #[test]
    fn a_rotation_makes_a_new_generation_and_only_http2_offers_h2() {
        let profiles = Profiles::new(Arc::new(RootCertStore::empty()), true, None);
        let first = profiles.current();
        assert_eq!(first.config(false).alpn_protocols, [b"http/1.1".to_vec()]);
        assert_eq!(
            first.config(true).alpn_protocols,
            [b"h2".to_vec(), b"http/1.1".to_vec()]
        );
        profiles.rotate(None);
        assert_ne!(profiles.current().generation(), first.generation());
        let other = Profiles::new(Arc::new(RootCertStore::empty()), true, None);
        assert_ne!(
            other.current().generation(),
            profiles.current().generation(),
            "generations are unique over all profiles"
        );
    }

    #[test]
    fn broken_pem_is_named() {
        for (pem, want) in [
            ("", Ok(0)),
            ("  \n", Ok(0)),
            ("garbage", Err("no certificate found")),
            (
                "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
                Err("not a PEM certificate"),
            ),
        ] {
            match (certificates(pem), want) {
                (Ok(found), Ok(count)) => assert_eq!(found.len(), count, "{pem:?}"),
                (Err(error), Err(text)) => {
                    assert!(error.to_string().contains(text), "{pem:?}: {error}")
                }
                (got, want) => panic!("{pem:?}: {got:?}, expected {want:?}"),
            }
        }
        assert_eq!(identity("", "").unwrap_err().kind(), Kind::Configuration);
    }
}

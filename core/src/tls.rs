//! Certificates and TLS client configurations. ring is the only provider, and the process default is left alone:
//! a program that links the library may use rustls too.

use std::sync::Arc;

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
/// [`Kind::Configuration`] when the bundle holds no certificate or a broken one.
pub fn roots(bundle: &str) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for problem in &native.errors {
        tracing::debug!(%problem, "a certificate of the platform could not be read");
    }
    store.add_parsable_certificates(native.certs);
    for certificate in certificates(bundle)? {
        store.add(certificate).map_err(|error| {
            configuration(format!(
                "a certificate of the bundle cannot be used: {error}"
            ))
        })?;
    }
    Ok(store)
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
    roots: RootCertStore,
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

//! Who may read metrics, as far as the platform is asked.

/// `access.uaa`: the platform's login server, and the Cloud Controller that knows who may see which app.
#[derive(Clone, Debug, Default)]
pub struct UaaConfig {
    /// Base URL of UAA, `https://uaa.` and the system domain. Its keys are fetched from `/token_keys` there.
    pub url: String,
    /// What tokens must have as `iss`, to the letter. Empty: `url` with `/oauth/token`, as UAA writes it.
    pub issuer: String,
    /// A token counts when its `aud` has one of these. Tokens of people have `cloud_controller`.
    pub audiences: Vec<String>,
    /// Base URL of the Cloud Controller, `https://api.` and the system domain.
    pub cloud_controller: String,
    /// Issuers of both servers' certificates (PEM), beside those that the system trusts. May be empty.
    pub ca_certs: String,
    /// Take any certificate. Whoever is in between then reads tokens and decides who may see what.
    pub skip_ssl_validation: bool,
}

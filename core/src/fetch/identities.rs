//! Client certificates: the one for all instances, and those that single targets have of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Fetcher;
use crate::error::Error;
use crate::tls::{self, Profile, Profiles};

/// Profiles by what they were made of. A profile lives as long as a target or a connection has it:
/// whoever gives the same certificate meanwhile gets the same profile, and with it the connections that are open.
#[derive(Default)]
pub(super) struct Identities(Mutex<HashMap<Pem, Weak<Profile>>>);

/// Certificate chain and private key.
type Pem = (Box<str>, Box<str>);

/// Shows no keys.
impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identities")
    }
}

impl Identities {
    /// The profile for this certificate, with issuers and checks as the others have them.
    ///
    /// # Errors
    /// [`Kind::Configuration`](crate::error::Kind) when chain or key cannot be read, or do not belong together.
    pub(super) fn profile(
        &self,
        profiles: &Profiles,
        chain: &str,
        key: &str,
    ) -> Result<Arc<Profile>, Error> {
        let name = (chain.into(), key.into());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(profile) = known.get(&name).and_then(Weak::upgrade) {
            return Ok(profile);
        }
        let profile = Arc::new(profiles.beside(Arc::new(tls::identity(chain, key)?)));
        // Now and then, so that a list that changes all the time leaves nothing behind.
        if known.len().is_power_of_two() {
            known.retain(|_, profile| profile.strong_count() > 0);
        }
        known.insert(name, Arc::downgrade(&profile));
        Ok(profile)
    }

    /// Forgets the certificates, with their keys, that nobody has any more.
    pub(super) fn sweep(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, profile| profile.strong_count() > 0);
    }
}

impl Fetcher {
    /// How to speak TLS with a target that has a client certificate of its own (PEM). Equal certificates give the
    /// same profile for as long as somebody has it.
    ///
    /// # Errors
    /// [`Kind::Configuration`](crate::error::Kind) when it cannot be used.
    pub fn profile(&self, chain: &str, key: &str) -> Result<Arc<Profile>, Error> {
        self.0.identities.profile(&self.0.instances, chain, key)
    }

    /// Takes another client certificate for instances (PEM; both empty: none). Connections made with the old one
    /// are closed as soon as they are idle.
    ///
    /// # Errors
    /// [`Kind::Configuration`](crate::error::Kind) when it cannot be used; the old one stays then.
    pub fn reload_identity(&self, chain: &str, key: &str) -> Result<(), Error> {
        let identity = if chain.trim().is_empty() && key.trim().is_empty() {
            None
        } else {
            Some(Arc::new(tls::identity(chain, key)?))
        };
        self.0.instances.rotate(identity);
        self.0.pool.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;

    #[test]
    fn equal_certificates_share_a_profile_while_somebody_has_it() {
        let pair = || {
            let made = rcgen::generate_simple_self_signed(["a.internal".to_owned()]).unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        };
        let ((chain, key), (other_chain, other_key)) = (pair(), pair());
        let profiles = Profiles::new(Arc::new(RootCertStore::empty()), true, None);
        let identities = Identities::default();
        let get = |chain: &str, key: &str| identities.profile(&profiles, chain, key);
        let first = get(&chain, &key).unwrap();
        assert!(Arc::ptr_eq(&first, &get(&chain, &key).unwrap()));
        let other = get(&other_chain, &other_key).unwrap();
        assert_ne!(first.generation(), other.generation());
        assert_ne!(first.generation(), profiles.current().generation());
        for (chain, key, why) in [
            (&*chain, &*other_key, "another's key"),
            (&*chain, "", "no key"),
            ("", &*key, "no certificate"),
        ] {
            assert!(get(chain, key).is_err(), "{why}");
        }
        let generation = first.generation();
        drop(first);
        identities.sweep();
        assert_eq!(identities.0.lock().unwrap().len(), 1);
        assert_ne!(get(&chain, &key).unwrap().generation(), generation);
    }
}

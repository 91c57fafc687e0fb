//! One operation on a service instance.

use promfetch_core::calls::Call;
use tokio::sync::OwnedMutexGuard;

use super::database::Session;
use super::error::Error;
use super::model::{Binding, Instance, NewBinding};
use super::{keys, legacy, records};

/// An operation on one service instance. Nothing of it is seen before [`commit`](Self::commit); dropped before that, it
/// leaves nothing.
///
/// After an error it is good for nothing but being dropped. With SQLite there is one connection: asking the [`Store`]
/// something while a transaction is open waits for that one to end.
///
/// [`Store`]: super::Store
pub struct Transaction {
    session: Box<dyn Session>,
    turn: Turn,
    instance_id: String,
    legacy: Option<Legacy>,
    commits: Call,
}

/// What there is to do on a database that was promfetcher's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Legacy {
    /// promfetcher's table follows ours.
    pub(super) write_back: bool,
    /// Bindings of ours have changed, or its table is known to differ.
    pub(super) stale: bool,
    /// Old processes made or ended bindings, which this transaction took over as it began.
    pub(super) took_in: bool,
}

/// The right to work on the instance, in this process. Others wait until it is dropped, so that what is in memory
/// changes in the same order as the database.
#[derive(Debug)]
pub struct Turn {
    _lock: OwnedMutexGuard<()>,
    took_in: bool,
}

impl Turn {
    /// Whether this operation also made or ended other bindings than it was asked to, because an old process of
    /// promfetcher had: what is in memory has to be read anew.
    pub fn changed_others(&self) -> bool {
        self.took_in
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("instance_id", &self.instance_id)
            .finish_non_exhaustive()
    }
}

impl Transaction {
    pub(super) fn new(
        session: Box<dyn Session>,
        lock: OwnedMutexGuard<()>,
        instance_id: &str,
        legacy: Option<Legacy>,
        commits: Call,
    ) -> Self {
        Self {
            session,
            turn: Turn {
                _lock: lock,
                took_in: legacy.is_some_and(|legacy| legacy.took_in),
            },
            instance_id: instance_id.to_owned(),
            legacy,
            commits,
        }
    }

    /// The instance of [`begin`](super::Store::begin), if there is one.
    ///
    /// # Errors
    /// When the database cannot be read; so do all the others here.
    pub async fn instance(&mut self) -> Result<Option<Instance>, Error> {
        records::instance(&mut *self.session, &self.instance_id).await
    }

    /// # Errors
    /// Also when it is there already, or another one than that of `begin`.
    pub async fn insert_instance(&mut self, new: &Instance) -> Result<(), Error> {
        self.check_instance(new)?;
        if self.legacy.is_some() {
            let key = keys::instance(&new.id);
            records::forget_departed(&mut *self.session, &key).await?;
        }
        records::insert_instance(&mut *self.session, new).await
    }

    /// Replaces everything but the id. Without such an instance nothing happens.
    ///
    /// # Errors
    /// Also when it is another one than that of `begin`.
    pub async fn update_instance(&mut self, changed: &Instance) -> Result<(), Error> {
        self.check_instance(changed)?;
        records::update_instance(&mut *self.session, changed).await
    }

    /// Deletes the instance with all its bindings; gives those. On a taken-over database the id is remembered, also
    /// when there was no such instance: promfetcher kept none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_instance(&mut self) -> Result<Vec<Binding>, Error> {
        let gone = records::bindings_of(&mut *self.session, &self.instance_id).await?;
        records::delete_instance(&mut *self.session, &self.instance_id).await?;
        if self.legacy.is_some() {
            let key = keys::instance(&self.instance_id);
            records::remember_departed(&mut *self.session, &key).await?;
        }
        for binding in &gone {
            self.unbound(&binding.binding_id).await?;
        }
        Ok(gone)
    }

    /// Whether this instance was deleted here. Only known on a taken-over database, where an instance that is not
    /// there may still be one of promfetcher's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn was_deprovisioned(&mut self) -> Result<bool, Error> {
        let key = keys::instance(&self.instance_id);
        records::is_departed(&mut *self.session, &key).await
    }

    /// The binding of this instance with this id, or one adopted from promfetcher whose instance is not known yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn binding(&mut self, binding_id: &str) -> Result<Option<Binding>, Error> {
        let own = records::binding(&mut *self.session, Some(&self.instance_id), binding_id).await?;
        match own {
            Some(binding) => Ok(Some(binding)),
            None => records::binding(&mut *self.session, None, binding_id).await,
        }
    }

    /// Stores a binding of this instance, which must be there.
    ///
    /// # Errors
    /// Also when there is such a binding.
    pub async fn insert_binding(&mut self, new: &NewBinding) -> Result<Binding, Error> {
        if let Some(legacy) = &mut self.legacy {
            legacy.stale = true;
            let key = keys::binding(None, &new.binding_id);
            records::forget_departed(&mut *self.session, &key).await?;
        }
        records::insert_binding(&mut *self.session, Some(&self.instance_id), new).await
    }

    /// Gives an adopted binding this instance, which must be there. Its key is another one from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attach(
        &mut self,
        binding: &Binding,
        service_id: &str,
        plan_id: &str,
        space_guid: &str,
    ) -> Result<Binding, Error> {
        let attached = Binding {
            key: keys::binding(Some(&self.instance_id), &binding.binding_id),
            instance_id: Some(self.instance_id.clone()),
            service_id: service_id.to_owned(),
            plan_id: plan_id.to_owned(),
            space_guid: space_guid.to_owned(),
            ..binding.clone()
        };
        records::attach(&mut *self.session, &attached, &self.instance_id).await?;
        Ok(attached)
    }

    /// Replaces the sealed parameters, as after a change of the secret key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_parameters(
        &mut self,
        binding: &Binding,
        parameters: &str,
    ) -> Result<(), Error> {
        records::update_parameters(&mut *self.session, binding.seq, parameters).await
    }

    /// # Errors
    /// When the database fails.
    pub async fn delete_binding(&mut self, binding: &Binding) -> Result<(), Error> {
        records::delete_binding(&mut *self.session, binding.seq).await?;
        self.unbound(&binding.binding_id).await
    }

    /// Its row in promfetcher's table goes with it, or, if it has to stay, is not taken for a new binding.
    async fn unbound(&mut self, binding_id: &str) -> Result<(), Error> {
        let Some(legacy) = &mut self.legacy else {
            return Ok(());
        };
        legacy.stale = true;
        if legacy.write_back {
            return Ok(());
        }
        let key = keys::binding(None, binding_id);
        records::remember_departed(&mut *self.session, &key).await
    }

    /// Makes the changes last. Others on this instance wait in this process until the [`Turn`] is dropped.
    ///
    /// # Errors
    /// With [`Kind::Unavailable`](super::Kind::Unavailable) nobody knows whether the changes are there: look again.
    pub async fn commit(self) -> Result<Turn, Error> {
        let Self {
            mut session,
            turn,
            legacy,
            commits,
            ..
        } = self;
        let _call = commits.start();
        if legacy.is_some_and(|legacy| legacy.write_back && (legacy.stale || legacy.took_in)) {
            legacy::write_back(&mut *session).await?;
        }
        session.commit().await?;
        Ok(turn)
    }

    fn check_instance(&self, given: &Instance) -> Result<(), Error> {
        if given.id == self.instance_id {
            Ok(())
        } else {
            Err(Error::broken(
                "an operation on one service instance was given another one",
            ))
        }
    }
}

//! The service broker and its database.

use std::time::Duration;

use promfetch_core::config::Secret;
use promfetch_core::config::reader::At;

/// The name of the offering and the ids of service and plan by default on a database of promfetcher's: as there.
pub const PROMFETCHERS: (&str, &str, &str) = (
    "promfetcher",
    "75bcebab-cc25-4ef6-89dc-a91b953919f1",
    "e2900be3-709b-419e-b63b-de3aabcd9e15",
);
/// The name of the offering by default.
pub const SERVICE_NAME: &str = "promfetch";
/// The name of the plan, as promfetcher's.
pub const PLAN_NAME: &str = "fetch-app";
/// Where bindings are kept by default.
pub const DEFAULT_DATABASE: &str = "sqlite:///promfetch.db";

/// `broker`: ids in the marketplace, logins, keys. Empty texts were not given.
#[derive(Clone, Debug)]
pub struct Broker {
    pub service_name: String,
    pub service_id: String,
    pub plan_id: String,
    /// The Cloud Controller's login, and the one before.
    pub login: Login,
    pub previous_login: Login,
    pub secret_key: Secret,
    pub previous_secret_key: Secret,
    /// `None`: if the database was promfetcher's.
    pub take_over: Option<bool>,
    pub write_back: bool,
}

/// A login at the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub pass: Secret,
}

/// `db_conn` and `sql_cnx_*`: where bindings are kept.
#[derive(Clone, Debug)]
pub struct Store {
    /// The database's URL as it was given, with its password; empty when there is none.
    pub conn: Secret,
    pub max_idle: u32,
    /// Zero: no limit.
    pub max_open: u32,
    /// Zero: for ever.
    pub max_life: Duration,
}

impl Login {
    fn is_given(&self) -> bool {
        !self.pass.0.is_empty()
    }

    /// Whether nobody can guess it.
    fn check(&self) -> Result<(), &'static str> {
        let (user, pass) = (self.user.as_str(), self.pass.0.as_str());
        if user.is_empty() || pass.is_empty() {
            return Err("it has no login: set `broker.user` and `broker.pass`");
        }
        if user == pass {
            return Err("user and password of its login are the same: set another `broker.pass`");
        }
        if user.eq_ignore_ascii_case("user") && pass.eq_ignore_ascii_case("password") {
            return Err(
                "its login is the default of promfetcher, which everybody knows: set `broker.user` and `broker.pass`",
            );
        }
        Ok(())
    }
}

impl Broker {
    /// The name of the offering in the marketplace.
    pub fn offering(&self, taken_over: bool) -> &str {
        match self.service_name.as_str() {
            "" if taken_over => PROMFETCHERS.0,
            "" => SERVICE_NAME,
            given => given,
        }
    }

    /// The logins that are valid: one, or two during a change.
    ///
    /// # Errors
    /// Why the broker is off, and how to turn it on.
    pub fn logins(&self) -> Result<Vec<Login>, &'static str> {
        self.login.check()?;
        let mut logins = vec![self.login.clone()];
        if self.previous_login.is_given() {
            self.previous_login.check().map_err(
                |_| "the login of `broker.previous_user` and `broker.previous_pass` is empty, or one that everybody knows",
            )?;
            logins.push(self.previous_login.clone());
        }
        Ok(logins)
    }
}

impl Store {
    /// Whether a database is named.
    pub fn is_given(&self) -> bool {
        !self.conn.0.is_empty()
    }
}

pub(super) fn read_broker(root: &At<'_>) -> Broker {
    let at = root.section("broker");
    let login = Login {
        user: at.text("user"),
        pass: at.secret("pass"),
    };
    if at.is_given("previous_secret_key") && !at.is_given("secret_key") {
        at.section("previous_secret_key")
            .problem("has no effect without `broker.secret_key`: give the new key there");
    }
    Broker {
        service_name: at.text("service_name"),
        service_id: at.text("broker_service_id"),
        plan_id: at.text("broker_plan_id"),
        previous_login: Login {
            user: at
                .text_if_any("previous_user")
                .unwrap_or_else(|| login.user.clone()),
            pass: at.secret("previous_pass"),
        },
        login,
        secret_key: at.secret("secret_key"),
        previous_secret_key: at.secret("previous_secret_key"),
        take_over: at.boolean_if_any("take_over"),
        write_back: at.boolean("write_back"),
    }
}

pub(super) fn read_store(root: &At<'_>) -> Store {
    Store {
        conn: root.secret("db_conn"),
        max_idle: root.number("sql_cnx_max_idle"),
        max_open: root.number("sql_cnx_max_open"),
        max_life: root.duration("sql_cnx_max_life"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: &str, pass: &str) -> Login {
        Login {
            user: user.into(),
            pass: Secret(pass.into()),
        }
    }

    #[test]
    fn a_login_that_everybody_can_guess_is_none() {
        for (user, pass, good, why) in [
            ("cloud-controller", "V3ry-l0ng", true, "a login"),
            ("", "", false, "not given"),
            ("cc", "", false, "no password"),
            ("", "secret", false, "no user"),
            ("user", "password", false, "promfetcher's default"),
            ("User", "PASSWORD", false, "the same in other letters"),
            ("admin", "admin", false, "equal"),
            ("user", "V3ry-l0ng", true, "the name is no secret"),
        ] {
            assert_eq!(login(user, pass).check().is_ok(), good, "{user}: {why}");
        }
    }

    #[test]
    fn two_logins_are_valid_during_a_change() {
        let broker = |current: Login, previous: Login| Broker {
            service_name: String::new(),
            service_id: String::new(),
            plan_id: String::new(),
            login: current,
            previous_login: previous,
            secret_key: Secret::default(),
            previous_secret_key: Secret::default(),
            take_over: None,
            write_back: true,
        };
        let (new, old) = (login("cc", "new"), login("cc", "old"));
        let both = broker(new.clone(), old.clone());
        assert_eq!(both.logins(), Ok(vec![new.clone(), old]));
        let one = broker(new.clone(), login("cc", ""));
        assert_eq!(one.logins(), Ok(vec![new.clone()]));
        assert!(
            broker(new, login("user", "password")).logins().is_err(),
            "a second login that everybody knows is as bad as a first one"
        );
    }
}

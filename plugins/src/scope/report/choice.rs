//! Which apps are shown.

use std::collections::BTreeSet;

use promfetch_core::instance::App;
use promfetch_core::selector::Selector;

/// The apps that the settings name, or the rule for picking them from the list of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    pub(super) named: Vec<Selector>,
    pub(super) organizations: Vec<String>,
    pub(super) spaces: Vec<String>,
    pub(super) most: usize,
}

/// Reads an app of the settings.
pub(super) fn read(text: &str) -> Result<Selector, String> {
    Selector::parse(text).map_err(|error| error.to_string())
}

/// Whether an app of the settings can be read.
pub(in crate::scope) fn check(text: &str) -> Result<(), String> {
    read(text).map(drop)
}

impl Choice {
    /// Whether the list of all apps is needed.
    pub(super) fn wants_list(&self) -> bool {
        self.named.is_empty() || !self.organizations.is_empty() || !self.spaces.is_empty()
    }

    /// The apps to show, in an order that does not change, and how many there were beyond the bound.
    pub(super) fn of(&self, all: &[App]) -> (Vec<Selector>, usize) {
        // One app is in the list once for each type of its processes.
        let picked: BTreeSet<&str> = all
            .iter()
            .filter(|app| self.wants_list() && self.fits(app) && !app.app_id.is_empty())
            .map(|app| &*app.app_id)
            .collect();
        let mut chosen = self.named.clone();
        chosen.extend(picked.into_iter().map(|id| Selector::Guid(id.into())));
        let beyond = chosen.len().saturating_sub(self.most);
        chosen.truncate(self.most);
        (chosen, beyond)
    }

    fn fits(&self, app: &App) -> bool {
        let within = |names: &[String], name: &str, id: &str| {
            names.is_empty() || names.iter().any(|one| one == name || one == id)
        };
        within(
            &self.organizations,
            &app.organization_name,
            &app.organization_id,
        ) && within(&self.spaces, &app.space_name, &app.space_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(organization: &str, space: &str, id: &str, process: &str) -> App {
        App {
            organization_name: organization.into(),
            organization_id: format!("o-{organization}").into(),
            space_name: space.into(),
            app_id: id.into(),
            process_type: process.into(),
            ..App::default()
        }
    }

    #[test]
    fn names_and_filters_choose() {
        let all = [
            app("acme", "prod", "3", "web"),
            app("acme", "prod", "3", "worker"),
            app("acme", "test", "2", "web"),
            app("other", "prod", "1", "web"),
            app("other", "prod", "", "web"),
        ];
        let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (named, organizations, spaces, most, expected, why) in [
            (&[][..], &[][..], &[][..], 10, &["1", "2", "3"][..], "all"),
            (&["h.example"], &[], &[], 10, &["h.example"], "named alone"),
            (&[], &["acme"], &[], 10, &["2", "3"], "an organization"),
            (&[], &["o-acme"], &[], 10, &["2", "3"], "its GUID"),
            (&[], &["acme"], &["prod"], 10, &["3"], "both fit"),
            (&[], &[], &["prod"], 10, &["1", "3"], "a space"),
            (
                &["h.example"],
                &["acme"],
                &[],
                2,
                &["h.example", "2"],
                "a bound",
            ),
            (&[], &["none"], &[], 10, &[], "none fits"),
        ] {
            let choice = Choice {
                named: named.iter().map(|text| read(text).unwrap()).collect(),
                organizations: strings(organizations),
                spaces: strings(spaces),
                most,
            };
            let (chosen, beyond) = choice.of(&all);
            let chosen: Vec<String> = chosen.iter().map(ToString::to_string).collect();
            assert_eq!(chosen, expected, "{why}");
            assert_eq!(beyond, usize::from(why == "a bound"), "{why}");
        }
    }
}

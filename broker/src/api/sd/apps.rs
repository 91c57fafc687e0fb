//! Which apps are in the list, in which order.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promfetch_core::client::Bound;
use promfetch_core::discovery::Discovery;
use promfetch_core::instance::App;

use super::wanted::Wanted;
use crate::api::errors::ApiError;

/// How long regular expressions may take. Those that people write take a millisecond for 20,000 apps; some that are
/// made to be slow would take hours.
const PATIENCE: Duration = Duration::from_secs(2);

/// An app of the list.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) app: Arc<App>,
    /// Its last instance has left; it stays for a while, so that somebody notices.
    pub(super) departed: bool,
}

/// The apps that are wanted, those that have left since less than `keep` too: by names, so that an answer changes only
/// where the platform does.
///
/// # Errors
/// 503 when the filters take too long.
pub(super) fn find(
    discovery: &Discovery,
    bound: &Bound,
    keep: Duration,
    wanted: &Wanted,
) -> Result<Vec<Listed>, ApiError> {
    let departed = || {
        let gone = if keep.is_zero() {
            Vec::new()
        } else {
            discovery.departed(keep)
        };
        gone.into_iter().map(|(app, _)| (app, true))
    };
    // Before and after: who leaves, or comes back, between two of these steps is in one of them.
    let before = departed();
    let there = discovery.apps().into_iter().map(|app| (app, false));
    let all = before.chain(there).chain(departed());
    let until = wanted.has_patterns().then(|| Instant::now() + PATIENCE);
    let mut listed = Vec::new();
    for (app, departed) in all {
        if until.is_some_and(|until| Instant::now() >= until) {
            return Err(ApiError::unavailable(
                "The regular expressions take too long for all apps of this platform: make them simpler, or name the organization",
            ));
        }
        if wanted.fits(&app, bound.process_type(&app.app_id)) {
            listed.push(Listed { app, departed });
        }
    }
    Ok(in_order(listed))
}

/// By names, and each app once. It can be there with several sets of tags, while it is renamed, and with those of
/// instances that have left, which count less. What claims to be in another space is looked at as another app.
fn in_order(mut listed: Vec<Listed>) -> Vec<Listed> {
    listed.sort_by(|a, b| (a.departed, names(&a.app)).cmp(&(b.departed, names(&b.app))));
    let mut seen = HashSet::new();
    listed.retain(|Listed { app, .. }| seen.insert((app.app_id.clone(), app.space_id.clone())));
    listed.sort_by(|a, b| names(&a.app).cmp(&names(&b.app)));
    listed
}

fn names(app: &App) -> [&str; 5] {
    [
        &app.organization_name,
        &app.space_name,
        &app.app_name,
        &app.app_id,
        &app.space_id,
    ]
}

/// Those that the caller may see, each GUID once: two targets of one GUID would be one series.
pub(super) fn kept(mut listed: Vec<Listed>, may: &[Arc<App>]) -> Vec<Listed> {
    let may: HashSet<*const App> = may.iter().map(Arc::as_ptr).collect();
    listed.retain(|one| may.contains(&Arc::as_ptr(&one.app)));
    let there: HashSet<Box<str>> = listed
        .iter()
        .filter(|one| !one.departed)
        .map(|one| one.app.app_id.clone())
        .collect();
    let mut seen = HashSet::new();
    listed.retain(|Listed { app, departed }| {
        !(*departed && there.contains(&app.app_id)) && seen.insert(app.app_id.clone())
    });
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(guid: &str, space: &str, name: &str, departed: bool) -> Listed {
        let app = App {
            app_id: guid.into(),
            space_id: space.into(),
            app_name: name.into(),
            ..App::default()
        };
        Listed {
            app: Arc::new(app),
            departed,
        }
    }

    fn shown(listed: &[Listed]) -> Vec<(&str, bool)> {
        let shown = listed.iter().map(|one| (&*one.app.app_name, one.departed));
        shown.collect()
    }

    #[test]
    fn each_app_stands_once_in_the_order_of_names() {
        for (apps, want, why) in [
            (
                vec![
                    ("2", "s", "b", false),
                    ("1", "s", "c", false),
                    ("3", "s", "a", true),
                ],
                vec![("a", true), ("b", false), ("c", false)],
                "by name, whether it has left or not",
            ),
            (
                vec![("1", "s", "old", true), ("1", "s", "new", false)],
                vec![("new", false)],
                "it came back under another name",
            ),
            (
                vec![("1", "s", "b", false), ("1", "s", "a", false)],
                vec![("a", false)],
                "a rename under way: always the same of both",
            ),
            (
                vec![("1", "s", "a", true), ("1", "t", "b", false)],
                vec![("b", false)],
                "two spaces claim it: the one with instances",
            ),
            (
                vec![("1", "s", "same", false), ("2", "s", "same", true)],
                vec![("same", false), ("same", true)],
                "one that was deleted and made again is another app",
            ),
        ] {
            for turned in [false, true] {
                let mut apps: Vec<_> = apps.clone();
                if turned {
                    apps.reverse();
                }
                let apps = apps
                    .into_iter()
                    .map(|(guid, space, name, departed)| listed(guid, space, name, departed));
                let apps = in_order(apps.collect());
                let may: Vec<_> = apps.iter().map(|one| Arc::clone(&one.app)).collect();
                assert_eq!(shown(&kept(apps, &may)), want, "{why}");
            }
        }
    }

    #[test]
    fn what_the_caller_may_not_see_hides_nothing() {
        // Somebody else's app claims the GUID, and comes first by its name.
        let apps = in_order(vec![
            listed("1", "mine", "shop", false),
            listed("1", "theirs", "a", false),
            listed("2", "theirs", "other", false),
        ]);
        let mine = apps
            .iter()
            .find(|one| &*one.app.space_id == "mine")
            .unwrap();
        let may = [Arc::clone(&mine.app)];
        assert_eq!(shown(&kept(apps, &may)), [("shop", false)]);
    }
}

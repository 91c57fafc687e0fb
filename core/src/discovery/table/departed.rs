//! Apps whose last instance has left: their pages answer 404, and somebody will ask why.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use super::Table;
use super::state::State;
use crate::discovery::record::{app_id, process_type, unpack_app};
use crate::instance::App;

/// How long an app is remembered, in ticks (milliseconds).
pub(super) const LIFE: u64 = 24 * 60 * 60 * 1000;
/// Most apps remembered. Beyond, the half that left longest ago is forgotten: nobody can make this large.
const MAX: usize = 20_000;

/// GUID of an app and type of its process.
type Key = (Box<str>, Box<str>);

/// The tags that the last instance had, and the tick at which it left.
type Left = (Box<[u8]>, u64);

/// Processes of apps that have left; some of them may be back.
#[derive(Debug, Default)]
pub(super) struct Departed(HashMap<Key, Left>);

impl Departed {
    /// Notes that the last instance with these tags has left. That of a component of the platform is no app's.
    pub(super) fn note(&mut self, app: Box<[u8]>, now: u64) {
        let guid = app_id(&app);
        if guid.is_empty() {
            return;
        }
        let key = (guid.into(), process_type(&app).into());
        self.0.insert(key, (app, now));
        if self.0.len() > MAX {
            let mut ticks: Vec<u64> = self.0.values().map(|(_, left)| *left).collect();
            let (earlier, median, _) = ticks.select_nth_unstable(MAX / 2);
            let median = *median;
            // Many can have left in the same moment: as many of those go as make it half.
            let before = earlier.iter().filter(|left| **left < median).count();
            let mut surplus = MAX / 2 - before;
            self.0.retain(|_, (_, left)| {
                if *left == median && surplus > 0 {
                    surplus -= 1;
                    return false;
                }
                *left >= median
            });
        }
    }

    pub(super) fn purge(&mut self, now: u64) {
        self.0
            .retain(|_, (_, left)| now.saturating_sub(*left) < LIFE);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tags of the processes that are not back, with the tick at which they left. What is back stays noted until it
    /// leaves again: coming back costs nothing then, and it is the usual case.
    pub(super) fn gone<'a>(&'a self, state: &'a State) -> impl Iterator<Item = (&'a [u8], u64)> {
        self.0.values().filter_map(|(app, left)| {
            let same = |id| process_type(&state.apps[id].bytes) == process_type(app);
            let is_back = state.with_guid(app_id(app)).any(same);
            (!is_back).then_some((&**app, *left))
        })
    }
}

impl Table {
    /// The processes of apps that have no instance any more, with the tags of their last one and the time since it
    /// left, at most `keep`. They are remembered for a day at most.
    pub fn departed(&self, keep: Duration, now: Instant) -> Vec<(Arc<App>, Duration)> {
        let state = self.read();
        let gone = state
            .departed
            .gone(&state)
            .map(|(app, left)| (app, self.since(left, now)))
            .filter(|(_, ago)| *ago <= keep);
        gone.map(|(app, ago)| (Arc::new(unpack_app(app)), ago))
            .collect()
    }
}

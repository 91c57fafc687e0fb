//! Where generators take their choices from.

use proptest::prelude::*;

/// Choices made beforehand. When they are used up every choice is 0, and 0 is always the plainest one: a failing
/// case shrinks by getting shorter and smaller, without any more strategy than this.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    choices: Vec<u16>,
    at: usize,
}

impl Tape {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % bound.max(1)
    }

    /// One of these.
    pub(crate) fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// True one time in `times`.
    pub(crate) fn rarely(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }
}

/// Tapes of at most `length` choices.
pub(crate) fn tape(length: usize) -> impl Strategy<Value = Tape> {
    prop::collection::vec(any::<u16>(), 0..length).prop_map(|choices| Tape { choices, at: 0 })
}

//! How many bytes all tracks together may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is left, shared by all that take from it.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: Arc<AtomicUsize>,
    whole: usize,
}

impl Budget {
    pub(super) fn new(whole: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(whole)),
            whole,
        }
    }

    pub(super) fn whole(&self) -> usize {
        self.whole
    }

    /// A share with nothing in it yet.
    pub(super) fn share(&self) -> Share {
        Share {
            budget: self.clone(),
            taken: 0,
        }
    }
}

/// What one track has taken. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    taken: usize,
}

impl Share {
    /// Whether so much more was left, and is taken now.
    #[must_use]
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let left = &self.budget.left;
        let taken = left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok();
        if taken {
            self.taken += bytes;
        }
        taken
    }

    pub(super) fn give(&mut self, bytes: usize) {
        let bytes = bytes.min(self.taken);
        self.taken -= bytes;
        self.budget.left.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_all(&mut self) {
        self.give(self.taken);
    }

    pub(super) fn whole(&self) -> usize {
        self.budget.whole()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_take_what_is_left_and_give_it_back() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.take(6));
        assert!(!second.take(5), "4 are left");
        assert!(second.take(4));
        first.give(100);
        assert!(second.take(6), "no more is given than was taken");
        assert!(!first.take(1));
        drop(second);
        assert!(first.take(10));
    }
}

//! Answers that are dear to get: each is kept for a while, and equal questions under way are asked once.
//!
//! Questions hold passwords and tokens. So only a keyed hash of them is kept, whose key never leaves this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::hmac;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::secrets::random;

/// HMAC-SHA256 of what was asked.
type Question = [u8; 32];

/// The answers, at most `capacity` of them, and as many questions under way.
pub(super) struct Answers<T> {
    key: hmac::Key,
    capacity: usize,
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    /// With the time until which each counts.
    kept: HashMap<Question, (T, Instant)>,
    asked: HashMap<Question, watch::Receiver<Option<T>>>,
}

/// A question that was asked, or need not be.
pub(super) enum Asked<T> {
    Known(T),
    UnderWay(watch::Receiver<Option<T>>),
    TooMany,
}

impl<T: Clone> Asked<T> {
    /// Waits for the answer. There is none when too many questions are under way, or the runtime ends.
    pub(super) async fn answer(self) -> Option<T> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::UnderWay(mut receiver) => receiver.wait_for(Option::is_some).await.ok()?.clone(),
            Self::TooMany => None,
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Answers<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()),
            capacity,
            state: Arc::new(Mutex::new(State {
                kept: HashMap::new(),
                asked: HashMap::new(),
            })),
        }
    }

    #[cfg(test)]
    fn kept(&self, question: &[&str]) -> Option<T> {
        let question = self.fingerprint(question);
        lock(&self.state).kept(&question, Instant::now())
    }

    /// The answer that is kept, if there is one. From now on it counts until this time, if that is later.
    pub(super) fn kept_on(&self, question: &[&str], until: Instant) -> Option<T> {
        let question = self.fingerprint(question);
        let mut state = lock(&self.state);
        let answer = state.kept(&question, Instant::now())?;
        if let Some((_, end)) = state.kept.get_mut(&question) {
            *end = until.max(*end);
        }
        Some(answer)
    }

    /// Asks, unless the answer is known or under way. `work` gives the answer, and until when it counts for others
    /// who ask later; it goes on when nobody waits any more. Needs a tokio runtime.
    pub(super) fn ask<W>(&self, question: &[&str], work: impl FnOnce() -> W) -> Asked<T>
    where
        W: Future<Output = (T, Option<Instant>)> + Send + 'static,
    {
        let question = self.fingerprint(question);
        let mut state = lock(&self.state);
        if let Some(answer) = state.kept(&question, Instant::now()) {
            return Asked::Known(answer);
        }
        if let Some(receiver) = state.asked.get(&question) {
            return Asked::UnderWay(receiver.clone());
        }
        if state.asked.len() >= self.capacity {
            return Asked::TooMany;
        }
        let (sender, receiver) = watch::channel(None);
        state.asked.insert(question, receiver.clone());
        let asking = Asking {
            question,
            state: Arc::clone(&self.state),
        };
        let capacity = self.capacity;
        let work = work();
        tokio::spawn(async move {
            let (answer, until) = work.await;
            if let Some(until) = until {
                lock(&asking.state).keep(question, answer.clone(), until, capacity);
            }
            sender.send_replace(Some(answer));
            drop(asking);
        });
        Asked::UnderWay(receiver)
    }

    fn fingerprint(&self, question: &[&str]) -> Question {
        let mut context = hmac::Context::with_key(&self.key);
        for part in question {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut fingerprint = Question::default();
        fingerprint.copy_from_slice(context.sign().as_ref());
        fingerprint
    }
}

impl<T: Clone> State<T> {
    fn kept(&self, question: &Question, now: Instant) -> Option<T> {
        let (answer, until) = self.kept.get(question)?;
        (now < *until).then(|| answer.clone())
    }

    fn keep(&mut self, question: Question, answer: T, until: Instant, capacity: usize) {
        if self.kept.len() >= capacity {
            let now = Instant::now();
            self.kept.retain(|_, (_, until)| now < *until);
        }
        if self.kept.len() >= capacity {
            let soonest = self.kept.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(question) = soonest.map(|(question, _)| *question) {
                self.kept.remove(&question);
            }
        }
        self.kept.insert(question, (answer, until));
    }
}

/// Takes the question off the list however its work ends.
struct Asking<T> {
    question: Question,
    state: Arc<Mutex<State<T>>>,
}

impl<T> Drop for Asking<T> {
    fn drop(&mut self) {
        lock(&self.state).asked.remove(&self.question);
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::time::advance;

    use super::*;

    const KEEP: Duration = Duration::from_secs(30);

    /// Asks with work that counts itself and answers its number.
    async fn ask(answers: &Answers<u32>, question: &[&str], count: &Arc<AtomicU32>) -> Option<u32> {
        let count = Arc::clone(count);
        let work = || async move {
            let number = count.fetch_add(1, Ordering::Relaxed);
            (number, Some(Instant::now() + KEEP))
        };
        answers.ask(question, work).answer().await
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_time() {
        let answers = Answers::new(10);
        let count = Arc::default();
        assert_eq!(answers.kept(&["a", "b"]), None);
        assert_eq!(ask(&answers, &["a", "b"], &count).await, Some(0));
        assert_eq!(ask(&answers, &["a", "b"], &count).await, Some(0));
        assert_eq!(answers.kept(&["a", "b"]), Some(0));
        for other in [
            &["ab", ""][..],
            &["", "ab"],
            &["ab"],
            &["a", "b", ""],
            &["b", "a"],
        ] {
            assert_eq!(answers.kept(other), None, "{other:?} is another question");
        }
        advance(KEEP - Duration::from_millis(1)).await;
        assert_eq!(ask(&answers, &["a", "b"], &count).await, Some(0));
        advance(Duration::from_millis(1)).await;
        assert_eq!(ask(&answers, &["a", "b"], &count).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_kept_is_bounded_and_the_first_to_end_goes() {
        let answers = Answers::new(3);
        let count = Arc::default();
        for question in ["a", "b", "c", "d"] {
            ask(&answers, &[question], &count).await;
            advance(Duration::from_secs(1)).await;
        }
        let kept = ["a", "b", "c", "d"].map(|question| answers.kept(&[question]).is_some());
        assert_eq!(kept, [false, true, true, true]);
        advance(KEEP).await;
        ask(&answers, &["e"], &count).await;
        assert_eq!(lock(&answers.state).kept.len(), 1, "ended ones went first");
    }

    #[tokio::test]
    async fn equal_questions_under_way_are_asked_once() {
        let answers = Answers::<u32>::new(2);
        let gate = Arc::new(Semaphore::new(0));
        let count = Arc::new(AtomicU32::new(0));
        let ask = |question| {
            let (gate, count) = (Arc::clone(&gate), Arc::clone(&count));
            answers.ask(&[question], || async move {
                let _ = gate.acquire().await;
                (count.fetch_add(1, Ordering::Relaxed), None)
            })
        };
        let first = ask("a");
        let waiting: Vec<_> = (0..100).map(|_| ask("a")).collect();
        let second = ask("b");
        assert!(matches!(ask("c"), Asked::TooMany), "two are under way");
        assert_eq!(ask("c").answer().await, None);
        // Who asked first does not wait: the others get their answer all the same.
        drop(first);
        gate.add_permits(1);
        let mut numbers = Vec::new();
        for asked in waiting {
            numbers.push(asked.answer().await);
        }
        assert!(
            numbers
                .iter()
                .all(|number| number.is_some() && *number == numbers[0])
        );
        assert!(second.answer().await.is_some());
        assert_eq!(count.load(Ordering::Relaxed), 2);
        // It was not to be kept.
        assert!(ask("a").answer().await.is_some());
        assert_eq!(count.load(Ordering::Relaxed), 3);
        assert!(lock(&answers.state).kept.is_empty());
    }

    #[tokio::test]
    async fn work_that_panics_leaves_nothing_behind() {
        let answers = Answers::<u32>::new(1);
        let asked = answers.ask(&["a"], || async { panic!("for this test") });
        assert_eq!(asked.answer().await, None);
        assert_eq!(ask(&answers, &["a"], &Arc::default()).await, Some(0));
    }
}

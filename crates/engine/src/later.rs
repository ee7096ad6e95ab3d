//! Work that nobody waits for. It costs no commit of its own where others come anyway: it is done
//! together with theirs.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::work::{Done, Work};

/// How long it waits for a commit of others.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// How long until it is tried again where there was no space for it, or no store.
const AGAIN_EVERY: Duration = Duration::from_secs(1);

/// What is to be done later.
#[derive(Debug, Default)]
pub(crate) struct Later {
    work: Vec<Work>,
    /// When it must be done by itself; none where there is nothing.
    due: Option<Instant>,
}

impl Later {
    pub(crate) fn push(&mut self, work: Work, now: Instant) {
        self.work.push(work);
        self.due.get_or_insert(now + WAIT_MAX);
    }

    /// How long it can wait; none where there is nothing to do.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }

    /// What the next commit does besides its own work.
    pub(crate) fn take(&mut self) -> Vec<Work> {
        self.due = None;
        std::mem::take(&mut self.work)
    }

    /// What was taken comes again where it could not be done for want of space or of a store.
    pub(crate) fn answered(
        &mut self,
        taken: Vec<Work>,
        answers: impl IntoIterator<Item = Result<Done, Failure>>,
        now: Instant,
    ) {
        for (work, answer) in taken.into_iter().zip(answers) {
            match answer {
                Ok(_) => {}
                Err(Failure::Full | Failure::Store(_)) => {
                    self.work.push(work);
                    self.due = Some(now + AGAIN_EVERY);
                }
                Err(error) => tracing::error!(%error, "what was to be done later failed"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::principal::Principal;
    use tidegate_store::{Write, Written};

    use super::*;

    fn done(id: i64) -> Work {
        Work::Write(Write::DeliveryDone(id), Principal::tidegate())
    }

    #[test]
    fn it_waits_for_others_but_not_for_ever() {
        let (mut later, now) = (Later::default(), Instant::now());
        assert_eq!(later.wait(now), None);
        later.push(done(1), now);
        later.push(done(2), now + WAIT_MAX / 2);
        assert_eq!(later.wait(now), Some(WAIT_MAX));
        assert_eq!(later.wait(now + WAIT_MAX * 2), Some(Duration::ZERO));
        assert_eq!(later.take().len(), 2);
        assert_eq!(later.wait(now), None);
    }

    #[test]
    fn what_finds_no_space_is_tried_again_after_a_while() {
        let (mut later, now) = (Later::default(), Instant::now());
        for id in 1..=3 {
            later.push(done(id), now);
        }
        let taken = later.take();
        let put_aside = Failure::Internal("put aside".to_owned());
        let answers = [Ok(Done::Written(Written::Done)), Err(put_aside), Err(Failure::Full)];
        later.answered(taken, answers, now);
        assert_eq!(later.wait(now), Some(AGAIN_EVERY));
        let again = later.take();
        assert!(matches!(again[..], [Work::Write(Write::DeliveryDone(3), _)]), "{again:?}");
    }
}

//! How far a stage is behind the one before it.

use jiff::Timestamp;
use tidegate_core::sequence::Deployed;

use super::{seconds_between, span};

/// What runs in a stage against what runs in the stage before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lag {
    /// The same, or nothing runs there.
    None,
    /// So many deployments were made there since, the first of them at that time.
    Behind(usize, Timestamp),
    /// Something else, which did not run there as far as is known.
    Differs,
}

impl Lag {
    /// What the newest of `here` is against `before`; both newest last.
    pub(crate) fn of(before: &[Deployed], here: &[Deployed]) -> Self {
        let (Some(ahead), Some(here)) = (before.last(), here.last()) else { return Self::None };
        if ahead.image == here.image {
            return Self::None;
        }
        match before.iter().rposition(|old| old.image == here.image) {
            Some(at) => Self::Behind(before.len() - 1 - at, before[at + 1].at),
            None => Self::Differs,
        }
    }

    /// `2 behind, 6 d`; empty where there is nothing to say.
    pub(crate) fn words(self, now: Timestamp) -> String {
        match self {
            Self::None => String::new(),
            Self::Behind(count, since) => {
                format!("{count} behind, {}", span(seconds_between(since, now)))
            }
            Self::Differs => "another version".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::names::{ContextId, EventId};

    use super::*;

    fn deployed(images: &str) -> Vec<Deployed> {
        let images = images.split_whitespace().enumerate();
        images
            .map(|(n, image)| Deployed {
                image: image.to_owned(),
                context: ContextId::from_bytes([1; 16]),
                event: EventId::from_bytes([2; 16]),
                at: at(n),
                overridden: None,
            })
            .collect()
    }

    fn at(n: usize) -> Timestamp {
        Timestamp::from_second(86_400 * n as i64).unwrap()
    }

    #[test]
    fn a_stage_is_behind_by_what_was_deployed_before_it_since() {
        for (before, here, lag) in [
            ("v1 v2 v3", "v1", Lag::Behind(2, at(1))),
            ("v1 v2 v3", "v2", Lag::Behind(1, at(2))),
            ("v1 v2 v3", "v3", Lag::None),
            // One that was rolled back and came again counts from where it came last.
            ("v1 v2 v1 v3", "v1", Lag::Behind(1, at(3))),
            ("v1 v2", "hotfix", Lag::Differs),
            ("", "v1", Lag::None),
            ("v1", "", Lag::None),
        ] {
            assert_eq!(Lag::of(&deployed(before), &deployed(here)), lag, "{before} / {here}");
        }
        assert_eq!(Lag::Behind(2, at(1)).words(at(7)), "2 behind, 6 d");
        assert_eq!(Lag::Differs.words(at(7)), "another version");
    }
}

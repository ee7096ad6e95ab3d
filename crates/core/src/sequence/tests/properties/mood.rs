//! How often what happens, in one history and another.

use super::case::Case;
use super::deeds::SERVICES;
use crate::dice::Dice;

type Deed = fn(&mut Case);

/// What kinds of things happen, and how often in a history where nothing is favoured.
const KINDS: [(Deed, usize); 12] = [
    (Case::trigger, 12),
    (Case::settle_some, 20),
    (Case::execute, 14),
    (Case::answer, 22),
    (Case::vote, 12),
    (Case::control, 14),
    (Case::timer, 10),
    (Case::time, 5),
    (Case::resolve_again, 1),
    (Case::switch_reading, 1),
    (Case::record, 1),
    (Case::push_another, 1),
];

/// What a history is made of: no two have the same mixture.
#[derive(Debug)]
pub(super) struct Mood {
    weights: [usize; KINDS.len()],
    pub(super) services: usize,
    /// How many triggers in a hundred go into a context that is there.
    pub(super) same_context: usize,
    /// How many answers in a hundred are a success.
    pub(super) good: usize,
    /// How many steps that follow are let happen at once, at most.
    room: usize,
}

impl Mood {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let factors = [0, 1, 1, 1, 2, 4];
        Self {
            weights: KINDS.map(|(_, weight)| weight * factors[dice.below(factors.len())]),
            services: 1 + dice.below(SERVICES.len()) * dice.below(2),
            same_context: [0, 30, 90][dice.below(3)],
            good: [50, 80, 95][dice.below(3)],
            room: [1, 5, 1_000_000][dice.below(3)],
        }
    }

    /// How many steps that follow happen at once this time.
    pub(super) fn room(&self, dice: &mut Dice) -> usize {
        dice.below(self.room + 1).max(if self.room > 5 { 100 } else { 0 })
    }
}

impl Case {
    /// One thing happens.
    pub(super) fn anything(&mut self) {
        let all: usize = self.mood.weights.iter().sum();
        let mut place = self.dice.below(all.max(1));
        for (index, weight) in self.mood.weights.into_iter().enumerate() {
            if place < weight {
                return KINDS[index].0(self);
            }
            place -= weight;
        }
        self.trigger();
    }
}

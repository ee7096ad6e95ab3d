//! Whose delivery is worked on next.

use std::collections::{BTreeMap, VecDeque};

use tidegate_core::names::ProjectName;

/// Places to work at, and those that wait for one. A project takes a place only while it has fewer than are
/// free: one alone has half of them at most, the next half of the rest, so that whoever comes last finds one,
/// however slow the work of the others is. Within a project, and among those that may begin, the first comes
/// first.
#[derive(Debug)]
pub(super) struct Turns {
    free: usize,
    /// How many places a project has; one that has none is not there.
    taken: BTreeMap<ProjectName, usize>,
    /// Deliveries that wait; a project without any is not there. Ids alone: there may be many.
    waiting: BTreeMap<ProjectName, VecDeque<i64>>,
}

impl Turns {
    /// So many places, all of them free.
    pub(super) fn of(places: usize) -> Self {
        Self { free: places, taken: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    /// A delivery is there, a later one than all before. Whether it begins at once, and has a place; else it
    /// waits.
    pub(super) fn arrived(&mut self, project: &ProjectName, delivery: i64) -> bool {
        // Whoever may begin does not wait: nobody is passed over.
        if self.may_begin(project) {
            self.take(project);
            return true;
        }
        self.waiting.entry(project.clone()).or_default().push_back(delivery);
        false
    }

    /// A place of a project is free again.
    pub(super) fn ended(&mut self, project: &ProjectName) {
        let Some(taken) = self.taken.get_mut(project) else { return };
        *taken -= 1;
        if *taken == 0 {
            self.taken.remove(project);
        }
        self.free += 1;
    }

    /// The delivery that begins next, and has a place; none where all that wait must go on waiting.
    pub(super) fn next(&mut self) -> Option<(ProjectName, i64)> {
        let first = |(project, line): (&ProjectName, &VecDeque<i64>)| {
            let delivery = *line.front()?;
            self.may_begin(project).then(|| (delivery, project.clone()))
        };
        let (delivery, project) = self.waiting.iter().filter_map(first).min()?;
        if let Some(line) = self.waiting.get_mut(&project) {
            line.pop_front();
            if line.is_empty() {
                self.waiting.remove(&project);
            }
        }
        self.take(&project);
        Some((project, delivery))
    }

    fn may_begin(&self, project: &ProjectName) -> bool {
        self.taken.get(project).copied().unwrap_or_default() < self.free
    }

    fn take(&mut self, project: &ProjectName) {
        *self.taken.entry(project.clone()).or_default() += 1;
        self.free -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> ProjectName {
        ProjectName::new(name).unwrap()
    }

    /// How many of these begin at once.
    fn begun(turns: &mut Turns, name: &str, deliveries: std::ops::Range<i64>) -> usize {
        deliveries.filter(|delivery| turns.arrived(&project(name), *delivery)).count()
    }

    #[test]
    fn one_project_takes_half_of_the_places_and_each_further_one_half_of_what_is_left() {
        let mut turns = Turns::of(32);
        for (name, begins) in
            [("a", 16), ("b", 8), ("c", 4), ("d", 2), ("e", 1), ("f", 1), ("g", 0)]
        {
            assert_eq!(begun(&mut turns, name, 0..100), begins, "{name}");
        }
        assert_eq!(turns.next(), None);
    }

    #[test]
    fn one_that_has_its_share_waits_and_one_that_has_not_goes_first() {
        let mut turns = Turns::of(4);
        assert_eq!(begun(&mut turns, "slow", 0..9), 2);
        assert!(turns.arrived(&project("fast"), 9));
        assert!(!turns.arrived(&project("fast"), 10), "one is kept for whoever comes");
        assert!(turns.arrived(&project("other"), 11));
        // A place is free, and who has fewest has it, although others came before.
        turns.ended(&project("other"));
        assert!(turns.arrived(&project("third"), 12));
        turns.ended(&project("fast"));
        assert_eq!(turns.next(), Some((project("fast"), 10)));
        turns.ended(&project("slow"));
        turns.ended(&project("slow"));
        assert_eq!(turns.next(), Some((project("slow"), 2)), "the first of those that wait");
        assert_eq!(turns.next(), None);
    }

    #[test]
    fn whatever_waits_begins_in_its_order_once_others_have_ended() {
        let mut turns = Turns::of(2);
        assert!(turns.arrived(&project("a"), 1));
        assert!(!turns.arrived(&project("a"), 2) && !turns.arrived(&project("a"), 3));
        let mut order = Vec::new();
        for _ in 0..2 {
            turns.ended(&project("a"));
            order.extend(turns.next().map(|(_, delivery)| delivery));
            assert_eq!(turns.next(), None);
        }
        assert_eq!(order, [2, 3]);
        turns.ended(&project("a"));
        assert_eq!((turns.next(), turns.free, turns.taken.len()), (None, 2, 0));
    }
}

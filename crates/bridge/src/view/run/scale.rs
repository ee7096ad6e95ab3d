//! Time as length: the bars of a delivery share one scale.

use jiff::{SignedDuration, Timestamp};

use crate::view::span;
use crate::view::svg::Share;

/// Steps between two marks of a scale, in milliseconds.
const STEPS_MS: [i64; 27] = [
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    2_592_000_000,
];
/// Most marks after the one at the start.
const MARKS_MAX: i64 = 5;

/// From the first moment of a delivery to its last. While it is open there is room behind now, for
/// what happens until the page is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    start: Timestamp,
    length_ms: i64,
    now: Option<Timestamp>,
}

/// A mark of a scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: Share,
    /// How long after the start: `0`, `30 s`, `5 min`.
    pub(crate) word: String,
}

impl Scale {
    /// The scale of what began at `start` and has ended.
    pub(crate) fn ended(start: Timestamp, end: Timestamp) -> Self {
        let length_ms = end.as_millisecond() - start.as_millisecond();
        Self { start, length_ms: length_ms.max(1), now: None }
    }

    /// The scale of what is still open.
    pub(crate) fn open(start: Timestamp, now: Timestamp) -> Self {
        let lasts = (now.as_millisecond() - start.as_millisecond()).max(1);
        let room = (lasts / 8).max(2_000);
        Self { start, length_ms: lasts.saturating_add(room), now: Some(now) }
    }

    /// Where a moment lies. Clocks that disagree give a place at the edge, never one outside.
    pub(crate) fn at(&self, moment: Timestamp) -> Share {
        Share::of(moment.as_millisecond() - self.start.as_millisecond(), self.length_ms)
    }

    /// Where now lies, while that moves.
    pub(crate) fn now(&self) -> Option<Share> {
        self.now.map(|now| self.at(now))
    }

    /// When it begins, in milliseconds since 1970, and how long it is, for the script that moves the
    /// line of now.
    pub(crate) fn range_ms(&self) -> (i64, i64) {
        (self.start.as_millisecond(), self.length_ms)
    }

    /// The marks, evenly spaced.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let longest = STEPS_MS[STEPS_MS.len() - 1];
        let step = STEPS_MS.into_iter().find(|step| self.length_ms / step <= MARKS_MAX);
        let step = step.unwrap_or_else(|| longest * (self.length_ms / (longest * MARKS_MAX) + 1));
        (0..=self.length_ms / step)
            .map(|n| {
                let after = SignedDuration::from_millis(n * step);
                Mark { at: Share::of(n * step, self.length_ms), word: word(after) }
            })
            .collect()
    }
}

fn word(after: SignedDuration) -> String {
    match after.as_millis() {
        0 => "0".to_owned(),
        ms if ms % 1000 == 0 => span(after.as_secs()),
        ms if ms > 1000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    #[test]
    fn places_are_to_scale_and_inside() {
        let scale = Scale::ended(at(0), at(100));
        let place = |seconds| scale.at(at(seconds)).to_string();
        assert_eq!([place(10), place(60), place(-50), place(500)], ["10%", "60%", "0%", "100%"]);
        assert_eq!(scale.now(), None);
        let instant = Scale::ended(at(0), at(0));
        assert_eq!(instant.at(at(0)).to_string(), "0%");
    }

    #[test]
    fn what_is_open_leaves_room_behind_now() {
        let scale = Scale::open(at(0), at(800));
        assert_eq!(scale.range_ms(), (1_000_000, 900_000));
        assert_eq!(scale.now().unwrap().to_string(), "88.888%");
    }

    #[test]
    fn marks_are_few_even_and_read_as_spans() {
        let words = |ms: i64| {
            let start = at(0);
            let end = start + SignedDuration::from_millis(ms);
            let marks = Scale::ended(start, end).marks();
            assert!(marks.len() <= 6 && marks[0].at == Share::of(0, 1), "{marks:?}");
            marks.into_iter().map(|mark| mark.word).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(words(1), "0");
        assert_eq!(words(250), "0, 50 ms, 100 ms, 150 ms, 200 ms, 250 ms");
        assert_eq!(words(2_500), "0, 500 ms, 1 s, 1.5 s, 2 s, 2.5 s");
        assert_eq!(words(61_000), "0, 15 s, 30 s, 45 s, 1 min");
        assert_eq!(words(3_600_000 * 7), "0, 2 h, 4 h, 6 h");
        assert_eq!(words(86_400_000 * 4000).split(", ").count(), 5);
    }
}

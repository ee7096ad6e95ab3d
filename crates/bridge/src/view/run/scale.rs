//! Time as length: the bars of a delivery share one scale.

use jiff::Timestamp;

use crate::view::Status;

/// Units of the whole width; the page stretches them.
const WIDTH: i64 = 1000;
/// The narrowest bar that can still be seen.
const BAR_MIN: i64 = 6;

/// From the first moment of a delivery to its last, or to now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    start: Timestamp,
    length_ms: i64,
}

/// A bar: where it begins and how long it is, in thousandths of the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) x: i64,
    pub(crate) width: i64,
    pub(crate) tone: &'static str,
}

impl Scale {
    /// A scale between two moments.
    pub(crate) fn new(start: Timestamp, end: Timestamp) -> Self {
        let length = end.as_millisecond() - start.as_millisecond();
        Self { start, length_ms: length.max(1) }
    }

    /// The bar of something that took from `start` to `end`. Clocks that disagree give a bar at the
    /// edge, never one outside.
    pub(crate) fn bar(&self, start: Timestamp, end: Timestamp, status: Status) -> Bar {
        let at = |moment: Timestamp| {
            let since = moment.as_millisecond() - self.start.as_millisecond();
            (since * WIDTH / self.length_ms).clamp(0, WIDTH)
        };
        let width = (at(end) - at(start)).max(BAR_MIN);
        Bar { x: at(start).min(WIDTH - width), width, tone: status.tone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_to_scale_visible_and_inside() {
        let at = |seconds: i64| Timestamp::from_second(1_000 + seconds).unwrap();
        let scale = Scale::new(at(0), at(100));
        let bar = |start, end| {
            let bar = scale.bar(at(start), at(end), Status::Passed);
            (bar.x, bar.width)
        };
        assert_eq!(bar(10, 60), (100, 500));
        assert_eq!(bar(50, 50), (500, BAR_MIN));
        assert_eq!(bar(100, 100), (WIDTH - BAR_MIN, BAR_MIN));
        assert_eq!(bar(-50, 500), (0, WIDTH));
        assert_eq!(bar(60, 10), (600, BAR_MIN));
        let instant = Scale::new(at(0), at(0)).bar(at(0), at(0), Status::Passed);
        assert_eq!((instant.x, instant.width), (0, BAR_MIN));
    }
}

//! The bar of a task: what it waited for, hatched; what was done, solid; a person, dotted.

use jiff::Timestamp;

use super::scale::Scale;
use crate::view::Status;
use crate::view::svg::{Drawing, Look, Share, Svg};

/// Height of a bar, in pixels.
const HEIGHT: i32 = 16;
/// Least width of a bar, in pixels.
const WIDTH_MIN: i32 = 3;
/// Most bars above each other; the row says how many there are.
const STACKED_MAX: usize = 4;

/// What a bar shows.
pub(super) struct Track {
    /// When it could have begun.
    pub(super) ready: Timestamp,
    /// When it was triggered; none before that.
    pub(super) triggered: Option<Timestamp>,
    /// Who has taken it, in order of their `.started`.
    pub(super) attempts: Vec<Attempt>,
    /// When it was over; none while it is open.
    pub(super) ended: Option<Timestamp>,
    pub(super) status: Status,
    /// Whether a person is asked.
    pub(super) asks: bool,
}

/// One executor's work on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) started: Timestamp,
    /// None while it works.
    pub(super) finished: Option<Timestamp>,
    pub(super) status: Status,
}

impl Attempt {
    /// Whether its end lies before its start: the clock was set back.
    pub(super) fn is_backwards(&self) -> bool {
        self.finished.is_some_and(|finished| finished < self.started)
    }
}

/// Draws a track on a scale.
pub(super) fn draw(track: &Track, scale: &Scale, now: Timestamp) -> Svg {
    let mut drawing = Drawing::begin("bar");
    for mark in scale.marks() {
        drawing.upright("tick", mark.at);
    }
    let end = track.ended.unwrap_or(now);
    let is_open = track.status.is_open();
    let begun = match (track.asks, track.attempts.first()) {
        (true, _) => track.triggered,
        (false, first) => first.map(|attempt| attempt.started),
    };
    let (from, until) = (scale.at(track.ready), scale.at(begun.unwrap_or(end)));
    let wait = (from, from.to(until));
    if !wait.1.is_nothing() {
        let look = Look { class: "wait", fill: Some("p-wait") };
        drawing.bar(look, wait, lane(0, 1), is_open && begun.is_none());
    }
    if let (true, Some(asked)) = (track.asks, track.triggered) {
        let look = Look { class: "ask", fill: Some("p-ask") };
        bar(&mut drawing, scale, look, (asked, end), lane(0, 1), is_open);
    } else {
        let shown = &track.attempts[..track.attempts.len().min(STACKED_MAX)];
        for (n, attempt) in shown.iter().enumerate() {
            let finished = attempt.finished.unwrap_or(end);
            // Where a clock was set back, the bar lies between the two moments all the same.
            let span = (attempt.started.min(finished), attempt.started.max(finished));
            let look = Look { class: work(attempt.status), fill: None };
            let grows = is_open && attempt.finished.is_none();
            bar(&mut drawing, scale, look, span, lane(n, shown.len()), grows);
        }
        if shown.is_empty() && !is_open && track.triggered.is_some() {
            // Over before anybody took it.
            drawing.foot(work(track.status), scale.at(end), lane(0, 1), WIDTH_MIN);
        }
    }
    if matches!(track.status, Status::Failed | Status::TimedOut | Status::Declined) {
        drawing.cross("end t-fail", scale.at(end));
    }
    if let Some(now) = scale.now() {
        drawing.upright("now", now);
    }
    drawing.finish()
}

fn bar(
    drawing: &mut Drawing,
    scale: &Scale,
    look: Look,
    (start, end): (Timestamp, Timestamp),
    lane: (i32, i32),
    grows: bool,
) {
    let start = scale.at(start);
    // Room for the least width at the right edge is left by the style sheet.
    drawing.foot(look.class, start, lane, WIDTH_MIN);
    drawing.bar(look, (start, start.to(scale.at(end))), lane, grows);
}

/// Top and height of bar `n` of so many.
fn lane(n: usize, of: usize) -> (i32, i32) {
    let (n, of) = (i32::try_from(n).unwrap_or(0), i32::try_from(of).unwrap_or(1).max(1));
    let height = if of == 1 { HEIGHT } else { (HEIGHT + 4) / of - 1 };
    let whole = of * (height + 1) - 1;
    (n * (height + 1) - whole / 2 - whole % 2, height)
}

fn work(status: Status) -> &'static str {
    match status.tone() {
        "pass" => "work t-pass",
        "warn" => "work t-warn",
        "fail" => "work t-fail",
        "running" => "work t-running",
        "stopped" => "work t-stopped",
        _ => "work t-quiet",
    }
}

/// The axis above the rows.
pub(super) fn axis(scale: &Scale) -> Svg {
    let mut drawing = Drawing::begin("bar axis");
    let marks = scale.marks();
    // Behind the words.
    if let Some(now) = scale.now() {
        drawing.upright("now", now);
    }
    for mark in &marks {
        drawing.upright("tick", mark.at);
        // A word that begins at the edge would end outside.
        if mark.at.to(Share::WHOLE) > Share::of(8, 100) {
            drawing.text("word", mark.at, 4, &mark.word);
        }
    }
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    fn track(status: Status) -> Track {
        Track {
            ready: at(0),
            triggered: Some(at(10)),
            attempts: Vec::new(),
            ended: Some(at(60)),
            status,
            asks: false,
        }
    }

    /// The bars of a drawing: class, place and size.
    fn bars(track: &Track) -> Vec<String> {
        let svg = draw(track, &Scale::ended(at(0), at(100)), at(100)).to_string();
        let rects = svg.split("<rect class=\"").skip(1);
        let bars = rects.map(|rect| rect.split("/>").next().unwrap().replace(['"', '\\'], ""));
        bars.collect()
    }

    fn attempt(started: i64, finished: Option<i64>, status: Status) -> Attempt {
        Attempt { started: at(started), finished: finished.map(at), status }
    }

    #[test]
    fn waiting_is_hatched_and_work_is_solid_and_to_scale() {
        let attempts = vec![attempt(20, Some(60), Status::Passed)];
        let drawn = bars(&Track { attempts, ..track(Status::Passed) });
        assert_eq!(
            drawn,
            [
                "wait fill=url(#p-wait) x=0% y=-8 width=20% height=16",
                "work t-pass x=20% y=-8 width=3 height=16",
                "work t-pass x=20% y=-8 width=40% height=16",
            ]
        );
    }

    #[test]
    fn several_executors_stand_above_each_other() {
        let attempts =
            vec![attempt(10, Some(30), Status::Failed), attempt(20, Some(60), Status::Passed)];
        let drawn = bars(&Track { ready: at(10), attempts, ..track(Status::Failed) });
        assert_eq!(drawn[1], "work t-fail x=10% y=-10 width=20% height=9");
        assert_eq!(drawn[3], "work t-pass x=20% y=0 width=40% height=9");
        let many = vec![attempt(10, Some(30), Status::Passed); 9];
        let drawn = bars(&Track { ready: at(10), attempts: many, ..track(Status::Passed) });
        assert_eq!(drawn.len(), 2 * STACKED_MAX);
    }

    #[test]
    fn a_person_is_dotted_and_an_open_bar_grows() {
        let asked = Track { asks: true, ended: None, ..track(Status::NeedsApproval) };
        let drawn = bars(&asked);
        assert_eq!(drawn[2], "ask fill=url(#p-ask) data-open= x=10% y=-8 width=90% height=16");
        let queued = Track { triggered: None, ended: None, ..track(Status::Queued) };
        assert_eq!(
            bars(&queued),
            ["wait fill=url(#p-wait) data-open= x=0% y=-8 width=100% height=16"]
        );
    }

    #[test]
    fn a_clock_that_was_set_back_draws_between_the_two_moments() {
        let backwards = attempt(60, Some(40), Status::Passed);
        assert!(backwards.is_backwards());
        let drawn = bars(&Track { attempts: vec![backwards], ..track(Status::Passed) });
        assert_eq!(drawn[2], "work t-pass x=40% y=-8 width=20% height=16");
    }

    #[test]
    fn a_failure_ends_in_a_cross_and_now_is_a_line_only_while_it_moves() {
        let failed = track(Status::Failed);
        let ended = draw(&failed, &Scale::ended(at(0), at(100)), at(100)).to_string();
        assert!(ended.contains("class=\"end t-fail\"") && !ended.contains("class=\"now\""));
        let open = draw(&track(Status::Passed), &Scale::open(at(0), at(800)), at(800)).to_string();
        assert!(open.contains("<line class=\"now\" x1=\"88.888%\""), "{open}");
    }
}

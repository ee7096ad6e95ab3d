//! Drawings. Everything that becomes SVG passes through one writer: names are constants, geometry is
//! numbers, and text is escaped.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;

/// A finished drawing. Only [`Drawing`] makes one, so that a template may write it as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Svg {}

/// A share of the width, in thousandths of a per cent: a drawing is as wide as the page lets it be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share(i64);

impl Share {
    /// All of it.
    pub(crate) const WHOLE: Self = Self(100_000);

    /// `part` of `whole`, no less than nothing and no more than all of it.
    pub(crate) fn of(part: i64, whole: i64) -> Self {
        let thousandths = i128::from(part) * 100_000 / i128::from(whole.max(1));
        let clamped = thousandths.clamp(0, i128::from(Self::WHOLE.0));
        Self(i64::try_from(clamped).unwrap_or(0))
    }

    /// From here to `end`; nothing where that lies before.
    pub(crate) fn to(self, end: Self) -> Self {
        Self((end.0 - self.0).max(0))
    }

    /// Whether it is too little to be seen.
    pub(crate) fn is_nothing(self) -> bool {
        self.0 < 50
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1000 {
            0 => write!(f, "{}%", self.0 / 1000),
            rest => write!(f, "{}.{rest:03}%", self.0 / 1000),
        }
    }
}

/// A drawing that is being written. Vertical lengths are pixels from the middle of the drawing, so
/// that it fits rows of any height.
pub(crate) struct Drawing {
    out: String,
}

impl Drawing {
    /// Begins a drawing that says nothing which is not in the text beside it.
    pub(crate) fn begin(class: &'static str) -> Self {
        Self {
            out: format!(
                "<svg class=\"{class}\" aria-hidden=\"true\"><svg y=\"50%\" overflow=\"visible\">"
            ),
        }
    }

    /// A bar of `height` whose upper edge lies at `top`. `open` marks one that grows.
    pub(crate) fn bar(
        &mut self,
        look: Look,
        (start, width): (Share, Share),
        (top, height): (i32, i32),
        open: bool,
    ) {
        let Look { class, fill } = look;
        let fill = fill.map(|pattern| format!(" fill=\"url(#{pattern})\"")).unwrap_or_default();
        let open = if open { " data-open=\"\"" } else { "" };
        self.put(format_args!(
            "<rect class=\"{class}\"{fill}{open} x=\"{start}\" y=\"{top}\" width=\"{width}\" \
             height=\"{height}\"/>"
        ));
    }

    /// Where a bar begins: makes a short one wide enough to be seen, in pixels.
    pub(crate) fn foot(
        &mut self,
        class: &'static str,
        start: Share,
        (top, height): (i32, i32),
        width: i32,
    ) {
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{start}\" y=\"{top}\" width=\"{width}\" \
             height=\"{height}\"/>"
        ));
    }

    /// A vertical line through the whole drawing.
    pub(crate) fn upright(&mut self, class: &'static str, at: Share) {
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{at}\" x2=\"{at}\" y1=\"-100\" y2=\"100\"/>"
        ));
    }

    /// A cross of 8 pixels behind a point in the middle.
    pub(crate) fn cross(&mut self, class: &'static str, at: Share) {
        self.put(format_args!(
            "<svg x=\"{at}\" overflow=\"visible\"><path class=\"{class}\" \
             d=\"M4-4 12 4M12-4 4 4\"/></svg>"
        ));
    }

    /// A straight line between two points; their second numbers are pixels below the middle.
    pub(crate) fn segment(&mut self, class: &'static str, from: (Share, i32), to: (Share, i32)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        ));
    }

    /// A line through many points, each the half of a column of `columns` and pixels below the middle: one
    /// element, however long it is.
    pub(crate) fn polyline(
        &mut self,
        class: &'static str,
        columns: usize,
        half_px: i32,
        points: impl Iterator<Item = (usize, i32)>,
    ) {
        let (width, height) = (2 * columns.max(1), 2 * half_px.max(1));
        self.put(format_args!(
            "<svg y=\"-{half_px}\" height=\"{height}\" viewBox=\"0 -{half_px} {width} {height}\" \
             preserveAspectRatio=\"none\" overflow=\"visible\"><polyline class=\"{class}\" points=\""
        ));
        for (column, down) in points {
            self.put(format_args!("{} {down} ", 2 * column + 1));
        }
        self.out.push_str("\"/></svg>");
    }

    /// A small shape around a point, `down` pixels below the middle.
    pub(crate) fn mark(&mut self, class: &'static str, mark: Mark, at: Share, down: i32) {
        let path = mark.path();
        self.put(format_args!(
            "<svg x=\"{at}\" y=\"{down}\" overflow=\"visible\"><path class=\"{class}\" \
             d=\"{path}\"/></svg>"
        ));
    }

    /// Text that begins at a point, `down` pixels below the middle.
    pub(crate) fn text(&mut self, class: &'static str, at: Share, down: i32, text: &str) {
        self.put(format_args!("<text class=\"{class}\" x=\"{at}\" y=\"{down}\">"));
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                c => self.out.push(c),
            }
        }
        self.out.push_str("</text>");
    }

    /// The drawing.
    pub(crate) fn finish(mut self) -> Svg {
        self.out.push_str("</svg></svg>");
        Svg(self.out)
    }

    fn put(&mut self, part: fmt::Arguments<'_>) {
        // A `String` takes everything.
        let _ = self.out.write_fmt(part);
    }
}

/// What stands for a value: the shape says how it was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A full dot.
    Dot,
    /// A ring.
    Hollow,
    Triangle,
    Cross,
}

impl Mark {
    fn path(self) -> &'static str {
        match self {
            Self::Dot => "M-1 0a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM-2 0a2 2 0 1 0 4 0 2 2 0 1 0-4 0z",
            Self::Hollow => "M-3 0a3 3 0 1 0 6 0 3 3 0 1 0-6 0z",
            Self::Triangle => "M0-3.5 3.5 3h-7z",
            Self::Cross => "M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5",
        }
    }
}

/// How a bar is filled: by its class, or by a pattern of the page as well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) class: &'static str,
    pub(crate) fill: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_stay_inside_whatever_is_asked() {
        for (part, whole, text) in [
            (1, 3, "33.333%"),
            (-5, 10, "0%"),
            (15, 10, "100%"),
            (i64::MAX, 1, "100%"),
            (7, 0, "100%"),
            (5, 100, "5%"),
        ] {
            assert_eq!(Share::of(part, whole).to_string(), text, "{part}/{whole}");
        }
        assert_eq!(Share::of(60, 100).to(Share::of(20, 100)), Share(0));
    }

    #[test]
    fn a_drawing_has_escaped_text_and_numbers_for_geometry() {
        let mut drawing = Drawing::begin("bar");
        let look = Look { class: "wait", fill: Some("p-wait") };
        drawing.bar(look, (Share::of(1, 4), Share::of(1, 2)), (-8, 16), true);
        drawing.foot("work t-pass", Share::of(1, 4), (-8, 16), 3);
        drawing.upright("now", Share::WHOLE);
        drawing.cross("end", Share::of(1, 2));
        drawing.segment("line", (Share::of(0, 1), -4), (Share::of(1, 2), 12));
        drawing.mark("mark", Mark::Cross, Share::of(1, 2), 12);
        drawing.polyline("value", 3, 40, [(0, -4), (2, 12)].into_iter());
        drawing.text("tick", Share::of(0, 1), 4, "</text><script>&\"");
        assert_eq!(
            drawing.finish().to_string(),
            "<svg class=\"bar\" aria-hidden=\"true\"><svg y=\"50%\" overflow=\"visible\">\
             <rect class=\"wait\" fill=\"url(#p-wait)\" data-open=\"\" x=\"25%\" y=\"-8\" \
             width=\"50%\" height=\"16\"/>\
             <rect class=\"work t-pass\" x=\"25%\" y=\"-8\" width=\"3\" height=\"16\"/>\
             <line class=\"now\" x1=\"100%\" x2=\"100%\" y1=\"-100\" y2=\"100\"/>\
             <svg x=\"50%\" overflow=\"visible\"><path class=\"end\" d=\"M4-4 12 4M12-4 4 4\"/></svg>\
             <line class=\"line\" x1=\"0%\" y1=\"-4\" x2=\"50%\" y2=\"12\"/>\
             <svg x=\"50%\" y=\"12\" overflow=\"visible\"><path class=\"mark\" \
             d=\"M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5\"/></svg>\
             <svg y=\"-40\" height=\"80\" viewBox=\"0 -40 6 80\" preserveAspectRatio=\"none\" \
             overflow=\"visible\"><polyline class=\"value\" points=\"1 -4 5 12 \"/></svg>\
             <text class=\"tick\" x=\"0%\" y=\"4\">&lt;/text&gt;&lt;script&gt;&amp;\"</text>\
             </svg></svg>"
        );
    }
}

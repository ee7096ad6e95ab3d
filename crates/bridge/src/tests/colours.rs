//! The colours of the style sheet can be told apart, in light and in dark.

use std::collections::HashMap;

use crate::assets::STYLE;

type Colour = [f64; 3];

/// Every `--name: light-dark(#…, #…);` of the style sheet.
fn tokens() -> HashMap<&'static str, [Colour; 2]> {
    let lines = STYLE.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let (light, dark) = value.strip_suffix(");")?.split_once(", ")?;
        Some((name, [colour(light), colour(dark)]))
    });
    lines.collect()
}

fn colour(hex: &str) -> Colour {
    let part = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
    [part(1), part(3), part(5)]
}

/// WCAG 2: relative luminance.
fn luminance(colour: Colour) -> f64 {
    let linear =
        colour.map(|c| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// WCAG 2: contrast ratio.
fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_and_controls_stand_out_from_what_is_behind_them() {
    let tokens = tokens();
    let mut weak = Vec::new();
    let mut check = |front: &str, back: &str, least: f64| {
        for (theme, name) in ["light", "dark"].iter().enumerate() {
            let ratio = contrast(tokens[front][theme], tokens[back][theme]);
            if ratio < least {
                weak.push(format!("{front} on {back}, {name}: {ratio:.2} < {least}"));
            }
        }
    };
    for back in ["paper", "surface", "sunken"] {
        for text in ["ink", "ink-2", "ink-3", "accent"] {
            check(text, back, 4.5);
        }
        check("line-strong", back, 3.0);
    }
    for text in ["ink", "ink-2", "accent"] {
        check(text, "selected", 4.5);
    }
    check("on-accent", "accent", 4.5);
    // The count in the navigation, and messages.
    check("paper", "ask", 4.5);
    check("paper", "ink", 4.5);
    for state in ["pass", "warn", "fail", "ask", "running", "quiet", "stopped"] {
        for back in ["paper", "surface", "sunken", "selected", &format!("{state}-tint")] {
            check(state, back, 4.5);
        }
        for text in ["ink", "ink-2"] {
            check(text, &format!("{state}-tint"), 4.5);
        }
    }
    // The cells of a heatmap.
    check("ink", "heat-pass", 4.5);
    check("heat-on-warn", "heat-warn", 4.5);
    check("heat-on-fail", "heat-fail", 4.5);
    assert!(weak.is_empty(), "{weak:#?}");
}

#[test]
fn contrast_is_computed_as_the_standard_says() {
    let (black, white) = (colour("#000000"), colour("#FFFFFF"));
    assert!((contrast(black, white) - 21.0).abs() < 1e-9);
    assert!((contrast(colour("#767676"), white) - 4.54).abs() < 0.01);
}

#[test]
fn every_tone_that_a_page_uses_has_colours() {
    for status in crate::view::Status::ALL {
        assert!(STYLE.contains(&format!(".t-{} {{ --tone", status.tone())), "{status:?}");
    }
}

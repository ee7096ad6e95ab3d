//! What holds of everything that a gate says.

/// A message fits a screen, and has no character that a terminal would obey.
#[track_caller]
pub(crate) fn assert_readable(message: &str) {
    assert!(!message.is_empty(), "nothing is said");
    assert!(message.len() < 4 * 1024, "{} bytes: {message:.200}…", message.len());
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!message.contains(obeyed), "{message:?}");
}

/// What is left of a message without what it quotes: numbers and names differ, and it is the same message.
pub(super) fn shape(message: &str) -> String {
    let mut shape = String::new();
    let mut quoted = false;
    for c in message.chars() {
        match c {
            '"' | '`' => quoted = !quoted,
            _ if quoted => {}
            '0'..='9' if shape.ends_with('0') => {}
            '0'..='9' => shape.push('0'),
            c => shape.push(c),
        }
        if shape.len() > 120 {
            break;
        }
    }
    shape
}

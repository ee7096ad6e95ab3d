//! How an input is spoilt.

use serde_json::Value;

use crate::dice::Dice;

/// Numbers at which arithmetic turns over.
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "-1",
    "1e308",
    "-1e999",
    "0x1p-1074",
    "NaN",
    "+Inf",
    "9223372036854775808",
    "18446744073709551615",
    "4294967296",
    "1.7976931348623159e308",
    "00",
    "1_000",
];
/// What is put inside itself.
const NESTED: [&str; 7] = ["[", "{\"a\":", "- ", "(", "<a>", "$..", "a: {"];
/// How deep: deeper than any stack, if each level takes some.
const DEEP: usize = 20_000;

/// An input that comes from `base`, with parts of `other` and some of the `words`.
pub(super) fn mutate(dice: &mut Dice, base: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for _ in 0..=dice.below(3) {
        bytes = match dice.below(9) {
            0 | 1 => dice.spoil(&bytes),
            2 => {
                // The beginning of one and the end of the other.
                let (end, from) = (dice.below(bytes.len() + 1), dice.below(other.len() + 1));
                [&bytes[..end], &other[from..]].concat()
            }
            3 | 4 => put(dice, bytes, words),
            5 => put(dice, bytes, &NUMBERS),
            6 => lines(dice, &bytes),
            7 if dice.percent(5) => {
                let deep = dice.pick(&NESTED).repeat(dice.below(DEEP));
                put(dice, bytes, &[&deep])
            }
            _ => json(dice, &bytes, other).unwrap_or(bytes),
        };
    }
    bytes
}

/// One of the words, before or in place of a run of letters and digits.
fn put(dice: &mut Dice, mut bytes: Vec<u8>, words: &[&str]) -> Vec<u8> {
    let from = dice.below(bytes.len() + 1);
    let run = bytes[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let to = if dice.percent(50) { from } else { from + run };
    bytes.splice(from..to, dice.pick(words).bytes());
    bytes
}

/// A line twice, elsewhere, deeper, or not at all.
fn lines(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let (from, to) = (dice.below(lines.len()), dice.below(lines.len()));
    let line = lines[from];
    let deeper = [b"  ", line].concat();
    match dice.below(4) {
        0 => lines.insert(to, line),
        1 => lines.swap(from, to),
        2 => lines[from] = &deeper,
        _ => drop(lines.remove(from)),
    }
    lines.join(&b'\n')
}

/// The same document with something else in one place of it; none where it is no JSON.
fn json(dice: &mut Dice, bytes: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    let foreign: Value = serde_json::from_slice(other).unwrap_or_default();
    let odd = match dice.below(3) {
        0 => one_place(dice, foreign),
        1 => Value::from(dice.pick(&["", "\0", "\u{1b}[2J", "../..", "a b", "null", "é"])),
        _ => dice.one_of([
            Value::Null,
            Value::from(true),
            Value::from(-1),
            Value::from(u64::MAX),
            Value::from(f64::MAX),
            Value::from(0.5),
            Value::Array(vec![Value::Null]),
            Value::Object(serde_json::Map::new()),
        ])?,
    };
    *place(dice, &mut value) = odd;
    serde_json::to_vec(&value).ok()
}

/// What stands at some place of a document.
fn one_place(dice: &mut Dice, mut value: Value) -> Value {
    place(dice, &mut value).take()
}

/// Some place of a document, mostly one that is deep in it.
fn place<'a>(dice: &mut Dice, value: &'a mut Value) -> &'a mut Value {
    let below = match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    if below == 0 || dice.percent(15) {
        return value;
    }
    let index = dice.below(below);
    let next = match value {
        Value::Array(items) => items.get_mut(index),
        Value::Object(fields) => fields.values_mut().nth(index),
        _ => None,
    };
    place(dice, next.expect("it has as many"))
}

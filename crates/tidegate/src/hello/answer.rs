//! What somebody who opens a stage's address sees.

use std::net::SocketAddr;

use super::slot::Slot;
use crate::request::get;

/// What a stage answers now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Where.
    pub(crate) address: SocketAddr,
    /// The text.
    pub(crate) text: String,
}

/// Asks what runs in a stage. None where nothing answers.
///
/// # Errors
/// The stage's files cannot be read.
pub(crate) fn answer(slot: &Slot) -> anyhow::Result<Option<Answer>> {
    let Some(record) = slot.running()? else { return Ok(None) };
    let answer = get(record.address, "/").ok().filter(|(status, _)| *status == 200);
    Ok(answer.map(|(_, text)| Answer { address: record.address, text: text.trim_end().to_owned() }))
}

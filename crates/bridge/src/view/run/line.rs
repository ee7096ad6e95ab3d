//! The queue that a run stands in.

use tidegate_core::sequence::{Execution, ExecutionState, Queue};
use tidegate_store::{LINE_MAX, Reader, StoreError};

use crate::view::{Text, image_of, short};

/// A place in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// `next` or `3rd in line`
    pub(crate) place: String,
    /// The stage that everybody waits for.
    pub(crate) stage: Text,
    /// The delivery that holds it, and its page.
    pub(crate) behind: Option<(Text, String)>,
}

impl Line {
    /// The place of a run that waits for its turn; none where it waits for nobody.
    ///
    /// # Errors
    /// The store's own.
    pub(crate) fn read(reader: &dyn Reader, run: &Execution) -> Result<Option<Self>, StoreError> {
        let (queue, position) = match &run.state {
            ExecutionState::Waiting => (Queue::Waiting, run.position),
            ExecutionState::Ready { position, .. } => (Queue::Ready, *position),
            _ => return Ok(None),
        };
        let line = reader.line(&run.scope, queue, position)?;
        let holder = match line.holder {
            Some(id) => reader.execution(&run.scope.project, id)?,
            None => None,
        };
        Ok(Some(Self {
            place: place(line.before),
            stage: Text::line(&run.scope.stage),
            behind: holder.map(|holder| {
                let service = || Text::line(&holder.scope.service);
                let what = image_of(&holder.carry).map_or_else(service, short);
                let (project, context) = (&holder.scope.project, holder.context);
                let path = format!("/bridge/project/{project}/sequence/{context}");
                (Text::line(format!("{} of {what}", holder.sequence)), path)
            }),
        }))
    }
}

fn place(before: u64) -> String {
    match before + 1 {
        1 => "next".to_owned(),
        n if before >= LINE_MAX => format!("behind {} others", n - 1),
        n => {
            let ending = match (n % 10, n % 100) {
                (1, other) if other != 11 => "st",
                (2, other) if other != 12 => "nd",
                (3, other) if other != 13 => "rd",
                _ => "th",
            };
            format!("{n}{ending} in line")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_people_say_it() {
        let said: Vec<_> = [0, 1, 2, 3, 10, 20, 111, LINE_MAX].map(place).into();
        let many = format!("behind {LINE_MAX} others");
        let expected = [
            "next",
            "2nd in line",
            "3rd in line",
            "4th in line",
            "11th in line",
            "21st in line",
            "112th in line",
            &many,
        ];
        assert_eq!(said, expected);
    }
}

//! What `pause`, `resume` and `abort` share.

use clap::Args;
use tidegate_client::{Control, SequenceState};

use crate::complete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::find_sequence::WhichSequence;
use crate::format::{Format, Output};
use crate::screen::Screen;

/// Which sequence, and how to say what has become of it.
#[derive(Debug, Args)]
pub(super) struct Target {
    #[command(flatten)]
    which: WhichSequence,
    /// Only what it does in this stage
    #[arg(long, value_name = "NAME", add = complete::stages())]
    stage: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connection: Connection,
}

/// Controls a sequence that is under way, and tells how it stands then.
pub(super) async fn run(
    target: Target,
    control: Control,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let Target { which, stage, output: Output { format }, connection } = target;
    let client = connection.open()?;
    let sequence = which.find(&client).await?;
    let name = format!("{} of {}/{}", sequence.sequence, sequence.project, sequence.service);
    if sequence.state.is_final() {
        let state = sequence.state.as_str();
        return Err(Failure::Refused(format!("nothing was done: the {name} is {state} already")));
    }
    if let Some(stage) = &stage
        && !sequence.runs.iter().any(|run| run.stage == *stage)
        && control == Control::Abort
    {
        let text = format!("nothing was done: the {name} has not reached {stage}");
        return Err(Failure::NotFound(text));
    }
    client.control(&sequence.project, &sequence.context, control, stage.as_deref()).await?;
    let after = client.sequence(&sequence.context).await?;
    if format != Format::Table {
        return screen.value(format, &after);
    }
    let done = match control {
        Control::Pause => "paused",
        Control::Resume => "resumed",
        Control::Abort => "aborted",
    };
    let place = stage.map_or_else(String::new, |stage| format!(" in {stage}"));
    screen.data(&format!("{done} {name}{place} ({})", after.context))?;
    if control == Control::Abort && after.state != SequenceState::Aborted {
        screen.note("What runs elsewhere, or has to end first, goes on.")?;
    }
    Ok(())
}

//! Somebody pauses, resumes or stops a context, or one stage of it.

use super::abort::stop;
use super::effects::{Refusal, Reply};
use super::input::{Command, Control, FollowOn};
use super::lane::{is_paused, leave, make_ready, park, wait_turn};
use super::rows::{Before, Context, ContextState, Execution, ExecutionState};
use super::triggered::EXECUTIONS_MAX;
use super::work::Work;
use crate::audit::Action;
use crate::names::StageName;

/// Executions that one step controls; the rest is a follow-on.
pub(super) const PAGE: usize = 500;

/// The context's mark is written first, so that what is not reached yet goes by it already. Where
/// nothing is under way, nothing changes.
pub(super) fn control(work: &mut Work<'_>, command: &Command) -> Result<(), Refusal> {
    let Some(context) = work.context(command.context)?.filter(|context| context.open > 0) else {
        work.answer = Reply::Kept("nothing of this context is under way".to_owned());
        return Ok(());
    };
    let mut page = work.open_executions(command.context, command.after, EXECUTIONS_MAX as usize)?;
    page.retain(|execution| command.covers(execution));
    if command.after == 0 {
        if page.is_empty() && command.control == Control::Abort {
            work.answer = Reply::Kept("nothing of this stage is under way".to_owned());
            return Ok(());
        }
        mark(work, command, !page.is_empty())?;
        let Command { control, context, stage, .. } = command.clone();
        work.record(Action::Controlled { control, context, stage });
    } else if context.is_paused_as(command) == Some(false) {
        // Somebody has decided otherwise between two pages.
        return Ok(());
    }
    let more = page.len() > PAGE;
    page.truncate(PAGE);
    let last = page.last().map_or(command.after, |execution| execution.position);
    for execution in page {
        match command.control {
            Control::Pause => pause(work, execution)?,
            Control::Resume => resume(work, execution)?,
            Control::Abort => stop(work, execution)?,
        }
    }
    if more {
        work.follow_on.push(FollowOn::Control(Command { after: last, ..command.clone() }));
    }
    Ok(())
}

impl Command {
    fn covers(&self, execution: &Execution) -> bool {
        self.stage.as_ref().is_none_or(|stage| execution.scope.stage == *stage)
    }
}

impl Context {
    /// Whether the mark that a command has set still stands; none where it sets none.
    fn is_paused_as(&self, command: &Command) -> Option<bool> {
        let paused = match &command.stage {
            Some(stage) => self.paused.stages.contains(stage),
            None => self.paused.all,
        };
        match command.control {
            Control::Pause => Some(paused),
            Control::Resume => Some(!paused),
            Control::Abort => None,
        }
    }
}

/// `is_there` says whether something is under way in the stage; one that is not reached yet is paused
/// all the same, and has no state to show it.
fn mark(work: &mut Work<'_>, command: &Command, is_there: bool) -> Result<(), Refusal> {
    work.change_context(command.context, |context| match (command.control, &command.stage) {
        (Control::Pause, None) => {
            context.paused.all = true;
            context.state = ContextState::Paused;
        }
        (Control::Pause, Some(stage)) => {
            context.paused.stages.insert(stage.clone());
            if is_there {
                context.say(stage, "paused");
            }
        }
        // Whoever resumes the whole of it means its stages, too.
        (Control::Resume, None) => {
            for stage in std::mem::take(&mut context.paused).stages {
                context.say_resumed(&stage);
            }
            context.state = ContextState::Started;
        }
        (Control::Resume, Some(stage)) => {
            context.paused.stages.remove(stage);
            context.say_resumed(stage);
        }
        (Control::Abort, _) => {}
    })
}

impl Context {
    /// Keptn 1.4: a stage that is paused or resumed by its name says so in its state.
    fn say(&mut self, stage: &StageName, word: &str) {
        if let Some(stage) = self.stages.iter_mut().find(|known| known.name == *stage) {
            word.clone_into(&mut stage.state);
        }
    }

    fn say_resumed(&mut self, stage: &StageName) {
        if self.stages.iter().any(|known| known.name == *stage && known.state == "paused") {
            self.say(stage, "started");
        }
    }
}

/// Keptn 1.4: what runs is not interrupted; whoever else waits for the lane goes on.
fn pause(work: &mut Work<'_>, execution: Execution) -> Result<(), Refusal> {
    match execution.state {
        ExecutionState::Waiting | ExecutionState::Ready { .. } => {
            leave(work, &execution);
            park(work, execution);
            Ok(())
        }
        ExecutionState::Running { .. } | ExecutionState::Delayed { .. } => {
            work.release(&execution.scope, execution.id)
        }
        // These ask whether they are paused before they go on.
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::WaitingForApproval { .. }
        | ExecutionState::Paused { .. }
        | ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. }
        | ExecutionState::TimedOut { .. } => Ok(()),
    }
}

fn resume(work: &mut Work<'_>, execution: Execution) -> Result<(), Refusal> {
    if is_paused(work, &execution)? {
        // Its stage was resumed, and the whole is still paused; or the other way round.
        return Ok(());
    }
    match execution.state {
        ExecutionState::Paused { before: Before::Start } => wait_turn(work, execution),
        ExecutionState::Paused { before: Before::Task { position, delay_over } } => {
            make_ready(work, execution, position, delay_over);
            Ok(())
        }
        ExecutionState::Running { .. } | ExecutionState::Delayed { .. } => {
            if work.lane(&execution.scope)?.holder.is_none() {
                work.hold(&execution.scope, execution.id);
            }
            Ok(())
        }
        ExecutionState::Resolving
        | ExecutionState::Throttled { .. }
        | ExecutionState::Waiting
        | ExecutionState::WaitingForApproval { .. }
        | ExecutionState::Ready { .. }
        | ExecutionState::Finished { .. }
        | ExecutionState::Aborted { .. }
        | ExecutionState::TimedOut { .. } => Ok(()),
    }
}

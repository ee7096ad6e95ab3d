//! Somebody pauses, resumes or stops a context, or one stage of it.

use super::abort::stop;
use super::context::{Context, ContextState};
use super::effects::{Refusal, Reply};
use super::input::{Command, Control, FollowOn};
use super::lane::{is_paused, leave, make_ready, park, wait_turn};
use super::rows::{Before, Execution, ExecutionState};
use super::triggered::EXECUTIONS_MAX;
use super::work::Work;
use crate::audit::Action;
use crate::names::StageName;

/// Executions that one step controls; the rest is a follow-on. Few in tests, so that histories of some
/// hundred steps have contexts of several pages.
const PAGE: usize = if cfg!(test) { 2 } else { 500 };

/// The context's mark is written first, so that what is not reached yet goes by it already. Where
/// nothing is under way, nothing changes.
pub(super) fn control(work: &mut Work<'_>, command: &Command) -> Result<(), Refusal> {
    let Some(context) = work.context(command.context)?.filter(Context::is_under_way) else {
        work.answer = Reply::Kept("nothing of this context is under way".to_owned());
        return Ok(());
    };
    let open = work.open_executions(command.context, command.after, EXECUTIONS_MAX as usize)?;
    let covered = |execution: &Execution| command.covers(&execution.scope.stage);
    let mut page: Vec<_> = open.into_iter().filter(covered).collect();
    if command.after == 0 {
        if let Some(reason) = context.nothing_to_do(command, page.is_empty()) {
            work.answer = Reply::Kept(reason.to_owned());
            return Ok(());
        }
        mark(work, command, &page)?;
        let Command { control, context, stage, .. } = command.clone();
        work.record(Action::Controlled { control, context, stage });
    } else if context.is_paused_as(command) == Some(false) {
        // Somebody has decided otherwise between two pages.
        return Ok(());
    }
    let more = page.len() > PAGE;
    page.truncate(PAGE);
    if more {
        let after = page.last().map_or(command.after, |execution| execution.position);
        work.follow_on.push(FollowOn::Control(Command { after, ..command.clone() }));
    }
    for execution in page {
        match command.control {
            Control::Pause => pause(work, execution)?,
            Control::Resume => resume(work, execution)?,
            Control::Abort => stop(work, execution)?,
        }
    }
    Ok(())
}

impl Command {
    fn covers(&self, stage: &StageName) -> bool {
        self.stage.as_ref().is_none_or(|only| only == stage)
    }
}

impl Context {
    /// Why a command changes nothing, where it does not. A stage that is not reached yet can be
    /// paused.
    fn nothing_to_do(&self, command: &Command, none_open: bool) -> Option<&'static str> {
        let follows = || self.following.iter().any(|next| command.covers(&next.stage));
        match (command.control, &command.stage) {
            (Control::Pause, _) => None,
            (Control::Resume, None) if self.paused.is_none() => Some("it is not paused"),
            (Control::Resume, Some(stage)) if !self.paused.stages.contains(stage) => {
                Some("this stage is not paused")
            }
            (Control::Resume, _) => None,
            (Control::Abort, _) if none_open && !follows() => {
                Some("nothing of this stage is under way")
            }
            (Control::Abort, _) => None,
        }
    }

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

/// `page` is what the command covers.
fn mark(work: &mut Work<'_>, command: &Command, page: &[Execution]) -> Result<(), Refusal> {
    work.change_context(command.context, |context| {
        match (command.control, &command.stage) {
            (Control::Pause, None) => {
                context.paused.all = true;
                context.state = ContextState::Paused;
            }
            (Control::Pause, Some(stage)) => {
                context.paused.stages.insert(stage.clone());
                // One that is not reached yet has no state to show it.
                if !page.is_empty() {
                    context.say(stage, "paused");
                }
            }
            // Whoever resumes the whole of it means its stages, too.
            (Control::Resume, None) => {
                for stage in std::mem::take(&mut context.paused).stages {
                    context.say_resumed(&stage);
                }
                if context.state == ContextState::Paused {
                    context.state = ContextState::Started;
                }
            }
            (Control::Resume, Some(stage)) => {
                context.paused.stages.remove(stage);
                context.say_resumed(stage);
            }
            (Control::Abort, _) => {
                for next in &mut context.following {
                    next.stopped |= command.covers(&next.stage);
                }
                context.close_aborted();
            }
        }
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

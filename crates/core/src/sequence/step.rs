//! The one decision function.

use super::effects::{Disposition, Effects, Refusal, Reply};
use super::input::{Env, Input};
use super::view::View;
use super::work::Work;
use super::{answer, context, control, lane, record, timer, triggered, vote};
use crate::event::Event;
use crate::names::ProjectName;

/// Which rules [`step`] goes by. Kept with each input, so that a replay with other rules is known for
/// what it is; changed with every rule that changes.
pub const RULES_VERSION: u32 = 7;

/// One input, one answer. Total: every input has effects, or a refusal that explains itself. Changes
/// nothing: a refusal leaves nothing behind.
///
/// # Errors
/// A [`Refusal`], in words for whoever sent the input.
pub fn step(view: &dyn View, input: &Input, env: &Env) -> Result<Effects, Refusal> {
    let Some(head) = view.project(input.project())? else {
        return unknown_project(view, input, env);
    };
    let mut work = Work::new(view, env, input.project().clone(), &head);
    match input {
        Input::Triggered { event, scope, by } => triggered::accept(&mut work, event, scope, by)?,
        Input::Resolved { execution, resolution, .. } => {
            triggered::resolved(&mut work, *execution, resolution)?;
        }
        Input::Started(answer) => answer::started(&mut work, answer)?,
        Input::Finished(answer) => answer::finished(&mut work, answer)?,
        Input::Vote { approval, decision, subject, comment, source, .. } => {
            let ballot = vote::Ballot {
                decision: *decision,
                subject: *subject,
                comment: comment.clone(),
                source: source.clone(),
            };
            vote::on_route(&mut work, *approval, ballot)?;
        }
        Input::Control(command) => control::control(&mut work, command)?,
        Input::Admit { lane } => lane::admit(&mut work, lane)?,
        Input::TimerDue { timer, clock_was_set, .. } => {
            timer::due(&mut work, *timer, *clock_was_set)?;
        }
        Input::Record { event, reason, .. } => {
            record::keep(&mut work, event, reason.as_deref())?;
        }
    }
    context::settle(&mut work)?;
    Ok(work.finish())
}

/// An event of a project that does not exist is kept under the reserved project; anything else is
/// refused.
fn unknown_project(view: &dyn View, input: &Input, env: &Env) -> Result<Effects, Refusal> {
    let Some(event) = input.event() else {
        return Err(Refusal::NoProject(input.project().clone()));
    };
    keep_unmapped(view, event, input.project(), env)
}

fn keep_unmapped(
    view: &dyn View,
    event: &Event,
    named: &ProjectName,
    env: &Env,
) -> Result<Effects, Refusal> {
    let unmapped = ProjectName::unmapped();
    let head = view
        .project(&unmapped)?
        .ok_or_else(|| Refusal::Inconsistent("the reserved project is missing".to_owned()))?;
    let mut work = Work::new(view, env, unmapped, &head);
    let reason = format!("project {named} does not exist");
    work.append(event.clone(), Disposition::Accepted, Some(reason.clone()));
    work.answer = Reply::Kept(reason);
    Ok(work.finish())
}

//! What the demo tells.

use std::io::Write as _;
use std::path::Path;

use anyhow::bail;
use tidegate_core::approval::{Approval, ApprovalState, Decision};
use tidegate_core::principal::{Principal, PrincipalName};
use tidegate_engine::Engine;
use tidegate_identity::{SIGN_IN_TIME_MAX, SignInCode};
use tidegate_store::{SignInRow, Write, Written};

use super::lookout::{complaint, look};
use super::place::Place;
use super::project::{SLOW, project, service, trigger};
use super::services::answers;
use crate::hello::{Answer, State};
use crate::server::Server;

/// The version that "once more" releases.
const THIRD: &str = "v0.1.2";
/// Digits of an id to type.
const DIGITS: usize = 8;

/// One line on standard output. Whoever closed it does not want to read it.
pub(super) fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{}", plain(line)));
}

/// The text without anything that a terminal would obey: comments and images come from anybody.
fn plain(line: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    line.chars().map(harmless).collect()
}

/// The names that go into what is told.
pub(super) struct Story {
    url: String,
    data: String,
    temporary: bool,
    /// How this program was called.
    program: String,
}

impl Story {
    pub(super) fn new(place: &Place, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            data: quoted(place.path()),
            temporary: place.is_temporary(),
            program: program(),
        }
    }

    /// Where everything is.
    pub(super) async fn opening(&self, link: &str, state: &State) -> anyhow::Result<()> {
        let [qa, production] = answers(state).await?;
        let fate = if self.temporary { "  (removed when you stop the demo)" } else { "" };
        say("");
        say("Tidegate demo: helloservice goes to qa, is judged there, and asks before production.");
        say("");
        say(&format!("  qa          {}", shown(qa.as_ref())));
        say(&format!("  production  {}", shown(production.as_ref())));
        say(&format!("  Bridge      {}{link}", self.url));
        say("              (signs you in, once)");
        say(&format!("  data        {}{fate}", self.data));
        say("");
        Ok(())
    }

    /// What the gate has stopped, why, and where to see it.
    pub(super) async fn held(&self, engine: &Engine) -> anyhow::Result<()> {
        let Some(delivery) = look(engine).await?.held else { return Ok(()) };
        let why = complaint(engine, delivery).await?;
        say(&format!("{} {SLOW} was stopped by its gate in qa:", service()));
        say(&format!("  {why}"));
        say(&format!("  {}/bridge/project/{}/sequence/{delivery}", self.url, project()));
        say("");
        Ok(())
    }

    /// A release waits, and how to let it through.
    pub(super) fn waits(&self, approval: &Approval, runs: Option<&str>) {
        let id = approval.id.to_string();
        let (program, data) = (&self.program, &self.data);
        let id = id.get(..DIGITS).unwrap_or(&id);
        let now = runs.map_or(String::new(), |runs| format!(", where {} runs now", version(runs)));
        say(&format!("{} waits for you before {}{now}:", release(approval), approval.scope.stage));
        say("");
        say(&format!("  {program} approve {id} --data-dir {data}"));
        say(&format!("  {program} decline {id} --data-dir {data} --comment 'not today'"));
        say("");
        say("or open the Bridge. Ctrl-C stops everything.");
        say("");
    }

    /// An approval does not wait any more.
    pub(super) fn outcome(&self, approval: &Approval) {
        match &approval.state {
            ApprovalState::Open => {}
            ApprovalState::Decided(decided) => {
                let why = decided.comment.as_ref();
                let why = why.map_or(String::new(), |why| format!(": {}", why.as_str()));
                let (by, done) = (&decided.by, decided.decision.done());
                say(&format!("{by} {done} {}{why}", release(approval)));
                if decided.decision == Decision::Approve {
                    say(&format!("  it goes to {} now", approval.scope.stage));
                }
            }
            ApprovalState::Closed { reason, .. } => {
                say(&format!("{} does not wait any more: {reason}", release(approval)));
            }
        }
    }

    /// A delivery has ended, and this is what runs.
    pub(super) async fn ended(&self, delivered: bool, state: &State) -> anyhow::Result<()> {
        let [_, production] = answers(state).await?;
        let still = if delivered { "now" } else { "still" };
        say(&format!("production {still} answers  {}", shown(production.as_ref())));
        say("");
        Ok(())
    }

    /// How to see it again.
    pub(super) fn once_more(&self) {
        say(&format!("To release {THIRD}:"));
        say("");
        say(&format!("  curl -H \"x-token: $(cat {}/api-token)\" \\", self.data));
        say(&format!("    -H 'content-type: application/json' {}/api/v1/event \\", self.url));
        say(&format!("    -d '{}'", trigger(THIRD)));
        say("");
    }

    pub(super) fn stopping(&self) {
        say("Stopping the server, its jobs and the services …");
    }
}

/// Everything has stopped.
pub(super) fn stopped(place: &Place, removed: bool) {
    let data = quoted(place.path());
    if removed {
        say(&format!("Stopped, and {data} is removed."));
    } else {
        say(&format!("Stopped. To go on: {} demo --data-dir {data}", program()));
    }
}

/// How this program was called.
fn program() -> String {
    let program = std::env::args_os().next().unwrap_or_else(|| "tidegate".into());
    quoted(Path::new(&program))
}

/// Makes a link to the Bridge for whoever sits here.
pub(super) async fn sign_in_link(server: &Server) -> anyhow::Result<String> {
    let user = std::env::var("USER").ok().and_then(|user| PrincipalName::new(&user).ok());
    let name = user.unwrap_or_else(|| PrincipalName::new("you").expect("a short plain text"));
    let code = SignInCode::generate();
    let expires = server.engine.now() + SIGN_IN_TIME_MAX;
    let row = SignInRow { digest: code.digest(), name, expires };
    match server.engine.write(Write::PutSignIn(row), &Principal::tidegate()).await? {
        Written::Done => Ok(code.path()),
        other => bail!("a sign-in link is answered with {other:?}"),
    }
}

fn release(approval: &Approval) -> String {
    match &approval.image {
        Some(image) => format!("{} {}", approval.scope.service, version(image)),
        None => approval.scope.service.to_string(),
    }
}

fn version(image: &str) -> &str {
    image.rsplit_once(':').map_or(image, |(_, version)| version)
}

fn shown(answer: Option<&Answer>) -> String {
    match answer {
        Some(Answer { address, text }) => format!("http://{address}/  {text}"),
        None => "nothing yet".to_owned(),
    }
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(plain("no\n\u{1b}[2Jnews …"), "no \u{fffd}[2Jnews …");
    }

    #[test]
    fn what_is_to_be_typed_survives_a_shell() {
        for (path, typed) in [
            ("/tmp/tidegate-demo-a1", "/tmp/tidegate-demo-a1"),
            ("/tmp/my demo", "'/tmp/my demo'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
        ] {
            assert_eq!(quoted(Path::new(path)), typed);
        }
    }
}

//! What the doctor says of one thing.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// To be known; nothing has to be done.
    Note,
    /// To be mended.
    Problem,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) level: Level,
    /// What was looked at.
    pub(super) subject: &'static str,
    /// How it stands.
    pub(super) what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, subject, what: what.into(), remedy: None }
    }

    pub(super) fn note(subject: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::ok(subject, what) }
    }

    pub(super) fn problem(subject: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Problem, ..Self::ok(subject, what) }
    }

    /// What to do about it.
    pub(super) fn so(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// As one line. What others wrote may be anything.
    pub(super) fn line(&self) -> String {
        let Self { level, subject, what, remedy } = self;
        let remedy = remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        super::store::plain(&format!("{}: {subject}: {what}{remedy}", level.as_str()))
    }
}

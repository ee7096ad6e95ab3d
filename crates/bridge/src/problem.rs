//! Pages for what did not work: what happened, what was not done, what to do now.

use askama::Template;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tidegate_core::names::NameError;
use tidegate_core::sequence::Refusal;
use tidegate_engine::Failure;
use tidegate_store::StoreError;

use crate::frame::{Frame, html};
use crate::next::{HOME, Next};
use crate::view::Text;

/// Why a request gets no page of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    SignIn {
        /// Where to go afterwards.
        next: Next,
    },
    /// There is no such thing.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The form does not come from a page of this session.
    #[error("the form does not come from a page of this session")]
    Forged,
    /// The form cannot be read.
    #[error("the form cannot be read")]
    Form {
        /// How bad it is.
        status: StatusCode,
    },
    /// It is somebody else's to see or to do.
    #[error("not allowed")]
    Forbidden,
    /// A name breaks a rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A name is longer than this, in bytes.
    #[error("a name has at most {0} bytes")]
    LongName(usize),
    /// The page knows another method only.
    #[error("this address does not take that method")]
    Method,
    /// Too many pages are open.
    #[error("too many pages wait for news")]
    TooManyStreams,
    /// The engine or the store says no.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A page could not be written.
    #[error("a page could not be written: {0}")]
    Page(#[from] askama::Error),
}

/// What the page says.
#[derive(Clone)]
pub(crate) struct Words {
    status: StatusCode,
    heading: &'static str,
    what: String,
    undone: &'static str,
    then: &'static str,
    reference: Option<String>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    words: Words,
    /// What may have been meant: a name and where it is.
    near: Vec<(Text, String)>,
}

impl Words {
    /// The page in that frame.
    pub(crate) fn page(
        &self,
        frame: Frame,
        near: Vec<(Text, String)>,
    ) -> Result<Response, Problem> {
        html(&ProblemPage { frame, words: self.clone(), near }, self.status)
    }

    /// How the frame is called.
    pub(crate) fn heading(&self) -> &'static str {
        self.heading
    }

    /// Whether there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } = &self {
            return see_other(&next.sign_in());
        }
        let words = self.words();
        let status = words.status;
        let mut response = match words.page(Frame::bare(words.heading), Vec::new()) {
            Ok(response) => response,
            Err(_) => (status, words.heading).into_response(),
        };
        response.extensions_mut().insert(words);
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl Problem {
    fn words(&self) -> Words {
        let words = |status, heading, what: &str| Words {
            status,
            heading,
            what: what.to_owned(),
            undone: "",
            then: "",
            reference: None,
        };
        match self {
            Self::SignIn { .. } => words(StatusCode::UNAUTHORIZED, "Sign in", ""),
            Self::NotFound(kind) => Words {
                what: format!("There is no such {kind} here."),
                then: "It may have been removed, or the address is incomplete. If an event was sent \
                       a moment ago, load the page again.",
                ..words(StatusCode::NOT_FOUND, "Not found", "")
            },
            Self::Forged => Words {
                undone: "Nothing was changed.",
                then: "Go back, load the page again, and send the form from there. If it stays like \
                       this, allow this site to set its session cookie.",
                ..words(
                    StatusCode::FORBIDDEN,
                    "Not accepted",
                    "The form does not come from a page of this session.",
                )
            },
            Self::Form { status } => Words {
                undone: "Nothing was changed.",
                then: "Go back and send it again, with less text if it was long.",
                ..words(*status, "Not accepted", "The form could not be read.")
            },
            Self::Forbidden => Words {
                undone: "Nothing was changed.",
                then: "Ask whoever runs this installation for the right to do it.",
                ..words(StatusCode::FORBIDDEN, "Not allowed", "You may not see or do this.")
            },
            Self::Name(_) | Self::LongName(_) => Words {
                undone: "Nothing was changed.",
                then: "Go back and choose another name.",
                ..words(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "Not accepted",
                    &sentence(&self.to_string()),
                )
            },
            Self::Method => words(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not accepted",
                "This address does not take that method.",
            ),
            Self::TooManyStreams => words(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many open pages",
                "The server keeps no more pages up to date than it does now.",
            ),
            Self::Failed(failure) => failed(failure),
            Self::Page(error) => internal(error),
        }
    }
}

fn failed(failure: &Failure) -> Words {
    let words = |status, heading, undone, then| Words {
        status,
        heading,
        what: sentence(&failure.to_string()),
        undone,
        then,
        reference: None,
    };
    const UNDONE: &str = "Nothing was changed.";
    const STAYS: &str = "Send it again. If it stays like this, give the reference to whoever \
                         runs the server: the log says more under it.";
    match failure {
        Failure::Refused(Refusal::NoProject(_) | Refusal::NoApproval { .. })
        | Failure::NoProject(_) => words(StatusCode::NOT_FOUND, "Not found", UNDONE, ""),
        Failure::Refused(Refusal::NoVoter(_) | Refusal::Blind | Refusal::NoReason) => {
            words(StatusCode::FORBIDDEN, "Not allowed", UNDONE, "")
        }
        Failure::Refused(
            Refusal::AlreadyDecided(_) | Refusal::Closed(_) | Refusal::Stale { .. },
        ) => words(StatusCode::CONFLICT, "Not done", UNDONE, "Load the page again."),
        Failure::Busy | Failure::Stopping | Failure::Store(StoreError::Unavailable { .. }) => {
            words(StatusCode::SERVICE_UNAVAILABLE, "Not now", UNDONE, "Send it again in a moment.")
        }
        Failure::OutcomeUnknown => words(
            StatusCode::SERVICE_UNAVAILABLE,
            "The outcome is unknown",
            "It may or may not have been done.",
            "Look at the inbox before you send it again.",
        ),
        Failure::Full | Failure::Store(StoreError::Full(_)) => words(
            StatusCode::INSUFFICIENT_STORAGE,
            "The disk is full",
            UNDONE,
            "Ask whoever runs the server to free some space.",
        ),
        Failure::Internal(reference) => Words {
            what: "The server made a mistake.".to_owned(),
            reference: Some(reference.clone()),
            ..words(StatusCode::INTERNAL_SERVER_ERROR, "Server error", UNDONE, STAYS)
        },
        Failure::KeyReused
        | Failure::ProjectExists(_)
        | Failure::ServiceExists(..)
        | Failure::NoService(..)
        | Failure::Provisioning(_)
        | Failure::Shipyard(_) => words(StatusCode::CONFLICT, "Not done", UNDONE, ""),
        Failure::Refused(Refusal::Unreadable(_) | Refusal::Inconsistent(_))
        | Failure::Resource(_)
        | Failure::Store(_) => internal(failure),
    }
}

/// Details go to the log, under a reference that the page shows.
fn internal(error: &(dyn std::error::Error + 'static)) -> Words {
    // Nobody guesses the next one from it, and it is short enough to be read out.
    let digest = tidegate_identity::SessionToken::generate().digest();
    let reference: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    tracing::error!(reference, error, "a page could not be made");
    Words {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        heading: "Server error",
        what: "The server made a mistake.".to_owned(),
        undone: "Nothing was changed.",
        then: "Load the page again. If it stays like this, give the reference to whoever runs the \
               server: the log says more under it.",
        reference: Some(reference),
    }
}

/// An error as a sentence: it begins in upper case and ends with a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// A redirect after a form, or to another page.
pub(crate) fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(HOME));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

//! Who is asking: tokens of programs, sessions of people, and what keeps guessers out.
//!
//! Invariants: nothing here is ever shown by `Debug` or `Display`, what must be shown is asked for by
//! name (`expose`); what a stranger presents is compared in constant time, by digest or MAC; only
//! digests are meant to be stored. Rate limits read no clock: the time comes with the question.

mod bearer;
mod mac;
mod rate_limit;
mod secret;
mod session;
mod sign_in;
mod token_file;
mod tokens;

pub use bearer::BearerError;
pub use rate_limit::{PEERS_MAX, RateLimit, TooMany};
pub use secret::Secret;
pub use session::{SESSION_COOKIE, SESSION_PATH, SessionToken, Transport};
pub use sign_in::{SIGN_IN_TIME, SIGN_IN_TIME_MAX, SignInCode};
pub use token_file::{Origin, TOKEN_FILE, TokenFileError, load_or_generate};
pub use tokens::{
    Holder, NamedToken, TOKEN_BYTES_MIN, TokenError, TokenKind, TokenProblem, Tokens,
};

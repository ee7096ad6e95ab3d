//! One-time links that sign a person in.

use std::time::Duration;

use crate::bearer::{Bearer, BearerError};

/// How long a link can be used unless somebody says otherwise.
pub const SIGN_IN_TIME: Duration = Duration::from_secs(15 * 60);
/// The longest that a link can be used.
pub const SIGN_IN_TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The code in a sign-in link: 128 random bits. The store keeps the [digest](Self::digest).
#[derive(Debug, Clone)]
pub struct SignInCode(Bearer);

impl SignInCode {
    /// A new code.
    #[must_use]
    pub fn generate() -> Self {
        Self(Bearer::generate())
    }

    /// Reads the code of a link.
    ///
    /// # Errors
    /// It was not made by us.
    pub fn parse(text: &str) -> Result<Self, BearerError> {
        Bearer::parse(text).map(Self)
    }

    /// What the store knows it by.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest()
    }

    /// The code as text, for a form.
    #[must_use]
    pub fn expose(&self) -> String {
        self.0.text()
    }

    /// The link, from the server's root.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/bridge/login?code={}", self.0.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_back_to_its_code() {
        let code = SignInCode::generate();
        let path = code.path();
        let text = path.strip_prefix("/bridge/login?code=").unwrap();
        assert_eq!(SignInCode::parse(text).unwrap().digest(), code.digest());
        assert_eq!(text, code.expose());
        assert!(SignInCode::parse("guess").is_err());
    }

    #[test]
    fn debug_does_not_show_the_code() {
        assert_eq!(format!("{:?}", SignInCode::generate()), "SignInCode(***)");
    }
}

//! Gates that had failed, and who has let something go on all the same.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::principal::Principal;

/// Who has let something go on although its gate had failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Overridden {
    /// Who, where the server still knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Principal>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// "overridden by ada: the probe measured the wrong host"
impl fmt::Display for Overridden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "overridden")?;
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        match &self.comment {
            Some(comment) => write!(f, ": {comment}"),
            None => Ok(()),
        }
    }
}

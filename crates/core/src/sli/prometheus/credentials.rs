//! Where a project's own Prometheus is: what its secret `prometheus-credentials-<project>` says.

use std::collections::BTreeMap;

use crate::yaml::Place;
use crate::yaml::source::{Content, Scalar, Written, first_document};

/// Of the secret in the shape that Keptn asks for now.
const URL: &str = "PROMETHEUS_URL";
const USER: &str = "PROMETHEUS_USER";
const PASSWORD: &str = "PROMETHEUS_PASSWORD";
/// The one key of its former shape: YAML with `url`, `user` and `password`.
const FORMER: &str = "prometheus-credentials";

/// An address, and who asks there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The address, as it is written; never blank.
    pub url: String,
    /// User and password, both of them not empty; none where nobody signs in.
    pub login: Option<(String, String)>,
}

/// Why a secret does not say where a Prometheus is. Nothing that stands in it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// There is no address in it.
    #[error(
        "says no address of a Prometheus; add {URL}, or take the secret away and the one of [sli.prometheus] \
         is asked"
    )]
    NoAddress,
    /// The former shape is not what it should be.
    #[error(
        "has a key {FORMER} that cannot be read at {0}: it must be YAML with url, user and password; \
         or use {URL}, {USER} and {PASSWORD} instead"
    )]
    Unreadable(Place),
}

impl Credentials {
    /// Reads the keys and values of a secret. Keptn 1.4: the former shape counts where one of the three keys is
    /// missing. Here an address alone is enough where there is no former shape.
    ///
    /// # Errors
    /// It says no address, or cannot be read.
    pub fn of(secret: &BTreeMap<String, String>) -> Result<Self, CredentialsError> {
        let key = |name: &str| secret.get(name).map(String::as_str);
        let (url, user, password) = match (key(URL), key(USER), key(PASSWORD), key(FORMER)) {
            (_, None, _, Some(text)) | (_, _, None, Some(text)) | (None, _, _, Some(text)) => {
                former(text).map_err(CredentialsError::Unreadable)?
            }
            (url, user, password, _) => {
                let own = |text: Option<&str>| text.unwrap_or_default().to_owned();
                (own(url), own(user), own(password))
            }
        };
        if url.trim().is_empty() {
            return Err(CredentialsError::NoAddress);
        }
        let both = !user.is_empty() && !password.is_empty();
        Ok(Self { url, login: both.then_some((user, password)) })
    }
}

/// `url`, `user` and `password`, each as it is written: a password may look like a number. The error is the
/// place alone, for a reason may quote what stands there.
fn former(text: &str) -> Result<(String, String, String), Place> {
    let document = first_document(text).map_err(|error| error.place)?;
    let entries = match document {
        None => Vec::new(),
        Some(document) if is_null(&document.content) => Vec::new(),
        Some(Written { content: Content::Map(entries), .. }) => entries,
        Some(other) => return Err(other.place),
    };
    Ok((field(&entries, "url")?, field(&entries, "user")?, field(&entries, "password")?))
}

fn field(entries: &[(Written, Written)], name: &str) -> Result<String, Place> {
    let is_key = |key: &Written| matches!(&key.content, Content::Scalar(key) if key.text == name);
    let mut found = entries.iter().filter(|(key, _)| is_key(key));
    let Some((_, value)) = found.next() else { return Ok(String::new()) };
    if let Some((again, _)) = found.next() {
        return Err(again.place);
    }
    match &value.content {
        content if is_null(content) => Ok(String::new()),
        Content::Scalar(scalar) => Ok(scalar.text.clone()),
        Content::List(_) | Content::Map(_) => Err(value.place),
    }
}

fn is_null(content: &Content) -> bool {
    matches!(content, Content::Scalar(Scalar { text, plain: true, .. })
        if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &[(&str, &str)]) -> Result<(String, String), String> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let found = Credentials::of(&keys.iter().map(own).collect());
        let found = found.map_err(|error| error.to_string())?;
        let (user, password) = found.login.unwrap_or_default();
        Ok((found.url, format!("{user}:{password}")))
    }

    fn is(url: &str, login: &str) -> Result<(String, String), String> {
        Ok((url.to_owned(), login.to_owned()))
    }

    #[test]
    fn both_shapes_are_read_as_keptn_reads_them() {
        let former = (FORMER, "user: ada\npassword: 0815\nurl: http://old\n");
        let three = [(URL, "http://new"), (USER, "eve"), (PASSWORD, "x")];
        assert_eq!(read(&three), is("http://new", "eve:x"));
        assert_eq!(read(&[former]), is("http://old", "ada:0815"));
        assert_eq!(read(&[three[0], three[1], three[2], former]), is("http://new", "eve:x"));
        assert_eq!(read(&[three[0], three[1], former]), is("http://old", "ada:0815"));
        assert_eq!(read(&[three[0], former]), is("http://old", "ada:0815"));
        assert_eq!(read(&[three[1], three[2], former]), is("http://old", "ada:0815"));
        // Keptn 1.4 would ask `https://` there.
        assert_eq!(read(&[three[0]]), is("http://new", ":"));
        assert_eq!(read(&[three[0], three[1]]), is("http://new", ":"));
        assert_eq!(read(&[(FORMER, "url: host")]), is("host", ":"));
        let odd = "url: host\nuser: yes\npassword: 1e3";
        assert_eq!(read(&[(FORMER, odd)]), is("host", "yes:1e3"));
    }

    #[test]
    fn one_without_an_address_is_an_error_that_shows_nothing_of_it() {
        for keys in [
            vec![],
            vec![(USER, "hunter2"), (PASSWORD, "hunter2")],
            vec![(URL, " "), (USER, "hunter2"), (PASSWORD, "hunter2")],
            vec![(FORMER, "")],
            vec![(FORMER, "user: hunter2\nURL: http://host\nurl:")],
        ] {
            assert_eq!(read(&keys), Err(CredentialsError::NoAddress.to_string()), "{keys:?}");
        }
        for (text, at) in [
            ("hunter2", "1:1"),
            ("url: [hunter2]", "1:6"),
            ("url: http://host\npassword: {a: hunter2}", "2:11"),
            ("url: 'hunter2", ""),
            ("user: hunter2\nuser: hunter2", "2:1"),
        ] {
            let error = read(&[(FORMER, text)]).unwrap_err();
            assert!(error.contains(&format!("cannot be read at {at}")), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}

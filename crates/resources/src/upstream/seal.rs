//! Credentials at rest: sealed with a key that lies elsewhere.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use tidegate_core::names::ProjectName;

use super::credentials::{Access, Upstream};

/// Changes with the form of what is sealed.
const PURPOSE: &str = "tidegate upstream 1";

/// The key that seals the credentials of upstreams. ChaCha20-Poly1305 (RFC 8439); every seal has a
/// random nonce.
#[derive(Clone)]
pub struct SealingKey(Arc<LessSafeKey>);

impl SealingKey {
    /// A key of 32 unpredictable bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).expect("a key of 32 bytes");
        Self(Arc::new(LessSafeKey::new(key)))
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey")
    }
}

/// An upstream whose secrets only the key opens. What is readable belongs to what is sealed: nobody can
/// have a token sent to another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedUpstream {
    url: String,
    user: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    provisioned: bool,
    sealed: String,
}

/// The seal is not of this key, or something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the credentials of the upstream cannot be opened: they were sealed with another key, or changed; \
     put the key back, or set the credentials again"
)]
pub struct BrokenSeal;

impl SealedUpstream {
    /// Seals the secrets, for this project only.
    #[must_use]
    pub fn seal(key: &SealingKey, project: &ProjectName, upstream: &Upstream) -> Self {
        let (url, user) = (upstream.url().to_owned(), upstream.user().to_owned());
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).expect("the operating system has random numbers");
        let mut bytes = serde_json::to_vec(upstream.access()).expect("it has a form in JSON");
        let aad = context(project, &url, &user);
        let once = Nonce::assume_unique_for_key(nonce);
        let tag = key.0.seal_in_place_separate_tag(once, Aad::from(aad), &mut bytes);
        let tag = tag.expect("it is short");
        let sealed = STANDARD.encode([&nonce[..], &bytes, tag.as_ref()].concat());
        Self { url, user, provisioned: upstream.is_provisioned(), sealed }
    }

    /// Opens what was sealed for this project.
    ///
    /// # Errors
    /// [`BrokenSeal`].
    pub fn open(&self, key: &SealingKey, project: &ProjectName) -> Result<Upstream, BrokenSeal> {
        let bytes = STANDARD.decode(&self.sealed).map_err(|_| BrokenSeal)?;
        let (nonce, sealed) = bytes.split_first_chunk().ok_or(BrokenSeal)?;
        let (mut sealed, nonce) = (sealed.to_vec(), Nonce::assume_unique_for_key(*nonce));
        let aad = Aad::from(context(project, &self.url, &self.user));
        let opened = key.0.open_in_place(nonce, aad, &mut sealed).map_err(|_| BrokenSeal)?;
        let access: Access = serde_json::from_slice(opened).map_err(|_| BrokenSeal)?;
        let upstream = Upstream::new(&self.url, &self.user, access).map_err(|_| BrokenSeal)?;
        Ok(if self.provisioned { upstream.provisioned() } else { upstream })
    }

    /// As it is kept.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("it has a form in JSON")
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn context(project: &ProjectName, url: &str, user: &str) -> Vec<u8> {
    // None of them holds a line feed.
    format!("{PURPOSE}\n{project}\n{url}\n{user}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::credentials::HttpAccess;
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_key_for_its_project_and_address_only() {
        let [key, other] = [[1; 32], [2; 32]].map(|bytes| SealingKey::new(&bytes));
        let [shop, blog] = ["shop", "blog"].map(|name| ProjectName::new(name).unwrap());
        let access = HttpAccess { token: "hunter2".to_owned(), ..HttpAccess::default() };
        let upstream = Upstream::new("https://host/a", "ada", Access::Http(access)).unwrap();
        let sealed = SealedUpstream::seal(&key, &shop, &upstream);
        let text = serde_json::to_string(&sealed).unwrap();
        assert!(text.contains("https://host/a") && !text.contains("hunter2"), "{text}");
        assert_eq!(sealed.open(&key, &shop), Ok(upstream.clone()));
        assert_ne!(sealed, SealedUpstream::seal(&key, &shop, &upstream), "each has its own nonce");
        assert_eq!(sealed.open(&other, &shop), Err(BrokenSeal));
        assert_eq!(sealed.open(&key, &blog), Err(BrokenSeal));
        let changes: [fn(&mut SealedUpstream); 4] = [
            |sealed| sealed.url = "https://evil/a".to_owned(),
            |sealed| sealed.user.clear(),
            |sealed| {
                let other = if &sealed.sealed[20..21] == "A" { "B" } else { "A" };
                sealed.sealed.replace_range(20..21, other);
            },
            |sealed| sealed.sealed.truncate(8),
        ];
        for change in changes {
            let mut changed = sealed.clone();
            change(&mut changed);
            assert_eq!(changed.open(&key, &shop), Err(BrokenSeal));
        }
    }
}

//! Checkpoints: how far a chain had come, signed. One that was kept elsewhere shows whether the chain
//! was cut off or written anew since.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::entry::{Link, canonical};
use super::{Chain, hex};

/// What the signature covers besides the checkpoint, so that it fits nothing else.
const PURPOSE: &str = "tidegate audit checkpoint";
const VERSION: &str = "1";
/// Before the digits of a public key.
const PUBLIC: &str = "ed25519:";
/// Before the digits of a secret key.
const SECRET: &str = "ed25519-secret:";

/// How far a chain had come at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain.
    pub chain: Chain,
    /// Its newest entry.
    pub link: Link,
    /// When.
    pub at: Timestamp,
}

impl Checkpoint {
    /// The bytes that are signed: canonical JSON, every value a text.
    fn message(&self) -> String {
        canonical(&json!({
            "purpose": PURPOSE,
            "version": VERSION,
            "chain": self.chain.as_str(),
            "n": self.link.n.to_string(),
            "hash": self.link.hash.to_string(),
            "at": self.at.to_string(),
        }))
    }
}

/// A checkpoint, the key that signed it, and the signature. As text it is one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The key that it names.
    pub key: PublicKey,
    /// The signature, over the canonical JSON of `{purpose, version, chain, n, hash, at}`.
    pub signature: [u8; 64],
}

/// What is wrong with a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Another key signed it.
    #[error("it is signed by another key, {0}")]
    OtherKey(PublicKey),
    /// Nobody with the key signed this.
    #[error("its signature does not fit")]
    Unfit,
}

impl SignedCheckpoint {
    /// Compares the signature.
    ///
    /// # Errors
    /// None of these keys signed it. Without keys the one that it names must have: that proves only
    /// that the checkpoint was not edited.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<(), SignatureFault> {
        if !keys.is_empty() && !keys.contains(&self.key) {
            return Err(SignatureFault::OtherKey(self.key));
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.key.0);
        let key = key.map_err(|_| SignatureFault::Unfit)?;
        let signature = Signature::from_bytes(&self.signature);
        let message = self.checkpoint.message();
        key.verify_strict(message.as_bytes(), &signature).map_err(|_| SignatureFault::Unfit)
    }

    /// One line, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("texts by name are JSON")
    }
}

impl FromStr for SignedCheckpoint {
    type Err = serde_json::Error;
    fn from_str(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

/// A checkpoint on its way in or out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: String,
    chain: String,
    n: String,
    hash: String,
    at: Timestamp,
    key: String,
    signature: String,
}

impl From<SignedCheckpoint> for Form {
    fn from(signed: SignedCheckpoint) -> Self {
        let Checkpoint { chain, link, at } = signed.checkpoint;
        Self {
            version: VERSION.to_owned(),
            chain: chain.as_str().to_owned(),
            n: link.n.to_string(),
            hash: link.hash.to_string(),
            at,
            key: signed.key.to_string(),
            signature: hex::encode(&signed.signature),
        }
    }
}

impl TryFrom<Form> for SignedCheckpoint {
    type Error = String;
    fn try_from(form: Form) -> Result<Self, String> {
        if form.version != VERSION {
            return Err(format!("a checkpoint of version {} is not known here", form.version));
        }
        let text = |error: &dyn fmt::Display| error.to_string();
        let chain = form.chain.parse().map_err(|error| text(&error))?;
        let n = form.n.parse().map_err(|error| text(&error))?;
        let hash = form.hash.parse().map_err(|error| text(&error))?;
        Ok(Self {
            checkpoint: Checkpoint { chain, link: Link { n, hash }, at: form.at },
            key: form.key.parse().map_err(|error| text(&error))?,
            signature: hex::decode(&form.signature).map_err(|error| text(&error))?,
        })
    }
}

/// The key that checkpoints are compared with: Ed25519, as `ed25519:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", hex::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key is `{form}` and 64 lower-case hexadecimal digits")]
pub struct KeyError {
    form: &'static str,
}

fn digits(text: &str, form: &'static str) -> Result<[u8; 32], KeyError> {
    let digits = text.trim().strip_prefix(form).ok_or(KeyError { form })?;
    hex::decode(digits).map_err(|_| KeyError { form })
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        digits(text, PUBLIC).map(Self)
    }
}

/// The key that signs checkpoints. It is overwritten when it is dropped, and never shown.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of 32 unpredictable bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(bytes))
    }

    /// Reads what [`SigningKey::expose`] gave.
    ///
    /// # Errors
    /// [`KeyError`]; it does not quote the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        digits(text, SECRET).map(|bytes| Self::from_bytes(&bytes))
    }

    /// The key as text, for the one file that keeps it: `ed25519-secret:` and 64 hexadecimal digits.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{SECRET}{}", hex::encode(self.0.as_bytes()))
    }

    /// The key that others compare with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a checkpoint.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        let signature = self.0.sign(checkpoint.message().as_bytes()).to_bytes();
        SignedCheckpoint { checkpoint, key: self.public(), signature }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey of {}", self.public())
    }
}

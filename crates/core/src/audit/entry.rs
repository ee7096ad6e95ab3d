//! One entry of a chain, as it is stored, and its link to the one before.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::hex::{self, HexError};
use super::seal::{Salts, Texts, seal};
use super::verify::Fault;
use super::{AuditRecord, Chain};

/// The hash of an entry: SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What comes before the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// The first digits, for people to compare by eye.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Hash {
    type Err = HexError;
    fn from_str(text: &str) -> Result<Self, HexError> {
        hex::decode(text).map(Self)
    }
}

/// A place in a chain: the number of an entry and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The number, from 1; 0 before the first entry.
    pub n: u64,
    /// The hash.
    pub hash: Hash,
}

impl Link {
    /// Before the first entry.
    pub const GENESIS: Self = Self { n: 0, hash: Hash::ZERO };
}

/// One entry as it stands in a store. It may have been tampered with: [`Entry::readable`] looks at the
/// entry alone, [`Verifier`](super::Verifier) at its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The chain.
    pub chain: Chain,
    /// Its number in the chain, from 1, without gaps.
    pub n: u64,
    /// The hash of the entry before it.
    pub prev: Hash,
    /// SHA-256 of the canonical JSON of `{version, chain, n, prev, record}`, `version` being `"1"`,
    /// `n` a text, `prev` hexadecimal: it is the checksum of the row as well.
    pub hash: Hash,
    /// What was done: canonical JSON, with digests in place of what people wrote.
    pub record: String,
    /// What people wrote, and their names, with the salts of the digests: JSON. None where there are
    /// none, or all were erased.
    pub texts: Option<String>,
}

impl Entry {
    /// The entry that follows `head`.
    #[must_use]
    pub fn following(head: Link, chain: &Chain, record: &AuditRecord, salts: &mut Salts) -> Self {
        let (record, texts) = seal(record, salts);
        let record = canonical(&record);
        let texts = (!texts.is_empty())
            .then(|| serde_json::to_string(&texts).expect("texts by name are JSON"));
        let (chain, n, prev) = (chain.clone(), head.n + 1, head.hash);
        let hash = Hash::ZERO;
        let entry = Self { chain, n, prev, hash, record, texts };
        Self { hash: entry.expected(), ..entry }
    }

    /// Its place.
    #[must_use]
    pub fn link(&self) -> Link {
        Link { n: self.n, hash: self.hash }
    }

    /// The hash that fits what it says. The record is taken as it stands: as canonical JSON with its
    /// keys in order, the whole is so, too.
    fn expected(&self) -> Hash {
        let chain = canonical(&Value::from(self.chain.as_str()));
        let Self { n, prev, record, .. } = self;
        let whole = format!(
            r#"{{"chain":{chain},"n":"{n}","prev":"{prev}","record":{record},"version":"1"}}"#
        );
        Hash(Sha256::digest(whole).into())
    }

    /// Whether its hash fits what it says.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.hash == self.expected()
    }

    /// Its texts, each compared with its digest.
    pub(super) fn checked_texts(&self, record: &Value) -> Result<Texts, Fault> {
        let Some(texts) = &self.texts else { return Ok(Texts::new()) };
        let texts: Texts = serde_json::from_str(texts).map_err(|_| Fault::TextsUnreadable)?;
        for (pointer, text) in &texts {
            let sealed = text.sealed();
            if sealed.is_none() || record.pointer(pointer) != sealed.as_ref() {
                return Err(Fault::TextUnfit(pointer.clone()));
            }
        }
        Ok(texts)
    }

    /// What was done, with the texts in place of their digests. The digest of a text that was erased
    /// stands as it is: `{"digest": "sha256:…"}`.
    ///
    /// # Errors
    /// The entry does not fit its hash, or a text does not fit its digest.
    pub fn readable(&self) -> Result<Value, Fault> {
        if !self.is_whole() {
            return Err(Fault::Edited);
        }
        let mut record = serde_json::from_str(&self.record).map_err(|_| Fault::Edited)?;
        for (pointer, text) in self.checked_texts(&record)? {
            if let Some(place) = record.pointer_mut(&pointer) {
                *place = Value::from(text.text);
            }
        }
        Ok(record)
    }
}

/// Canonical JSON (RFC 8785).
pub(super) fn canonical(value: &Value) -> String {
    serde_json_canonicalizer::to_string(value).expect("texts by name are JSON")
}

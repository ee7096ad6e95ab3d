//! The tokens of an installation, and who is behind each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;
use tidegate_core::names::TaskName;
use tidegate_core::principal::{Principal, PrincipalName};

use crate::mac;
use crate::secret::Secret;

/// Shortest token that an operator may choose.
pub const TOKEN_BYTES_MIN: usize = 8;

/// A token with a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedToken {
    /// Whose it is.
    pub name: PrincipalName,
    /// A person's or a program's.
    pub kind: TokenKind,
    /// The token.
    pub token: Secret,
    /// Where it is given, the token belongs to an integration: it answers these tasks, reads, and does
    /// nothing else.
    #[serde(default)]
    pub tasks: Option<Vec<TaskName>>,
}

/// Who holds a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// A human being.
    Person,
    /// A program.
    Machine,
}

/// A token that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token of {owner} {problem}")]
pub struct TokenError {
    /// Whose it is.
    pub owner: Principal,
    /// What is wrong with it.
    pub problem: TokenProblem,
}

/// What is wrong with a token. The token itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// Too easy to guess.
    #[error("is shorter than {TOKEN_BYTES_MIN} characters; choose a longer one")]
    Short,
    /// It could never be presented.
    #[error("has characters that a header cannot carry; use visible ASCII without spaces")]
    NotVisibleAscii,
    /// A person decides; what only answers tasks is a program.
    #[error("answers tasks only, and is a person's; make it kind = \"machine\"")]
    PersonAnswersTasks,
    /// Nobody could tell the two apart.
    #[error("is also that of {0}; give each its own")]
    SharedWith(Principal),
}

/// The tokens of an installation. Those of the configuration are kept as HMACs under a key of this
/// process, those that were made by a server as the digests that the store has: looking one up takes a
/// time that says nothing about how much of a guess is right.
pub struct Tokens {
    key: [u8; 32],
    holders: HashMap<[u8; 32], Holder>,
    /// By SHA-256. They come and go while the server runs.
    stored: RwLock<HashMap<[u8; 32], Holder>>,
}

/// Who presents a token, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub principal: Principal,
    /// The only tasks that the token answers; none where it may do everything.
    pub tasks: Option<Arc<[TaskName]>>,
}

impl Tokens {
    /// The installation's own token, which Keptn's clients share, and those with a name.
    ///
    /// # Errors
    /// One of them cannot be used; the message says whose, and why.
    pub fn new(shared: &Secret, named: &[NamedToken]) -> Result<Self, TokenError> {
        let mut tokens =
            Self { key: mac::random(), holders: HashMap::new(), stored: RwLock::default() };
        tokens.add(shared, Principal::Shared, None)?;
        for NamedToken { name, kind, token, tasks } in named {
            let owner = match kind {
                TokenKind::Person => Principal::Person(name.clone()),
                TokenKind::Machine => Principal::Machine(name.clone()),
            };
            if tasks.is_some() && *kind == TokenKind::Person {
                return Err(TokenError { owner, problem: TokenProblem::PersonAnswersTasks });
            }
            tokens.add(token, owner, tasks.clone().map(Arc::from))?;
        }
        Ok(tokens)
    }

    /// Who presents this token, and what for; none where nobody holds it.
    #[must_use]
    pub fn holder(&self, presented: &str) -> Option<Holder> {
        let configured = self.holders.get(&mac::sign(&self.key, presented.as_bytes()));
        configured.cloned().or_else(|| {
            let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
            stored.get(&mac::digest(presented.as_bytes())).cloned()
        })
    }

    /// From now on these are the tokens of the store, each by its SHA-256, and no others.
    pub fn replace_stored(&self, stored: impl IntoIterator<Item = ([u8; 32], Holder)>) {
        let stored = stored.into_iter().collect();
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = stored;
    }

    /// Who holds the tokens of the configuration that have names, by name. Somebody may hold several.
    #[must_use]
    pub fn configured(&self) -> Vec<Holder> {
        let named = self.holders.values().filter(|holder| holder.principal.name().is_some());
        let mut named: Vec<Holder> = named.cloned().collect();
        named.sort_by(|left, right| left.principal.name().cmp(&right.principal.name()));
        named
    }

    /// Who presents this token, if it may do everything; none where nobody holds it, or an
    /// integration does.
    #[must_use]
    pub fn principal(&self, presented: &str) -> Option<Principal> {
        let holder = self.holder(presented).filter(|holder| holder.tasks.is_none());
        holder.map(|holder| holder.principal)
    }

    fn add(
        &mut self,
        token: &Secret,
        owner: Principal,
        tasks: Option<Arc<[TaskName]>>,
    ) -> Result<(), TokenError> {
        if let Err(problem) = check(token) {
            return Err(TokenError { owner, problem });
        }
        match self.holders.entry(mac::sign(&self.key, token.expose().as_bytes())) {
            Entry::Vacant(free) => {
                free.insert(Holder { principal: owner, tasks });
                Ok(())
            }
            Entry::Occupied(taken) => {
                let problem = TokenProblem::SharedWith(taken.get().principal.clone());
                Err(TokenError { owner, problem })
            }
        }
    }
}

/// Whether a text can be a token at all.
pub(crate) fn check(token: &Secret) -> Result<(), TokenProblem> {
    if token.expose().len() < TOKEN_BYTES_MIN {
        return Err(TokenProblem::Short);
    }
    if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenProblem::NotVisibleAscii);
    }
    Ok(())
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.holders.values().map(|holder| &holder.principal)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, kind: TokenKind, token: &str) -> NamedToken {
        let name = PrincipalName::new(name).unwrap();
        NamedToken { name, kind, token: Secret::new(token), tasks: None }
    }

    fn tokens() -> Tokens {
        let people = [
            named("ada", TokenKind::Person, "ada-s-token"),
            named("ci", TokenKind::Machine, "token-of-ci"),
        ];
        Tokens::new(&Secret::new("shared-token"), &people).unwrap()
    }

    #[test]
    fn a_token_tells_who_presents_it() {
        let tokens = tokens();
        let name = |text| PrincipalName::new(text).unwrap();
        assert_eq!(tokens.principal("shared-token"), Some(Principal::Shared));
        assert_eq!(tokens.principal("ada-s-token"), Some(Principal::Person(name("ada"))));
        assert_eq!(tokens.principal("token-of-ci"), Some(Principal::Machine(name("ci"))));
        for wrong in ["", "shared-toke", "shared-token ", "SHARED-TOKEN", "ada"] {
            assert_eq!(tokens.principal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_integrations_token_answers_its_tasks_and_is_nobodys_who_may_do_everything() {
        let tasks = vec![TaskName::new("deployment").unwrap()];
        let helm = named("helm", TokenKind::Machine, "token-of-helm");
        let helm = NamedToken { tasks: Some(tasks.clone()), ..helm };
        let tokens = Tokens::new(&Secret::new("shared-token"), &[helm]).unwrap();
        assert_eq!(tokens.holder("token-of-helm").unwrap().tasks.as_deref(), Some(&*tasks));
        assert_eq!(tokens.principal("token-of-helm"), None);
        assert_eq!(tokens.holder("shared-token").unwrap().tasks, None);
        let ada =
            NamedToken { tasks: Some(tasks), ..named("ada", TokenKind::Person, "ada-s-token") };
        let error = Tokens::new(&Secret::new("shared-token"), &[ada]).unwrap_err();
        assert_eq!(error.problem, TokenProblem::PersonAnswersTasks);
    }

    #[test]
    fn a_token_that_cannot_work_is_refused_by_its_owner_and_never_repeated() {
        for (bad, problem) in [
            ("1234567", TokenProblem::Short),
            ("with a space", TokenProblem::NotVisibleAscii),
            ("schlüssel", TokenProblem::NotVisibleAscii),
            ("shared-token", TokenProblem::SharedWith(Principal::Shared)),
        ] {
            let people = [named("ada", TokenKind::Person, bad)];
            let error = Tokens::new(&Secret::new("shared-token"), &people).unwrap_err();
            assert_eq!(error.problem, problem);
            let text = format!("{error} {error:?}");
            assert!(text.starts_with("the token of ada ") && !text.contains(bad), "{text}");
        }
    }

    #[test]
    fn tokens_of_the_store_come_and_go_and_those_of_the_configuration_stay() {
        let tokens = tokens();
        let made = Secret::generate();
        let grace = Holder {
            principal: Principal::Person(PrincipalName::new("grace").unwrap()),
            tasks: None,
        };
        assert_eq!(tokens.holder(made.expose()), None);
        tokens.replace_stored([(made.digest(), grace.clone())]);
        assert_eq!(tokens.holder(made.expose()), Some(grace));
        tokens.replace_stored([]);
        assert_eq!(tokens.holder(made.expose()), None);
        assert!(tokens.principal("ada-s-token").is_some());
        let names: Vec<_> =
            tokens.configured().iter().map(|held| held.principal.to_string()).collect();
        assert_eq!(names, ["ada", "ci (machine)"]);
    }

    #[test]
    fn one_person_may_hold_two_tokens_so_that_one_can_be_replaced() {
        let two = [
            named("ada", TokenKind::Person, "ada-s-old-one"),
            named("ada", TokenKind::Person, "ada-s-new-one"),
        ];
        let tokens = Tokens::new(&Secret::new("shared-token"), &two).unwrap();
        assert_eq!(tokens.principal("ada-s-old-one"), tokens.principal("ada-s-new-one"));
    }

    #[test]
    fn debug_names_people_and_leaks_no_token() {
        let named = named("ada", TokenKind::Person, "ada-s-token");
        let text = format!("{:?} {named:?}", tokens());
        assert!(text.contains("ada") && !text.contains("-token"), "{text}");
        assert!(!text.contains("token-"), "{text}");
    }

    #[test]
    fn a_configuration_names_kind_and_owner_and_nothing_unknown() {
        let read = |text: &str| toml::from_str::<NamedToken>(text);
        let good = read("name = \"ci\"\nkind = \"machine\"\ntoken = \"t\"").unwrap();
        assert_eq!((good.name.as_str(), good.kind), ("ci", TokenKind::Machine));
        assert!(read("name = \"ci\"\nkind = \"robot\"\ntoken = \"t\"").is_err());
        assert!(read("name = \"ci\"\nkind = \"machine\"\ntoken = \"t\"\nrole = \"x\"").is_err());
        assert!(read("name = \"\"\nkind = \"machine\"\ntoken = \"t\"").is_err());
    }
}

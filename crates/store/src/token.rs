//! A token's row as both databases keep it.

use tidegate_core::principal::{Principal, PrincipalName};

use crate::codec::{damaged, from_json, time, to_json};
use crate::contract::StoreError;
use crate::rows::TokenRow;

/// What is kept as JSON.
pub(crate) struct Texts {
    pub(crate) holder: String,
    pub(crate) tasks: Option<String>,
    pub(crate) creator: String,
}

pub(crate) fn texts(row: &TokenRow) -> Result<Texts, StoreError> {
    let tasks = row.tasks.as_ref().map(|tasks| to_json(tasks, "tasks")).transpose()?;
    let (holder, creator) = (to_json(&row.holder, "principal")?, to_json(&row.by, "principal")?);
    Ok(Texts { holder, tasks, creator })
}

/// The row that was kept so; `created` in microseconds.
pub(crate) fn row(
    name: &str,
    digest: [u8; 32],
    texts: &Texts,
    created: i64,
) -> Result<TokenRow, StoreError> {
    let what = || format!("table token, name {name}");
    let wrong = |why: &str| damaged(what(), &why);
    let holder: Principal = from_json(&texts.holder, what)?;
    let named = PrincipalName::new(name).map_err(|error| damaged(what(), &error))?;
    match &holder {
        Principal::Person(holder) | Principal::Machine(holder) if *holder == named => {}
        _ => return Err(wrong("its holder is nobody of that name")),
    }
    let tasks = texts.tasks.as_ref().map(|tasks| from_json(tasks, what)).transpose()?;
    let by = from_json(&texts.creator, what)?;
    Ok(TokenRow { name: named, digest, holder, tasks, created: time(created, &what())?, by })
}

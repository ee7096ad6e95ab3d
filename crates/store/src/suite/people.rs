//! Sessions, sign-in links, tokens, idempotency keys.

use tidegate_core::names::TaskName;
use tidegate_core::principal::{Principal, PrincipalName};

use crate::testing::{Fixture, Steps, at, person};
use crate::{
    Home as _, IdempotencyRow, Reader as _, SessionRow, SignInRow, TokenRow, Write, Written,
};

fn session(n: u8, expires: i64) -> SessionRow {
    SessionRow { digest: [n; 32], principal: person("ada"), expires: at(expires) }
}

fn link(n: u8, expires: i64) -> SignInRow {
    let name = PrincipalName::new("grace").unwrap();
    SignInRow { digest: [n; 32], name, expires: at(expires) }
}

fn answer(n: u8, expires: i64) -> IdempotencyRow {
    IdempotencyRow { key: [n; 32], request: [9; 32], answer: "{}".into(), expires: at(expires) }
}

pub(crate) fn a_sign_in_link_works_once<F: Fixture>() {
    let mut store = F::fresh();
    store.written(&Write::PutSignIn(link(1, 10)));
    assert_eq!(store.reader().sign_in(&[1; 32], at(9)).unwrap(), Some(link(1, 10)));
    let used = Write::UseSignIn {
        code: [1; 32],
        session: SessionRow { principal: Principal::Shared, ..session(2, 100) },
        now: at(9),
    };
    let made = SessionRow { principal: person("grace"), ..session(2, 100) };
    assert_eq!(store.written(&used), Written::SignedIn(Some(made.clone())));
    assert_eq!(store.reader().session(&[2; 32], at(9)).unwrap(), Some(made));
    assert_eq!(store.reader().sign_in(&[1; 32], at(9)).unwrap(), None);
    assert_eq!(store.written(&used), Written::SignedIn(None));
}

pub(crate) fn an_expired_link_or_session_is_none<F: Fixture>() {
    let mut store = F::fresh();
    store.written(&Write::PutSignIn(link(1, 10)));
    store.written(&Write::PutSession(session(3, 10)));
    assert_eq!(store.reader().session(&[3; 32], at(9)).unwrap(), Some(session(3, 10)));
    assert_eq!(store.reader().session(&[3; 32], at(10)).unwrap(), None);
    assert_eq!(store.reader().sign_in(&[1; 32], at(10)).unwrap(), None);
    let late = Write::UseSignIn { code: [1; 32], session: session(2, 100), now: at(10) };
    assert_eq!(store.written(&late), Written::SignedIn(None));
    assert_eq!(store.reader().session(&[2; 32], at(9)).unwrap(), None);
}

pub(crate) fn signing_out_ends_the_session<F: Fixture>() {
    let mut store = F::fresh();
    store.written(&Write::PutSession(session(1, 10)));
    store.written(&Write::PutSession(session(2, 10)));
    store.written(&Write::DropSession([1; 32]));
    assert_eq!(store.reader().session(&[1; 32], at(1)).unwrap(), None);
    assert_eq!(store.reader().session(&[2; 32], at(1)).unwrap(), Some(session(2, 10)));
}

fn token(n: u8, holder: Principal, tasks: Option<&str>) -> TokenRow {
    let (Principal::Person(name) | Principal::Machine(name)) = &holder else { panic!("a name") };
    let tasks = tasks.map(|task| vec![TaskName::new(task).unwrap()]);
    let by = Principal::Shared;
    TokenRow { name: name.clone(), digest: [n; 32], holder, tasks, created: at(n.into()), by }
}

fn machine(name: &str) -> Principal {
    Principal::Machine(PrincipalName::new(name).unwrap())
}

pub(crate) fn tokens_are_listed_by_name_until_they_are_revoked<F: Fixture>() {
    let mut store = F::fresh();
    assert_eq!(store.reader().tokens().unwrap(), []);
    let (zoe, helm) =
        (token(1, person("zoe"), None), token(2, machine("helm"), Some("deployment")));
    for token in [&zoe, &helm] {
        assert_eq!(store.written(&Write::PutToken(token.clone())), Written::Done);
    }
    assert_eq!(store.reader().tokens().unwrap(), [helm.clone(), zoe.clone()]);
    let gone = store.written(&Write::DropToken(helm.name.clone()));
    assert_eq!(gone, Written::TokenRevoked(Box::new(helm.clone())));
    assert_eq!(store.reader().tokens().unwrap(), [zoe]);
    assert_eq!(store.written(&Write::DropToken(helm.name.clone())), Written::NoToken);
    assert_eq!(store.written(&Write::PutToken(helm)), Written::Done, "the name is free again");
}

pub(crate) fn a_name_has_one_token_and_the_first_one_stays<F: Fixture>() {
    let mut store = F::fresh();
    let first = token(1, person("ada"), None);
    store.written(&Write::PutToken(first.clone()));
    for second in [token(2, person("ada"), None), token(3, machine("ada"), Some("test"))] {
        assert_eq!(store.written(&Write::PutToken(second)), Written::TokenExists);
    }
    assert_eq!(store.reader().tokens().unwrap(), [first]);
}

pub(crate) fn an_answer_is_kept_until_it_expires<F: Fixture>() {
    let mut store = F::fresh();
    store.written(&Write::Idempotency(answer(1, 10)));
    assert_eq!(store.home().kept_answer(&[1; 32], at(9)).unwrap(), Some(answer(1, 10)));
    assert_eq!(store.home().kept_answer(&[1; 32], at(10)).unwrap(), None);
    assert_eq!(store.home().kept_answer(&[2; 32], at(9)).unwrap(), None);
    let again = IdempotencyRow { answer: "a\0b\\0".into(), ..answer(1, 20) };
    store.written(&Write::Idempotency(again.clone()));
    assert_eq!(store.home().kept_answer(&[1; 32], at(11)).unwrap(), Some(again));
}

pub(crate) fn expiry_forgets_only_what_has_expired<F: Fixture>() {
    let mut store = F::fresh();
    for (n, expires) in [(1, 10), (2, 20)] {
        store.written(&Write::PutSession(session(n, expires)));
        store.written(&Write::PutSignIn(link(n, expires)));
        store.written(&Write::Idempotency(answer(n, expires)));
    }
    store.written(&Write::Expire(at(10)));
    // Asked as of a time when none had expired yet, so that only removal hides a row.
    for (n, there) in [(1, false), (2, true)] {
        assert_eq!(store.reader().session(&[n; 32], at(0)).unwrap().is_some(), there);
        assert_eq!(store.reader().sign_in(&[n; 32], at(0)).unwrap().is_some(), there);
        assert_eq!(store.home().kept_answer(&[n; 32], at(0)).unwrap().is_some(), there);
    }
}

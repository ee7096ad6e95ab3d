//! What nobody waits for is done all the same.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidegate_core::built_in::BuiltIn;
use tidegate_core::principal::Principal;
use tidegate_store::{DeliveryRow, Write};

use super::{ada, fresh, start, trigger};
use crate::{Engine, Failure};

async fn deliveries(engine: &Engine) -> Vec<DeliveryRow> {
    engine.read(|reader| reader.deliveries(BuiltIn::Jobs, 0, 10)).await.unwrap()
}

/// Says of the one delivery there is that it is done.
async fn done(engine: &Engine) {
    let [delivery] = &deliveries(engine).await[..] else { panic!("there is one delivery") };
    engine.write_later(Write::DeliveryDone(delivery.id), &Principal::tidegate()).unwrap();
}

async fn none_is_left(engine: &Engine) {
    let looking = async {
        while !deliveries(engine).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking).await.expect("it is done by itself");
}

#[tokio::test]
async fn it_is_done_where_nothing_else_is() {
    let (_directory, _, engine) = fresh().await;
    engine.accept(trigger(), &ada(), None).await.unwrap();
    done(&engine).await;
    none_is_left(&engine).await;
    engine.stop().await;
}

#[tokio::test]
async fn it_is_done_before_the_engine_stops() {
    let (directory, faults, engine) = fresh().await;
    engine.accept(trigger(), &ada(), None).await.unwrap();
    done(&engine).await;
    engine.stop().await;
    let again = start(directory.path(), &faults).await;
    assert_eq!(deliveries(&again).await, []);
    again.stop().await;
}

#[tokio::test]
async fn it_is_done_once_there_is_space_again() {
    let (_directory, faults, engine) = fresh().await;
    engine.accept(trigger(), &ada(), None).await.unwrap();
    faults.full.store(true, Ordering::SeqCst);
    assert!(matches!(engine.accept(trigger(), &ada(), None).await, Err(Failure::Full)));
    done(&engine).await;
    // Whoever is answered now was in a later commit.
    assert!(matches!(engine.accept(trigger(), &ada(), None).await, Err(Failure::Full)));
    assert_eq!(deliveries(&engine).await.len(), 1);
    faults.full.store(false, Ordering::SeqCst);
    none_is_left(&engine).await;
    engine.stop().await;
}

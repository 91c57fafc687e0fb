use promfetch_broker::store::{Instance, Kind as ErrorKind, Store};
use promfetch_tests::Database;
use promfetch_tests::database::Kind;
use tokio::task::JoinSet;

use super::{begin, binding, instance, on_each_database, provision, store_of};

on_each_database!(
    of_equal_provisions_one_creates,
    of_two_different_ones_one_conflicts,
    operations_on_an_instance_follow_each_other,
    operations_that_are_cut_short_leave_nothing_and_no_lock,
    a_turn_holds_the_next_operation_back,
);

/// As many processes.
const PROCESSES: usize = 3;

/// What a broker does with a PUT: 201, 200 or 409.
async fn put(store: &Store, wanted: &Instance) -> u16 {
    loop {
        let outcome = async {
            let mut transaction = store.begin(&wanted.id).await?;
            let status = match transaction.instance().await? {
                None => {
                    transaction.insert_instance(wanted).await?;
                    201
                }
                Some(there) if there == *wanted => 200,
                Some(_) => 409,
            };
            transaction.commit().await?;
            Ok(status)
        };
        let outcome: Result<u16, promfetch_broker::store::Error> = outcome.await;
        match outcome {
            Ok(status) => return status,
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn of_equal_provisions_one_creates(kind: Kind) {
    let database = Database::start(kind).await;
    let stores: Vec<_> = (0..PROCESSES).map(|_| store_of(&database)).collect();
    for round in 0..5 {
        let mut tasks = JoinSet::new();
        for number in 0..30 {
            let store = stores[number % PROCESSES].clone();
            let wanted = instance(&format!("i{round}"));
            tasks.spawn(async move { put(&store, &wanted).await });
        }
        let mut answers = tasks.join_all().await;
        answers.sort_unstable();
        let mut wanted = vec![200; 29];
        wanted.push(201);
        assert_eq!(answers, wanted);
    }
}

async fn of_two_different_ones_one_conflicts(kind: Kind) {
    let database = Database::start(kind).await;
    let stores = [store_of(&database), store_of(&database)];
    for round in 0..10 {
        let id = format!("i{round}");
        let one = instance(&id);
        let other = Instance {
            space_guid: "another".to_owned(),
            ..one.clone()
        };
        let (one, two) = tokio::join!(put(&stores[0], &one), put(&stores[1], &other));
        assert_eq!((one.min(two), one.max(two)), (201, 409));
    }
}

/// Each operation reads a number and writes the next one, so that two at once would lose one. Between them come binds
/// and unbinds.
async fn operations_on_an_instance_follow_each_other(kind: Kind) {
    const TASKS: usize = 12;
    const ROUNDS: usize = 10;
    let database = Database::start(kind).await;
    let stores: Vec<_> = (0..PROCESSES).map(|_| store_of(&database)).collect();
    let ids = ["i0", "i1", "i2"];
    for id in ids {
        provision(&stores[0], id).await;
    }
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = stores[task % PROCESSES].clone();
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let id = ids[(task + round) % ids.len()];
                loop {
                    match count_and_bind(&store, id, task, round).await {
                        Ok(()) => break,
                        Err(error) if error.kind() == ErrorKind::Conflict => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
    }
    tasks.join_all().await;

    let mut counted = 0;
    for id in ids {
        let mut transaction = begin(&stores[0], id).await;
        let found = transaction.instance().await.expect("read");
        counted += found.expect("an instance").updated - instance(id).updated;
    }
    assert_eq!(counted, i64::try_from(TASKS * ROUNDS).expect("a number"));
    let bindings = stores[1].bindings().await.expect("bindings");
    assert!(bindings.is_sorted_by_key(|binding| binding.seq));
    assert_eq!(bindings.len(), TASKS * ROUNDS / 2);
}

/// Even rounds bind, odd ones unbind what the round before bound on another instance.
async fn count_and_bind(
    store: &Store,
    id: &str,
    task: usize,
    round: usize,
) -> Result<(), promfetch_broker::store::Error> {
    let mut transaction = store.begin(id).await?;
    let mut found = transaction.instance().await?.expect("an instance");
    found.updated += 1;
    transaction.update_instance(&found).await?;
    let name = format!("{task}-{round}");
    if round.is_multiple_of(2) {
        transaction
            .insert_binding(&binding(&name, &name, "/x"))
            .await?;
    } else {
        let made = transaction
            .insert_binding(&binding(&name, &name, "/x"))
            .await?;
        transaction.delete_binding(&made).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn operations_that_are_cut_short_leave_nothing_and_no_lock(kind: Kind) {
    let database = Database::start(kind).await;
    let stores: Vec<_> = (0..2).map(|_| store_of(&database)).collect();
    provision(&stores[0], "i").await;
    for round in 0..40 {
        let store = stores[round % 2].clone();
        let task = tokio::spawn(async move {
            let Ok(mut transaction) = store.begin("i").await else {
                return;
            };
            // Half an operation, over and over: a binding without its count.
            for number in 0.. {
                let name = format!("{round}-{number}");
                if transaction
                    .insert_binding(&binding(&name, "app", "/x"))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        // Somewhere in the middle, another place each time.
        for _ in 0..round * 3 {
            tokio::task::yield_now().await;
        }
        if round % 3 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(round as u64)).await;
        }
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
    for store in &stores {
        let mut transaction = begin(store, "i").await;
        assert_eq!(transaction.instance().await, Ok(Some(instance("i"))));
        drop(transaction);
        assert_eq!(store.bindings().await, Ok(vec![]));
    }
}

async fn a_turn_holds_the_next_operation_back(kind: Kind) {
    let database = Database::start(kind).await;
    let store = store_of(&database);
    provision(&store, "i").await;
    let turn = begin(&store, "i").await.commit().await.expect("committed");
    let next = tokio::spawn({
        let store = store.clone();
        async move { begin(&store, "i").await.commit().await.map(drop) }
    });
    // Another instance does not wait for it, which also gives the next one its time.
    provision(&store, "another").await;
    assert!(!next.is_finished());
    drop(turn);
    assert_eq!(next.await.expect("no panic"), Ok(()));
}

//! How a process learns that the log has grown: one listener, with polling beneath it.
//!
//! Always: a lost notification, a lost connection or a refused LISTEN costs at most one poll interval; no failure ends
//! the tasks. Everything in the process that waits for the log waits on the one channel made here.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::feed;

/// The channel on which the sequencer tells the head of the log, once per batch.
const CHANNEL: &str = "zsq_log";
/// How often the head is read, whatever the listener says; jittered, so that processes do not poll in step.
const POLL_MS: std::ops::RangeInclusive<u64> = 250..=1_000;
/// Pause before a new listener after one failed.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// Follows the head of the log until `cancel`; the tasks end by themselves then.
pub(crate) fn follow(
    db: &PgPool,
    cancel: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> watch::Receiver<i64> {
    let (sender, receiver) = watch::channel(0);
    let (db_to_poll, poll_sender, poll_cancel) = (db.clone(), sender.clone(), cancel.clone());
    tasks.spawn(async move {
        poll_cancel.run_until_cancelled(poll(&db_to_poll, &poll_sender)).await;
    });
    let (db, cancel) = (db.clone(), cancel.clone());
    tasks.spawn(async move {
        cancel.run_until_cancelled(listen(&db, &sender)).await;
    });
    receiver
}

fn raise(sender: &watch::Sender<i64>, head: i64) {
    sender.send_if_modified(|known| {
        let higher = head > *known;
        *known = head.max(*known);
        higher
    });
}

async fn poll(db: &PgPool, sender: &watch::Sender<i64>) {
    loop {
        read_head(db, sender).await;
        tokio::time::sleep(Duration::from_millis(rand::random_range(POLL_MS))).await;
    }
}

async fn read_head(db: &PgPool, sender: &watch::Sender<i64>) {
    match feed::head(db).await {
        Ok(head) => raise(sender, head),
        Err(error) => tracing::warn!(%error, "the head of the log cannot be read now"),
    }
}

async fn listen(db: &PgPool, sender: &watch::Sender<i64>) {
    loop {
        if let Err(error) = listen_once(db, sender).await {
            tracing::warn!(%error, "notifications of the log are interrupted; polling goes on");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

/// Listens until an error. A lost connection is taken up again after one look at the head.
async fn listen_once(db: &PgPool, sender: &watch::Sender<i64>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(db).await?;
    listener.listen(CHANNEL).await?;
    loop {
        match listener.try_recv().await? {
            Some(notification) => match notification.payload().parse() {
                Ok(head) => raise(sender, head),
                Err(_) => read_head(db, sender).await,
            },
            None => read_head(db, sender).await,
        }
    }
}

//! Appending to a history, in one statement.
//!
//! The statement's snapshot precedes everything in it, so there is no moment between the look at the version and the
//! insert: no row inserted means that the stream had moved on, and then nothing else is written either, because all the
//! rest is selected from the inserted rows. Who passes the gate at the same time as another is stopped by a primary key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use application::ports::{Append, AppendError, Appended, IdempotencyKey, StoreError};
use chrono::{DateTime, SubsecRound, Utc};
use domain::aggregate::ClaimChange;
use serde_json::Value;
use uuid::Uuid;

use super::error::{self, Failure};
use super::leaf::{self, Leaf};
use super::{PgEventStore, bucket, seal};
use crate::database::store_error;
use crate::vault::{Absence, KeyState, NewKey};

mod statement;
use statement::{Statement, Stored};

/// Digits of a second that Postgres keeps, and that the leaf covers.
const MICROSECONDS: u16 = 6;

/// The events, column by column.
#[derive(Default)]
struct Columns {
    event_types: Vec<String>,
    event_versions: Vec<String>,
    payloads: Vec<Value>,
    /// Whose sealed values each payload holds.
    persons: Vec<Vec<Uuid>>,
    leaves: Vec<Vec<u8>>,
}

/// The last word on each claim; scope and stored key.
#[derive(Default)]
struct Claims {
    taken_scopes: Vec<String>,
    taken_keys: Vec<String>,
    released_scopes: Vec<String>,
    released_keys: Vec<String>,
}

impl PgEventStore {
    pub(super) async fn append_events(&self, mut append: Append) -> Result<Appended, AppendError> {
        append.recorded_at = append.recorded_at.trunc_subsecs(MICROSECONDS);
        let key = append.idempotency.take();
        check_texts(&append, key.as_ref())?;
        let claims = self.claims(&append.claims)?;
        let persons: Vec<Vec<Uuid>> = append
            .events
            .iter_mut()
            .map(|event| Ok(seal::subjects(&mut event.payload)?.into_iter().collect()))
            .collect::<Result<_, StoreError>>()?;
        let (keys, new_keys) = self.keys(persons.iter().flatten().copied()).await?;
        let metadata = serde_json::to_value(&append.metadata).map_err(error::failed)?;
        let columns = columns(&mut append, persons, &keys, &metadata)?;
        let values = Statement {
            append: &append,
            columns: &columns,
            metadata: &metadata,
            key: key.as_ref(),
            claims: &claims,
            new_keys: &new_keys,
            bucket: bucket(append.stream.aggregate_type, &append.stream.aggregate_id),
        };
        let appended = self.store(&values).await;
        for new in new_keys {
            if appended.is_ok() {
                self.vault.keep(new).await;
            } else {
                // Another append may have been first to make one.
                self.vault.forget(new.subject).await;
            }
        }
        let appended = appended?;
        self.wake.notify_one();
        Ok(appended)
    }

    /// The keys of everyone in the events: from memory as a rule, because the load brought them; new ones for the new.
    async fn keys(
        &self,
        subjects: impl Iterator<Item = Uuid>,
    ) -> Result<(HashMap<Uuid, KeyState>, Vec<NewKey>), StoreError> {
        let subjects: BTreeSet<Uuid> = subjects.collect();
        let mut keys = self.vault.keys_of(subjects.iter().copied(), Absence::Trusted).await?;
        let mut new_keys = Vec::new();
        for subject in subjects {
            keys.entry(subject).or_insert_with(|| {
                let new = self.vault.new_key(subject);
                let key = new.key.clone();
                new_keys.push(new);
                key
            });
        }
        Ok((keys, new_keys))
    }
}

impl PgEventStore {
    async fn store(&self, values: &Statement<'_>) -> Result<Appended, AppendError> {
        let mut stored = self.execute(values).await?;
        if stored.as_ref().is_err_and(error::is_refused_by_socket) {
            // A connection from before an outage; the server has not had the append.
            self.connections.test_all();
            stored = self.execute(values).await?;
        }
        match stored {
            Ok(Stored { version: Some(version), entry: Some(entry) }) => {
                Ok(Appended { version, entry, bucket: values.bucket })
            }
            Ok(_) => Err(AppendError::Conflict),
            Err(error) => Err(self.told(error, values).await?),
        }
    }

    /// The outer error says that nothing was sent.
    async fn execute(&self, values: &Statement<'_>) -> Result<Result<Stored, sqlx::Error>, StoreError> {
        let mut connection = self.connections.take().await.map_err(store_error)?;
        let stored = values.run(&mut connection).await;
        connection.keep_after(&stored);
        Ok(stored)
    }

    /// What `error` means, with a second look where the error alone does not tell.
    async fn told(&self, error: sqlx::Error, values: &Statement<'_>) -> Result<AppendError, StoreError> {
        if error::is_broken(&error) {
            self.connections.test_all();
        }
        match (error::after_sending(error), values.key) {
            (Failure::Final(error), _) => Ok(error),
            (Failure::KeyPresent, None) => Ok(AppendError::Repeated),
            (Failure::KeyPresent, Some(key)) => {
                // The load did not count a key that is too old; neither may the next append.
                sqlx::query!(
                    "delete from idempotency_keys
                     where scope = $1 and key = $2 and recorded_at <= now() - interval '7 days'",
                    key.scope,
                    key.key,
                )
                .execute(&self.pool)
                .await
                .map_err(store_error)?;
                Ok(AppendError::Repeated)
            }
            (Failure::Taken(Some(scope)), _) => Ok(AppendError::Taken { scope }),
            (Failure::Taken(None), _) => self.look_at_claims(values).await,
        }
    }

    /// Which claim another stream holds; when none does any more, the race is over and deciding again is right.
    async fn look_at_claims(&self, values: &Statement<'_>) -> Result<AppendError, StoreError> {
        let scope = sqlx::query_scalar!(
            "select held.scope from claims held
             join unnest($1::text[], $2::text[]) as wanted (scope, key) using (scope, key)
             where (held.aggregate_type, held.aggregate_id) <> ($3, $4) order by held.scope limit 1",
            &values.claims.taken_scopes[..],
            &values.claims.taken_keys[..],
            values.append.stream.aggregate_type,
            values.append.stream.aggregate_id,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(store_error)?;
        Ok(scope.map_or(AppendError::Conflict, |scope| AppendError::Taken { scope }))
    }

    /// The last change of each claim decides: a claim that is taken and released within one append is only released,
    /// which does nothing to a claim that the stream does not hold; one released and taken again is only kept.
    fn claims(&self, changes: &[ClaimChange]) -> Result<Claims, StoreError> {
        let mut last = BTreeMap::new();
        for change in changes {
            let (claim, is_taken) = match change {
                ClaimChange::Take(claim) => (claim, true),
                ClaimChange::Release(claim) => (claim, false),
            };
            let key = self.claim_key(claim);
            check_text(&key)?;
            last.insert((claim.scope, key), is_taken);
        }
        let mut claims = Claims::default();
        for ((scope, key), is_taken) in last {
            if is_taken {
                claims.taken_scopes.push(scope.to_owned());
                claims.taken_keys.push(key);
            } else {
                claims.released_scopes.push(scope.to_owned());
                claims.released_keys.push(key);
            }
        }
        Ok(claims)
    }
}

impl Claims {
    fn is_empty(&self) -> bool {
        self.taken_scopes.is_empty() && self.released_scopes.is_empty()
    }
}

/// Seals and hashes the events; takes their payloads.
fn columns(
    append: &mut Append,
    persons: Vec<Vec<Uuid>>,
    keys: &HashMap<Uuid, KeyState>,
    metadata: &Value,
) -> Result<Columns, StoreError> {
    if append.events.is_empty() {
        return Err(StoreError::Failed("an append without events".into()));
    }
    let (aggregate_type, aggregate_id) = (append.stream.aggregate_type, append.stream.aggregate_id.as_str());
    let recorded_at: DateTime<Utc> = append.recorded_at;
    let mut columns = Columns { persons, ..Columns::default() };
    for (event, sequence) in append.events.iter_mut().zip(append.expected + 1..) {
        let mut payload = event.payload.take();
        seal::seal(&mut payload, &seal::origin(aggregate_type, aggregate_id, sequence), keys)?;
        let leaf = Leaf {
            aggregate_type,
            aggregate_id,
            sequence,
            event_type: &event.event_type,
            event_version: &event.event_version,
            recorded_at,
            payload: &payload,
            metadata,
        };
        columns.leaves.push(leaf.hash().map_err(refused)?.to_vec());
        columns.event_types.push(std::mem::take(&mut event.event_type));
        columns.event_versions.push(std::mem::take(&mut event.event_version));
        columns.payloads.push(payload);
    }
    Ok(columns)
}

/// The texts that no leaf checks.
fn check_texts(append: &Append, key: Option<&IdempotencyKey>) -> Result<(), StoreError> {
    check_text(&append.stream.aggregate_id)?;
    for event in &append.events {
        check_text(&event.event_type)?;
        check_text(&event.event_version)?;
    }
    key.map_or(Ok(()), |key| check_text(&key.scope).and_then(|()| check_text(&key.key)))
}

fn check_text(text: &str) -> Result<(), StoreError> {
    leaf::check_text(text).map_err(refused)
}

fn refused(error: leaf::LeafError) -> StoreError {
    StoreError::Failed(Box::new(error))
}

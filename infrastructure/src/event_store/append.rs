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

/// Digits of a second that Postgres keeps, and that the leaf covers.
const MICROSECONDS: u16 = 6;

/// Many events get their entry numbers in the order of `order by`.
macro_rules! append_many {
    ($values:ident, [$($more:literal)*], [$($parameter:expr),*]) => {
        append!(
            "with appended as (
    insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        recorded_at, bucket, subjects, leaf)
    select $1, $2, $3 + new.ordinality, new.event_type, new.event_version, new.payload, $7, $8, $9,
           new.subjects::uuid[], new.leaf
    from unnest($4::text[], $5::text[], $6::jsonb[], $10::text[], $11::bytea[])
         with ordinality as new (event_type, event_version, payload, subjects, leaf, ordinality)
    where coalesce((select max(sequence) from events where aggregate_type = $1 and aggregate_id = $2), 0) = $3
    order by new.ordinality
    returning sequence, entry, event_type, leaf
), queued as (
    insert into unsequenced (entry, bucket, event_type, leaf)
    select entry, $9, event_type, leaf from appended order by entry
)",
            $values,
            [
                &$values.columns.event_types[..],
                &$values.columns.event_versions[..],
                &$values.columns.payloads[..],
                &$values.columns.persons.iter().map(|persons| array_literal(persons)).collect::<Vec<_>>()[..],
                &$values.columns.leaves[..]
            ],
            [$($more)*],
            [$($parameter),*]
        )
    };
}

/// One event, as nearly every command has: without arrays to unpack and rows to sort.
macro_rules! append_one {
    ($values:ident, [$($more:literal)*], [$($parameter:expr),*]) => {
        append!(
            "with appended as (
    insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        recorded_at, bucket, subjects, leaf)
    select $1, $2, $3::bigint + 1, $4::text, $5::text, $6::jsonb, $7::jsonb, $8::timestamptz, $9::smallint, $10::uuid[],
           $11::bytea
    where coalesce((select max(sequence) from events where aggregate_type = $1 and aggregate_id = $2), 0) = $3
    returning sequence, entry
), queued as (
    insert into unsequenced (entry, bucket, event_type, leaf) select entry, $9, $4, $11 from appended
)",
            $values,
            [
                &$values.columns.event_types[0],
                &$values.columns.event_versions[0],
                &$values.columns.payloads[0],
                &$values.columns.persons[0][..],
                &$values.columns.leaves[0]
            ],
            [$($more)*],
            [$($parameter),*]
        )
    };
}

/// The statement for a command that has nothing to store but events (`$events`). Others add their parts (`$more`) and
/// parameters, and only those: an insert into nothing still opens its table and its indexes.
macro_rules! append {
    ($events:literal, $values:ident, [$types:expr, $versions:expr, $payloads:expr, $persons:expr, $leaves:expr],
     [$($more:literal)*], [$($parameter:expr),*]) => {
        sqlx::query_as!(
            Stored,
            $events $(+ $more)* + " select max(sequence) as version, max(entry) as entry from appended",
            $values.append.stream.aggregate_type,
            $values.append.stream.aggregate_id,
            $values.append.expected,
            $types,
            $versions,
            $payloads,
            $values.metadata,
            $values.append.recorded_at,
            $values.bucket,
            $persons,
            $leaves,
            $($parameter),*
        )
    };
}

/// With what the idempotency key was used for.
macro_rules! append_with_key {
    ($append:ident, $values:ident, [$($more:literal)*], [$($parameter:expr),*]) => {
        $append!(
            $values,
            [", remembered as (
    insert into idempotency_keys (scope, key, request_hash, aggregate_id, version, entry, bucket)
    select $12, $13, $14, $2, max(sequence), max(entry), $9 from appended
    where $12::text is not null having count(*) > 0
)" $($more)*],
            [
                $values.key.map(|key| key.scope.as_str()),
                $values.key.map(|key| key.key.as_str()),
                $values.key.map(|key| key.request_hash.as_slice())
                $(, $parameter)*
            ]
        )
    };
}

/// With claims and new persons. A claim that the stream holds already is left alone. Claims are taken in one order by
/// everyone: no deadlocks.
macro_rules! append_everything {
    ($append:ident, $values:ident) => {
        append_with_key!(
            $append,
            $values,
            [", taken as (
    insert into claims (scope, key, aggregate_type, aggregate_id)
    select new.scope, new.key, $1, $2 from unnest($15::text[], $16::text[]) as new (scope, key)
    where exists (select 1 from appended)
      and not exists (select 1 from claims held where held.scope = new.scope and held.key = new.key
                      and held.aggregate_type = $1 and held.aggregate_id = $2)
    order by new.scope, new.key
), released as (
    delete from claims using unnest($17::text[], $18::text[]) as gone (scope, key)
    where claims.scope = gone.scope and claims.key = gone.key
      and claims.aggregate_type = $1 and claims.aggregate_id = $2 and exists (select 1 from appended)
), persons as (
    insert into personal_keys (subject, wrapped)
    select new.subject, new.wrapped from unnest($19::uuid[], $20::bytea[]) as new (subject, wrapped)
    where exists (select 1 from appended) order by new.subject
)"],
            [
                &$values.claims.taken_scopes[..],
                &$values.claims.taken_keys[..],
                &$values.claims.released_scopes[..],
                &$values.claims.released_keys[..],
                &$values.new_keys.iter().map(|new| new.subject).collect::<Vec<_>>(),
                &$values.new_keys.iter().map(|new| new.wrapped.as_slice()).collect::<Vec<_>>()
                    as &[&[u8]]
            ]
        )
    };
}

/// The stream's last sequence and entry; none when nothing was inserted.
struct Stored {
    version: Option<i64>,
    entry: Option<i64>,
}

/// All that the statement takes.
struct Statement<'a> {
    append: &'a Append,
    columns: &'a Columns,
    metadata: &'a Value,
    key: Option<&'a IdempotencyKey>,
    claims: &'a Claims,
    new_keys: &'a [NewKey],
    bucket: i16,
}

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
        let is_plain = values.claims.is_empty() && values.new_keys.is_empty();
        let mut taken = self.connections.take().await.map_err(store_error)?;
        let connection = &mut *taken;
        let stored = match (values.columns.payloads.len(), is_plain, values.key) {
            (1, true, None) => append_one!(values, [], []).fetch_one(connection).await,
            (1, true, Some(_)) => append_with_key!(append_one, values, [], []).fetch_one(connection).await,
            (1, false, _) => append_everything!(append_one, values).fetch_one(connection).await,
            (_, true, None) => append_many!(values, [], []).fetch_one(connection).await,
            (_, true, Some(_)) => append_with_key!(append_many, values, [], []).fetch_one(connection).await,
            (_, false, _) => append_everything!(append_many, values).fetch_one(connection).await,
        };
        taken.keep_after(&stored);
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

/// `{a,b}`: an array of arrays would have to be rectangular.
fn array_literal(subjects: &[Uuid]) -> String {
    let list: Vec<String> = subjects.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", list.join(","))
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

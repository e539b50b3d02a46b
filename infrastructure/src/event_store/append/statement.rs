//! The statement of an append, in six forms: for one event or many, alone, with an idempotency key, with everything.

use application::ports::{Append, IdempotencyKey};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Claims, Columns};
use crate::vault::NewKey;

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
pub(super) struct Stored {
    pub(super) version: Option<i64>,
    pub(super) entry: Option<i64>,
}

/// All that the statement takes.
pub(super) struct Statement<'a> {
    pub(super) append: &'a Append,
    pub(super) columns: &'a Columns,
    pub(super) metadata: &'a Value,
    pub(super) key: Option<&'a IdempotencyKey>,
    pub(super) claims: &'a Claims,
    pub(super) new_keys: &'a [NewKey],
    pub(super) bucket: i16,
}

impl Statement<'_> {
    /// Sends it.
    pub(super) async fn run(&self, connection: &mut PgConnection) -> Result<Stored, sqlx::Error> {
        let is_plain = self.claims.is_empty() && self.new_keys.is_empty();
        match (self.columns.payloads.len(), is_plain, self.key) {
            (1, true, None) => append_one!(self, [], []).fetch_one(connection).await,
            (1, true, Some(_)) => append_with_key!(append_one, self, [], []).fetch_one(connection).await,
            (1, false, _) => append_everything!(append_one, self).fetch_one(connection).await,
            (_, true, None) => append_many!(self, [], []).fetch_one(connection).await,
            (_, true, Some(_)) => append_with_key!(append_many, self, [], []).fetch_one(connection).await,
            (_, false, _) => append_everything!(append_many, self).fetch_one(connection).await,
        }
    }
}

/// `{a,b}`: an array of arrays would have to be rectangular.
fn array_literal(subjects: &[Uuid]) -> String {
    let list: Vec<String> = subjects.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", list.join(","))
}

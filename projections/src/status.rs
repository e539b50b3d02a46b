//! Where every reader stands: for the API, the command line, readiness and metrics.
//!
//! No viewer is asked for: it holds nothing but names and numbers, and readiness is answered to nobody in particular.
//! The route that shows it is for staff (`access.rs`, `ReadProjections`).

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool};
use utoipa::ToSchema;

/// A generation of a read model, or a process.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReaderStatus {
    /// Its name.
    pub name: String,
    /// `projection` or `process`.
    pub kind: String,
    /// 1, 2, 3 …; always 1 for a process.
    pub generation: i32,
    /// `building`, `live`, `retired` or `failed`.
    pub status: String,
    /// Everything up to here is taken in, in every slot.
    pub position: i64,
    /// Where the log ends.
    pub head: i64,
    /// Events of the log that its slowest slot has not looked at.
    pub lag_events: i64,
    /// For how long the oldest of those has been in the log, in milliseconds.
    pub lag_ms: i64,
    /// Parked events.
    pub parked: i64,
    /// Since when it is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_at: Option<DateTime<Utc>>,
    /// Its slots.
    #[schema(value_type = Vec<SlotStatus>)]
    pub slots: Json<Vec<SlotStatus>>,
}

/// A slot of a reader.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotStatus {
    /// 0, 1, 2 …
    pub slot: i16,
    /// First bucket.
    pub bucket_from: i16,
    /// Last bucket.
    pub bucket_to: i16,
    /// Everything up to here is taken in.
    pub position: i64,
    /// The worker that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Every reader in every generation that is kept, by name, newest first.
pub async fn status(db: &PgPool) -> Result<Vec<ReaderStatus>, sqlx::Error> {
    sqlx::query_as(
        "select r.name, r.kind, r.generation, r.status, s.position, h.head, r.live_at, s.slots,
                greatest(h.head - s.position, 0) as lag_events,
                coalesce(greatest(extract(epoch from clock_timestamp() - next.logged_at) * 1000, 0), 0)::bigint as lag_ms,
                (select count(*) from public.parked_events p where p.name = r.name and p.generation = r.generation) as parked
         from public.readers r
         cross join public.log_head h
         cross join lateral (
             select coalesce(min(s.position), 0) as position,
                    coalesce(jsonb_agg(jsonb_build_object('slot', s.slot, 'bucketFrom', s.bucket_from,
                        'bucketTo', s.bucket_to, 'position', s.position,
                        'owner', case when s.lease_until > clock_timestamp() then s.owner end) order by s.slot), '[]') as slots
             from public.reader_slots s
             where s.name = r.name and s.generation = r.generation
         ) s
         left join lateral (
             select l.logged_at from public.log l where l.position = s.position + 1
         ) next on true
         order by r.kind desc, r.name, r.generation desc",
    )
    .fetch_all(db)
    .await
}

/// Sets the gauges `zsq_projection_lag_events`, `zsq_projection_lag_seconds` and `zsq_projection_parked` of every live
/// reader.
pub(crate) async fn publish(db: &PgPool) -> Result<(), sqlx::Error> {
    let live: Vec<(String, i64, f64, i64)> = sqlx::query_as(
        "select r.name,
                greatest((select head from public.log_head) - s.position, 0),
                coalesce(greatest(extract(epoch from clock_timestamp() - next.logged_at), 0), 0)::float8,
                (select count(*) from public.parked_events p where p.name = r.name and p.generation = r.generation)
         from public.readers r
         cross join lateral (
             select coalesce(min(s.position), 0) as position from public.reader_slots s
             where s.name = r.name and s.generation = r.generation
         ) s
         left join public.log next on next.position = s.position + 1
         where r.status = 'live'",
    )
    .fetch_all(db)
    .await?;
    for (name, lag, seconds, parked) in live {
        metrics::gauge!("zsq_projection_lag_events", "name" => name.clone()).set(gauge(lag));
        metrics::gauge!("zsq_projection_lag_seconds", "name" => name.clone()).set(seconds);
        metrics::gauge!("zsq_projection_parked", "name" => name).set(gauge(parked));
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is read by people: above 2^53 the last digits do not matter"
)]
fn gauge(count: i64) -> f64 {
    count as f64
}

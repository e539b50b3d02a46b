//! Judging rolling windows, in one statement for all limits of a request.

use application::ports::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Postgres, Transaction};

use super::{Key, Limit, columns};
use crate::database::store_error;

/// Where one limit stands after a request; what the fields `RateLimit-Policy` (`policy`, `limit`, `window_seconds`) and
/// `RateLimit` (`policy`, `remaining`, `reset_seconds`) of draft-ietf-httpapi-ratelimit-headers show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The limit's name.
    pub policy: &'static str,
    /// How often.
    pub limit: u32,
    /// Within how many seconds.
    pub window_seconds: u64,
    /// How often still, after this request.
    pub remaining: u32,
    /// Seconds until one more becomes free; 0 when nothing is spent.
    pub reset_seconds: u64,
}

/// A request that came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The limit that takes the longest to become free.
    pub policy: &'static str,
    /// After how many seconds it would be allowed, if nothing else happens meanwhile; at least 1.
    pub retry_after_seconds: u64,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Every limit that applies.
    pub standings: Vec<Standing>,
    /// Present when the request is refused; it was not counted then.
    pub refused: Option<Refused>,
}

impl Verdict {
    /// Whether it may go on.
    pub fn is_allowed(&self) -> bool {
        self.refused.is_none()
    }

    /// The limit to tell about where there is room for one: the one that refused, else the one with least left.
    pub fn tightest(&self) -> Option<&Standing> {
        match self.refused {
            Some(refused) => self.standings.iter().find(|standing| standing.policy == refused.policy),
            None => self.standings.iter().min_by_key(|standing| standing.remaining),
        }
    }
}

/// One limit as the database counts it.
struct Counted {
    /// Actions within the window.
    spent: i64,
    /// The oldest of them.
    oldest: Option<DateTime<Utc>>,
    /// The one that must leave the window before there is room again; none while there is room.
    blocking: Option<DateTime<Utc>>,
}

/// Judges without counting. The transaction holds the locks of all keys.
pub(super) async fn judge(
    transaction: &mut Transaction<'static, Postgres>,
    wanted: &[(Key, &[Limit])],
    now: DateTime<Utc>,
) -> Result<Verdict, StoreError> {
    let flat: Vec<(&Key, &Limit)> =
        wanted.iter().flat_map(|(key, limits)| limits.iter().map(move |limit| (key, limit))).collect();
    let keys: Vec<&Key> = flat.iter().map(|(key, _)| *key).collect();
    let (scopes, hashes) = columns(&keys);
    let since: Vec<_> = flat.iter().map(|(_, limit)| now - limit.window).collect();
    let quotas: Vec<_> = flat.iter().map(|(_, limit)| i64::from(limit.quota)).collect();
    let counted = sqlx::query_as!(
        Counted,
        r#"select window_counts.spent as "spent!", window_counts.oldest, blocking.at as "blocking?"
         from unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::bigint[])
              with ordinality as l(scope, key_hash, since, quota, place)
         cross join lateral (
             select count(*) as spent, min(r.at) as oldest from rate_counts r
             where r.scope = l.scope and r.key_hash = l.key_hash and r.at > l.since
         ) window_counts
         left join lateral (
             select r.at from rate_counts r
             where r.scope = l.scope and r.key_hash = l.key_hash and r.at > l.since
             order by r.at desc offset greatest(l.quota - 1, 0) limit 1
         ) blocking on true
         order by l.place"#,
        &scopes[..],
        &hashes[..],
        &since[..],
        &quotas[..],
    )
    .fetch_all(&mut **transaction)
    .await
    .map_err(store_error)?;
    Ok(verdict(flat.iter().map(|(_, limit)| *limit).zip(counted), now))
}

fn verdict<'a>(counted: impl Iterator<Item = (&'a Limit, Counted)>, now: DateTime<Utc>) -> Verdict {
    let counted: Vec<_> = counted.collect();
    let refused = counted
        .iter()
        .filter(|(limit, found)| left(limit, found.spent) == 0)
        .map(|(limit, found)| {
            // A quota of nothing has nothing that could leave the window: ask again after a whole one.
            let free_at = found.blocking.unwrap_or(now) + limit.window;
            Refused { policy: limit.policy, retry_after_seconds: seconds_until(free_at, now).max(1) }
        })
        .max_by_key(|refused| refused.retry_after_seconds);
    let this = i64::from(refused.is_none());
    let standings = counted
        .iter()
        .map(|(limit, found)| Standing {
            policy: limit.policy,
            limit: limit.quota,
            window_seconds: whole_seconds(limit.window),
            remaining: left(limit, found.spent + this),
            reset_seconds: match found.oldest.or((this > 0).then_some(now)) {
                Some(oldest) => seconds_until(oldest + limit.window, now),
                None => 0,
            },
        })
        .collect();
    Verdict { standings, refused }
}

fn left(limit: &Limit, spent: i64) -> u32 {
    u32::try_from((i64::from(limit.quota) - spent).max(0)).unwrap_or(0)
}

/// Rounded up: who waits so long has waited enough.
pub(super) fn seconds_until(then: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    let wait = (then - now).max(TimeDelta::zero());
    whole_seconds(wait) + u64::from(wait.subsec_nanos() > 0)
}

fn whole_seconds(duration: TimeDelta) -> u64 {
    u64::try_from(duration.num_seconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { policy: "test", quota: 2, window: TimeDelta::minutes(1) };

    fn found(spent: i64, oldest: i64, blocking: Option<i64>) -> Counted {
        let at = |seconds: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        Counted { spent, oldest: (spent > 0).then(|| at(oldest)), blocking: blocking.map(at) }
    }

    fn judged(counted: Counted, now_ms: i64) -> Verdict {
        verdict([(&LIMIT, counted)].into_iter(), DateTime::UNIX_EPOCH + TimeDelta::milliseconds(now_ms))
    }

    #[test]
    fn the_first_request_leaves_the_rest_of_the_quota_for_a_whole_window() {
        let verdict = judged(found(0, 0, None), 0);
        assert!(verdict.is_allowed());
        let standing = verdict.tightest().unwrap();
        assert_eq!((standing.remaining, standing.reset_seconds, standing.window_seconds), (1, 60, 60));
    }

    #[test]
    fn a_spent_quota_refuses_until_the_oldest_leaves_rounded_up() {
        let verdict = judged(found(2, 0, Some(0)), 10_500);
        assert_eq!(verdict.refused, Some(Refused { policy: "test", retry_after_seconds: 50 }));
        assert_eq!(verdict.tightest().unwrap().remaining, 0);
    }

    #[test]
    fn a_quota_of_nothing_refuses_everything() {
        let none = Limit { quota: 0, ..LIMIT };
        let verdict = verdict([(&none, found(0, 0, None))].into_iter(), DateTime::UNIX_EPOCH);
        assert_eq!(verdict.refused.map(|refused| refused.retry_after_seconds), Some(60));
    }
}

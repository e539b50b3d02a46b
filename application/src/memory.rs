//! Aggregates that were folded a moment ago: the next command on one reads only what came after.
//!
//! Always:
//! - remembered is what was loaded, never what was about to be stored;
//! - it is where to begin, not what is true: each command reads what came after, and its append counts only if nothing
//!   came in between. A memory that is behind costs a few rows; one that does not fit the history any more costs a
//!   conflict, and is forgotten then;
//! - each load asks after the keys of the persons whose data is remembered in clear, and when one was destroyed the history
//!   is read anew;
//! - it is bounded in events and in time.
//!
//! Deliberately not here: queries and replays, which fold the whole history each time; and anything on disk.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::aggregate::Decide;
use domain::refusal::Refusal;
use moka::sync::Cache;
use uuid::Uuid;

use crate::execute::ExecuteError;
use crate::fold::{Folded, fold_onto};
use crate::ports::{EventStore, Load, Remembered};

/// What the remembered histories may have together; folded, an event is some hundred bytes.
const EVENTS_MAX: u64 = 50_000;
/// As long as a personal-data key is remembered.
const LIFETIME: Duration = Duration::from_mins(1);
/// An aggregate with the data of more persons is not remembered: each load would ask after all of them.
const PERSONS_MAX: usize = 50;

/// What this process has folded lately. Cheap to clone.
#[derive(Clone)]
pub struct Memory {
    entries: Cache<(&'static str, Uuid), Entry>,
}

/// An aggregate of any type, with its version.
#[derive(Clone)]
struct Entry {
    version: i64,
    known: Arc<dyn Any + Send + Sync>,
}

/// An aggregate as it was.
struct Known<A> {
    folded: Folded<A>,
    /// Whose data it holds in clear.
    persons: BTreeSet<Uuid>,
}

impl<A: Default> Default for Known<A> {
    /// Before the first event.
    fn default() -> Self {
        Self { folded: Folded::default(), persons: BTreeSet::new() }
    }
}

impl fmt::Debug for Memory {
    /// Without what is remembered: it holds personal data.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memory")
    }
}

impl Default for Memory {
    fn default() -> Self {
        let weight = |_: &_, entry: &Entry| u32::try_from(entry.version).unwrap_or(u32::MAX);
        Self {
            entries: Cache::builder().max_capacity(EVENTS_MAX).weigher(weight).time_to_live(LIFETIME).build(),
        }
    }
}

impl Memory {
    /// The aggregate as it is now, folded from where this process last saw it, and what the request's key was used for.
    /// `load` is what would be loaded without a memory.
    pub(crate) async fn fold<A: Decide>(
        &self,
        store: &dyn EventStore,
        id: Uuid,
        load: &Load,
    ) -> Result<(Folded<A>, Remembered), ExecuteError>
    where
        A::Error: Refusal,
    {
        let mut known = self.recall::<A>(id);
        let mut later = Load { after: known.folded.version, ..load.clone() };
        later.subjects.extend(&known.persons);
        let mut loaded = store.load(later).await?;
        if !known.persons.is_disjoint(&loaded.erased) {
            // What is remembered of an erased person may not decide anything any more.
            self.forget::<A>(id);
            known = Arc::default();
            loaded = store.load(load.clone()).await?;
        }
        let is_news = !loaded.events.is_empty();
        let folded = fold_onto(known.folded.clone(), loaded.events)?;
        if is_news {
            let persons = known.persons.union(&loaded.persons).copied().collect();
            self.keep(id, Known { folded: folded.clone(), persons });
        }
        Ok((folded, loaded.remembered))
    }

    /// What is remembered of an aggregate; without a memory of it, its beginning.
    fn recall<A: Decide>(&self, id: Uuid) -> Arc<Known<A>>
    where
        A::Error: Refusal,
    {
        let entry = self.entries.get(&(A::TYPE, id));
        entry.and_then(|entry| entry.known.downcast().ok()).unwrap_or_default()
    }

    fn keep<A: Decide>(&self, id: Uuid, known: Known<A>)
    where
        A::Error: Refusal,
    {
        if known.persons.len() <= PERSONS_MAX {
            let version = known.folded.version;
            self.entries.insert((A::TYPE, id), Entry { version, known: Arc::new(known) });
        }
    }

    /// Begins anew the next time.
    pub(crate) fn forget<A: Decide>(&self, id: Uuid)
    where
        A::Error: Refusal,
    {
        self.entries.invalidate(&(A::TYPE, id));
    }
}

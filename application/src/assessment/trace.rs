//! Which events stand behind a score, step by step: what was filed, adopted and marked, the rule, the points.
//!
//! Found in the histories themselves: an event stands behind a part of an item when the part was another before it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use domain::aggregate::Decide;
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleEvent};
use domain::assessment_submission::{AssessmentSubmission, ItemState, submission_of};
use domain::event::decode_as;
use domain::id::{AssessmentCycleId, ParkId, StaffId};
use domain::ranking::{Ranking, RankingEvent};
use domain::refusal::Refusal;
use uuid::Uuid;

use crate::execute::{App, ExecuteError};
use crate::fold::stream;
use crate::ports::{Load, StoredEvent};

/// An event by the names under which an auditor finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// What it happened to.
    pub aggregate_type: &'static str,
    /// Which one.
    pub aggregate_id: Uuid,
    /// 1, 2, 3 … within the stream.
    pub sequence: i64,
    /// Entry number; the log gives it a position.
    pub entry: i64,
    /// Stored name.
    pub event_type: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The events behind one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemSteps {
    /// The last filing.
    pub filed: Option<Behind>,
    /// What adopted a value.
    pub adopted: Option<Behind>,
    /// What gave the mark that stands for all others: an accepted objection put in.
    pub adjusted: Option<Behind>,
    /// Each mark that counts, by who gave it.
    pub marks: BTreeMap<StaffId, Behind>,
}

/// The events behind a park's row of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// By code of the item.
    pub items: BTreeMap<String, ItemSteps>,
    /// What froze the scheme.
    pub rule: Option<Behind>,
    /// The computation.
    pub points: Option<Behind>,
    /// What published the version; nothing for one that is not.
    pub published: Option<Behind>,
}

/// The events behind what `park` has in `version` of the ranking; 0 is the one that is computed and not published.
pub async fn steps(
    app: &App,
    cycle: AssessmentCycleId,
    park: ParkId,
    version: u32,
) -> Result<Steps, ExecuteError> {
    let mut steps = Steps { items: items(app, submission_of(cycle, park).0).await?, ..Steps::default() };
    for (event, behind) in history::<AssessmentCycle>(app, cycle.0).await? {
        if matches!(event, AssessmentCycleEvent::Opened { .. }) {
            steps.rule = Some(behind);
        }
    }
    for (event, behind) in history::<Ranking>(app, cycle.0).await? {
        match event {
            RankingEvent::Computed { .. } if version <= 1 => steps.points = Some(behind),
            RankingEvent::Publicized { version: published, .. } if published == version => {
                steps.published = Some(behind);
            }
            RankingEvent::Republished { version: published, .. } if published == version => {
                (steps.points, steps.published) = (Some(behind.clone()), Some(behind));
            }
            RankingEvent::Computed { .. }
            | RankingEvent::Publicized { .. }
            | RankingEvent::Republished { .. }
            | RankingEvent::PublicityEnded {}
            | RankingEvent::Finalized { .. } => {}
        }
    }
    Ok(steps)
}

async fn items(app: &App, submission: Uuid) -> Result<BTreeMap<String, ItemSteps>, ExecuteError> {
    let mut steps: BTreeMap<String, ItemSteps> = BTreeMap::new();
    let (mut state, none) = (AssessmentSubmission::default(), ItemState::default());
    for (event, behind) in history::<AssessmentSubmission>(app, submission).await? {
        let before = state.items.clone();
        state.apply(event);
        for (code, after) in &state.items {
            let before = before.get(code).unwrap_or(&none);
            if before != after {
                steps.entry(code.clone()).or_default().follow(before, after, &behind);
            }
        }
    }
    Ok(steps)
}

impl ItemSteps {
    fn follow(&mut self, before: &ItemState, after: &ItemState, behind: &Behind) {
        follow(&mut self.filed, before.filed.as_ref(), after.filed.as_ref(), behind);
        follow(&mut self.adopted, before.adopted.as_ref(), after.adopted.as_ref(), behind);
        let (was, is) = (before.adjusted_score.as_ref(), after.adjusted_score.as_ref());
        follow(&mut self.adjusted, was, is, behind);
        self.marks.retain(|by, _| after.scores.iter().any(|given| given.by == *by));
        for given in after.scores.iter().filter(|given| !before.scores.contains(given)) {
            self.marks.insert(given.by, behind.clone());
        }
    }
}

/// The event behind a part that was `before` and is `after`.
fn follow<T: PartialEq>(step: &mut Option<Behind>, before: Option<&T>, after: Option<&T>, behind: &Behind) {
    if after.is_none() {
        *step = None;
    } else if before != after {
        *step = Some(behind.clone());
    }
}

/// Every event of a stream with the names it is found under, oldest first.
async fn history<A: Decide>(app: &App, id: Uuid) -> Result<Vec<(A::Event, Behind)>, ExecuteError>
where
    A::Error: Refusal,
{
    let load = Load { stream: stream::<A>(id), after: 0, idempotency: None, subjects: Vec::new() };
    let stored = app.store.load(load).await?.events;
    let named = |stored: StoredEvent| {
        let event = decode_as::<A>(&stored.event_type, &stored.event_version, stored.payload)?;
        let behind = Behind {
            aggregate_type: A::TYPE,
            aggregate_id: id,
            sequence: stored.sequence,
            entry: stored.entry,
            event_type: stored.event_type,
            at: stored.recorded_at,
        };
        Ok((event, behind))
    };
    stored.into_iter().map(named).collect()
}

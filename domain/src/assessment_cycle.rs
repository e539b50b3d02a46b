//! An assessment cycle (考核周期): one year's assessment of parks, bases or both, from its plan to its end.
//!
//! ```text
//! (none) ─draft→ Draft ─open→ Open ─cancel→ Cancelled        (cancel from Draft as well)
//!                 └─revise↺    └─add park, extend, mark↺
//! ```
//! What time makes of an open cycle is not a state: [`Deadlines::window`] says it for each park, extensions counted.
//! What follows from filing is in other streams: [`crate::assessment_submission`] and, under the cycle's own id,
//! [`crate::ranking`].
//!
//! Always: a plan that is stored has a scheme without errors and a calendar in order; an open cycle's plan never changes,
//! only named parks join it or get more time; one cycle per year and kind of park is open; a cycle is either published or
//! cancelled, never both (both take [`outcome_claim`]); every mark of the clock is made once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::Issued;
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::id::{AssessmentCycleId, ParkId};
use crate::park::ParkKind;

mod command;
mod decide;
mod error;
mod event;
mod mark;
mod plan;
mod window;
pub use command::{AssessmentCycleCommand, CohortPark, Joining};
pub use error::AssessmentCycleError;
pub use event::AssessmentCycleEvent;
pub use mark::{Mark, REMINDER_DAYS};
pub use plan::{Calendar, Plan, scheme_version};
pub use window::{Deadlines, Window};
#[cfg(test)]
mod tests;

/// Parks of one cycle: about ten times what the largest zone has.
pub const COHORT_MAX: usize = 5_000;
/// Claims of open cycles: one per year and kind of park.
pub const YEAR_KIND_SCOPE: &str = "assessment_cycle.year_kind";
/// Claims of published and of cancelled cycles.
pub const OUTCOME_SCOPE: &str = "assessment_cycle.outcome";

/// Whoever takes it says how a cycle ends: its ranking when it is published, or the cycle when it is cancelled.
pub fn outcome_claim(cycle: AssessmentCycleId) -> Claim {
    Claim { scope: OUTCOME_SCOPE, key: ClaimKey::Plain(cycle.to_string()) }
}

/// Whoever holds it is the open cycle of that year and kind of park.
pub fn year_kind_claim(year: i32, kind: ParkKind) -> Claim {
    Claim { scope: YEAR_KIND_SCOPE, key: ClaimKey::Plain(format!("{year}/{}", kind.name())) }
}

/// Where a cycle stands; the clock's part is [`Window`].
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum CycleState {
    /// There is none.
    #[default]
    None,
    /// Being prepared; only staff see it.
    Draft,
    /// Parks file as the calendar says.
    Open,
    /// Given up.
    Cancelled,
}

impl CycleState {
    /// As stored and sent.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "不存在",
            Self::Draft => "草稿",
            Self::Open => "已开启",
            Self::Cancelled => "已取消",
        }
    }
}

/// One park in a cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// 园区 or 基地, when it joined.
    pub kind: ParkKind,
    /// Since when.
    pub joined_at: DateTime<Utc>,
    /// More time than the others have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
}

/// More time to file; shown in everything that is exported about the park.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// The end of its filing window.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// When it was granted.
    pub granted_at: DateTime<Utc>,
}

/// The state of a cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssessmentCycle {
    /// Its own id; nothing before it is drafted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AssessmentCycleId>,
    /// Where it stands.
    pub state: CycleState,
    /// Its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
    /// SHA-256 of the scheme it was opened with; hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme_version: Option<String>,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<DateTime<Utc>>,
    /// Its parks.
    pub cohort: BTreeMap<ParkId, Member>,
    /// Marks made so far.
    pub marks: BTreeSet<Mark>,
}

impl AssessmentCycle {
    /// The deadlines of one park; nothing when the cycle is not open or the park not in it.
    pub fn deadlines(&self, park: ParkId) -> Option<Deadlines> {
        let plan = self.open_plan()?;
        let member = self.cohort.get(&park)?;
        Some(plan.calendar.deadlines(member.extension.as_ref().map(|extension| extension.until)))
    }

    /// When the last of all parks can no longer file by itself; nothing when the cycle is not open.
    pub fn filing_ends_at(&self) -> Option<DateTime<Utc>> {
        let plan = self.open_plan()?;
        let extended = self.cohort.values().filter_map(|member| Some(member.extension.as_ref()?.until)).max();
        Some(plan.calendar.deadlines(extended).supplement_closes_at)
    }

    fn open_plan(&self) -> Option<&Plan> {
        self.plan.as_deref().filter(|_| self.state == CycleState::Open)
    }

    /// The claims of its year and kinds of park.
    fn year_kinds(&self) -> Vec<Claim> {
        let Some(plan) = &self.plan else { return Vec::new() };
        plan.park_kinds.iter().map(|kind| year_kind_claim(plan.year, *kind)).collect()
    }
}

impl Decide for AssessmentCycle {
    type Intent = AssessmentCycleCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        self.decided(&issued.command, issued.at)
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            AssessmentCycleEvent::Opened { .. } => {
                self.year_kinds().into_iter().map(ClaimChange::Take).collect()
            }
            AssessmentCycleEvent::Cancelled { .. } => {
                let held = if self.state == CycleState::Open { self.year_kinds() } else { Vec::new() };
                let outcome = self.id.map(outcome_claim).map(ClaimChange::Take);
                held.into_iter().map(ClaimChange::Release).chain(outcome).collect()
            }
            AssessmentCycleEvent::Drafted { .. }
            | AssessmentCycleEvent::Revised { .. }
            | AssessmentCycleEvent::ParkAdded { .. }
            | AssessmentCycleEvent::Extended { .. }
            | AssessmentCycleEvent::FilingOpened {}
            | AssessmentCycleEvent::FilingReminderDue { .. }
            | AssessmentCycleEvent::FilingClosed { .. }
            | AssessmentCycleEvent::SupplementClosed { .. } => vec![],
        }
    }

    fn taken(scope: &str) -> Self::Error {
        if scope == OUTCOME_SCOPE {
            AssessmentCycleError::Publicized
        } else {
            AssessmentCycleError::YearTaken
        }
    }
}

impl Aggregate for AssessmentCycle {
    const TYPE: &'static str = "AssessmentCycle";
    type Command = Issued<AssessmentCycleCommand>;
    type Event = AssessmentCycleEvent;
    type Error = AssessmentCycleError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            AssessmentCycleEvent::Drafted { cycle, plan } => {
                self.id = Some(cycle);
                self.state = CycleState::Draft;
                self.plan = Some(plan);
            }
            AssessmentCycleEvent::Revised { year, title, park_kinds, scheme, calendar } => {
                if let Some(plan) = &mut self.plan {
                    plan.year = year.unwrap_or(plan.year);
                    plan.calendar = calendar.unwrap_or(plan.calendar);
                    set(&mut plan.title, title);
                    set(&mut plan.park_kinds, park_kinds);
                    set(&mut plan.scheme, scheme.map(|scheme| *scheme));
                }
            }
            AssessmentCycleEvent::Opened { scheme_version, cohort, at } => {
                self.state = CycleState::Open;
                self.scheme_version = Some(scheme_version);
                self.opened_at = Some(at);
                self.cohort =
                    cohort.into_iter().map(|joined| (joined.park, member(joined.kind, at))).collect();
            }
            AssessmentCycleEvent::ParkAdded { park, kind, at } => {
                self.cohort.insert(park, member(kind, at));
            }
            AssessmentCycleEvent::Extended { parks, until, reason, at } => {
                for park in parks {
                    if let Some(member) = self.cohort.get_mut(&park) {
                        member.extension = Some(Extension { until, reason: reason.clone(), granted_at: at });
                    }
                }
            }
            AssessmentCycleEvent::Cancelled { .. } => self.state = CycleState::Cancelled,
            AssessmentCycleEvent::FilingOpened {} => {
                self.marks.insert(Mark::FilingOpened);
            }
            AssessmentCycleEvent::FilingReminderDue { days, closes_at } => {
                self.marks.insert(Mark::FilingReminderDue { closes_at, days });
            }
            AssessmentCycleEvent::FilingClosed { closes_at } => {
                self.marks.insert(Mark::FilingClosed { closes_at });
            }
            AssessmentCycleEvent::SupplementClosed { closes_at } => {
                self.marks.insert(Mark::SupplementClosed { closes_at });
            }
        }
    }
}

fn member(kind: ParkKind, joined_at: DateTime<Utc>) -> Member {
    Member { kind, joined_at, extension: None }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

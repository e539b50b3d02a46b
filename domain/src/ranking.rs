//! The ranking of a cycle (考核排名): computed, published, republished after objections, final.
//!
//! Its stream has the cycle's own id.
//!
//! ```text
//! (none) ─compute→ Computed ─publicize→ Publicized ─finalize→ Final
//!                    ↺ compute            ↺ republish (because of an accepted objection)
//! ```
//! Always: what is published is what was computed last, from what is filed now; versions count from 1 and stay readable;
//! whoever published does not finalize; nothing is final while the publicity runs, an objection is open or an accepted
//! one is not put in; a ranking is published, or its cycle cancelled, never both ([`outcome_claim`]).
//! Deliberately not here: arithmetic ([`crate::scoring`]); why a leaf has its points is worked out again when asked for,
//! from the same inputs, whose hash is kept.

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::Issued;
use crate::aggregate::{ClaimChange, Decide, decide_into};
use crate::assessment_cycle::{CycleState, outcome_claim};
use crate::id::{AssessmentCycleId, ObjectionId, StaffId};

mod command;
mod error;
mod event;
mod standings;
pub use command::{PublicizeFacts, RankingCommand, Scored};
pub use error::RankingError;
pub use event::RankingEvent;
pub use standings::{Standing, Standings, SubmissionVersion, inputs_hash};
#[cfg(test)]
mod tests;

/// How far a ranking has come.
#[derive(
    Debug,
    Clone,
    Copy,
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
pub enum RankingStatus {
    /// Nothing was computed.
    Unpublished,
    /// Computed; only staff see it.
    Computed,
    /// 公示
    Publicized,
    /// 终稿
    Final,
}

impl RankingStatus {
    /// As stored and sent.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unpublished => "尚未公布",
            Self::Computed => "已计算",
            Self::Publicized => "公示中",
            Self::Final => "终稿",
        }
    }
}

/// Who may read a published ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Scope {
    /// The parks of the zone.
    Parks,
    /// Everybody.
    Public,
}

/// One computation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Computation {
    /// From 1.
    pub run: u32,
    /// Hash of what went in.
    pub inputs_hash: String,
    /// What came out.
    pub standings: Standings,
    /// When.
    pub at: DateTime<Utc>,
}

/// One published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// From 1.
    pub version: u32,
    /// The objection that made it; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<ObjectionId>,
    /// What it says.
    pub computation: Computation,
}

/// How a ranking is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publicity {
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when objections may be raised.
    pub until: DateTime<Utc>,
    /// When the last of them is to be answered.
    pub answers_due_at: DateTime<Utc>,
    /// For whom.
    pub scope: Scope,
    /// Who published it.
    pub by: StaffId,
}

/// The state of a ranking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranking {
    /// The cycle; nothing before its first computation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<AssessmentCycleId>,
    /// The last computation, until it is published as the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Box<Computation>>,
    /// Published versions, oldest first.
    pub versions: Vec<Version>,
    /// Nothing before it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publicity: Option<Publicity>,
    /// The end of the publicity was noted.
    pub publicity_ended: bool,
    /// Who made it final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalized_by: Option<StaffId>,
}

type Decided = Result<Vec<RankingEvent>, RankingError>;

impl Ranking {
    /// How far it has come.
    pub fn status(&self) -> RankingStatus {
        if self.finalized_by.is_some() {
            RankingStatus::Final
        } else if self.publicity.is_some() {
            RankingStatus::Publicized
        } else if self.computed.is_some() {
            RankingStatus::Computed
        } else {
            RankingStatus::Unpublished
        }
    }

    /// The version that is in force.
    pub fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// Whether objections may be raised at `at`.
    pub fn takes_objections(&self, at: DateTime<Utc>) -> bool {
        self.finalized_by.is_none() && self.publicity.as_ref().is_some_and(|p| p.from <= at && at < p.until)
    }

    fn compute(
        &self,
        cycle: AssessmentCycleId,
        state: CycleState,
        scored: &Scored,
        at: DateTime<Utc>,
    ) -> Decided {
        check_open(state)?;
        if self.publicity.is_some() {
            return Err(RankingError::AlreadyPublicized);
        }
        if scored.standings.rows.is_empty() {
            return Err(RankingError::NoParks);
        }
        let last = self.computed.as_deref();
        if last.is_some_and(|last| last.inputs_hash == scored.inputs_hash) {
            return Ok(vec![]);
        }
        Ok(vec![RankingEvent::Computed {
            cycle,
            run: last.map_or(0, |last| last.run) + 1,
            inputs_hash: scored.inputs_hash.clone(),
            submissions: scored.submissions.clone(),
            standings: scored.standings.clone(),
            at,
        }])
    }

    fn publicize(
        &self,
        facts: &PublicizeFacts,
        run: Option<u32>,
        scope: Scope,
        issued: &Issued<RankingCommand>,
    ) -> Decided {
        let by = issued.by.staff().ok_or(RankingError::NotStaff)?;
        if let Some(first) = self.versions.first() {
            let is_repeat = run.is_none_or(|run| run == first.computation.run);
            return if is_repeat { Ok(vec![]) } else { Err(RankingError::AlreadyPublicized) };
        }
        let computed = self.computed.as_deref().ok_or(RankingError::NotComputed)?;
        check_open(facts.state)?;
        let at = issued.at;
        match facts.filing_ends_at {
            Some(ends) if at >= ends => {}
            Some(ends) => return Err(RankingError::FilingOpen(ends)),
            None => return Err(RankingError::NotFound),
        }
        if run.is_some_and(|run| run != computed.run) || facts.inputs_hash != computed.inputs_hash {
            return Err(RankingError::Outdated);
        }
        let until = facts.working_days.after(at, facts.publicity_days);
        let answers_due_at = facts.working_days.after(until, facts.answer_days);
        Ok(vec![RankingEvent::Publicized {
            version: 1,
            run: computed.run,
            from: at,
            until,
            answers_due_at,
            unscheduled_years: facts.working_days.unscheduled(at, answers_due_at),
            scope,
            by,
        }])
    }

    fn republish(&self, because: ObjectionId, scored: &Scored, at: DateTime<Utc>) -> Decided {
        let current = self.current().ok_or(RankingError::NotPublicized)?;
        if self.versions.iter().any(|version| version.because == Some(because)) {
            return Ok(vec![]);
        }
        if self.finalized_by.is_some() {
            return Err(RankingError::Final);
        }
        if scored.standings.rows.is_empty() {
            return Err(RankingError::NoParks);
        }
        Ok(vec![RankingEvent::Republished {
            version: current.version + 1,
            because,
            run: current.computation.run + 1,
            inputs_hash: scored.inputs_hash.clone(),
            submissions: scored.submissions.clone(),
            standings: scored.standings.clone(),
            at,
        }])
    }

    fn end_publicity(&self, at: DateTime<Utc>) -> Decided {
        let publicity = self.publicity.as_ref().ok_or(RankingError::NotPublicized)?;
        if self.publicity_ended {
            return Ok(vec![]);
        }
        if at < publicity.until {
            Err(RankingError::NotDue)
        } else {
            Ok(vec![RankingEvent::PublicityEnded {}])
        }
    }

    fn finalize(
        &self,
        open_objections: usize,
        accepted: &[ObjectionId],
        issued: &Issued<RankingCommand>,
    ) -> Decided {
        let by = issued.by.staff().ok_or(RankingError::NotStaff)?;
        let (Some(publicity), Some(current)) = (&self.publicity, self.current()) else {
            return Err(RankingError::NotPublicized);
        };
        if self.finalized_by.is_some() {
            return Ok(vec![]);
        }
        if publicity.by == by {
            return Err(RankingError::SamePerson);
        }
        if issued.at < publicity.until {
            return Err(RankingError::PublicityRunning(publicity.until));
        }
        if open_objections > 0 {
            return Err(RankingError::ObjectionsOpen(open_objections));
        }
        let is_put_in =
            |objection: &ObjectionId| self.versions.iter().any(|version| version.because == Some(*objection));
        if !accepted.iter().all(is_put_in) {
            return Err(RankingError::RepublicationPending);
        }
        Ok(vec![RankingEvent::Finalized { version: current.version, by, at: issued.at }])
    }
}

/// Only an open cycle is ranked.
fn check_open(state: CycleState) -> Result<(), RankingError> {
    match state {
        CycleState::None | CycleState::Draft => Err(RankingError::NotFound),
        CycleState::Open => Ok(()),
        CycleState::Cancelled => Err(RankingError::CycleCancelled),
    }
}

impl Decide for Ranking {
    type Intent = RankingCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            RankingCommand::Compute { cycle, state, scored } => {
                self.compute(*cycle, *state, scored, issued.at)
            }
            RankingCommand::Publicize { facts, run, scope } => self.publicize(facts, *run, *scope, issued),
            RankingCommand::Republish { because, scored } => self.republish(*because, scored, issued.at),
            RankingCommand::EndPublicity => self.end_publicity(issued.at),
            RankingCommand::Finalize { open_objections, accepted } => {
                self.finalize(*open_objections, accepted, issued)
            }
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        match event {
            RankingEvent::Publicized { .. } => {
                self.cycle.map(outcome_claim).map(ClaimChange::Take).into_iter().collect()
            }
            RankingEvent::Computed { .. }
            | RankingEvent::Republished { .. }
            | RankingEvent::PublicityEnded {}
            | RankingEvent::Finalized { .. } => vec![],
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        RankingError::CycleCancelled
    }
}

impl Aggregate for Ranking {
    const TYPE: &'static str = "Ranking";
    type Command = Issued<RankingCommand>;
    type Event = RankingEvent;
    type Error = RankingError;
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
            RankingEvent::Computed { cycle, run, inputs_hash, standings, at, .. } => {
                self.cycle = Some(cycle);
                self.computed = Some(Box::new(Computation { run, inputs_hash, standings, at }));
            }
            RankingEvent::Publicized { version, from, until, answers_due_at, scope, by, .. } => {
                self.publicity = Some(Publicity { from, until, answers_due_at, scope, by });
                if let Some(computation) = self.computed.take() {
                    self.versions.push(Version { version, because: None, computation: *computation });
                }
            }
            RankingEvent::Republished { version, because, run, inputs_hash, standings, at, .. } => {
                let computation = Computation { run, inputs_hash, standings, at };
                self.versions.push(Version { version, because: Some(because), computation });
            }
            RankingEvent::PublicityEnded {} => self.publicity_ended = true,
            RankingEvent::Finalized { by, .. } => self.finalized_by = Some(by),
        }
    }
}

//! What a park files, and how staff judge it: each command carries what it must know of the cycle and of the park.
//!
//! Beside its own stream a command of staff loads the cycle and its ranking, one of a member the park as well; filing looks
//! up last year's cycle, and loads what was filed in it if there was one.

use std::collections::{BTreeMap, BTreeSet};

use domain::actor::Actor;
use domain::assessment_cycle::{AssessmentCycle, year_kind_claim};
use domain::assessment_scheme::Value;
use domain::assessment_submission::{
    AssessmentSubmission, AssessmentSubmissionCommand, AssessmentSubmissionError, CycleFacts, DraftInput,
    ParkFacts, SubmissionAct, submission_of,
};
use domain::id::{AssessmentCycleId, FileId, ParkId};

use crate::execute::{App, ExecuteError, Refused};

/// What a member of a park wants to do with its filing.
#[derive(Debug, Clone)]
pub enum Wish {
    /// Save values without filing them.
    SaveDrafts(Vec<DraftInput>),
    /// 填报; all drafted items that can be filed when absent.
    Submit(Option<Vec<String>>),
    /// 补填
    Supplement {
        /// Which items.
        codes: Vec<String>,
        /// Why.
        reason: String,
    },
}

/// Whose submission a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// The park.
    pub park: ParkId,
}

/// The command of a member of a park. `files` are those the wish names that are there and theirs to use.
pub async fn by_member(
    app: &App,
    by: &Actor,
    whose: Whose,
    wish: Wish,
    files: BTreeSet<FileId>,
) -> Result<AssessmentSubmissionCommand, ExecuteError> {
    let (cycle, facts) = facts(app, whose).await?;
    let standing = super::standing(app, whose.park, by).await?;
    let previous = match &wish {
        Wish::SaveDrafts(_) => BTreeMap::new(),
        Wish::Submit(_) | Wish::Supplement { .. } => previous(app, &cycle, whose.park).await?,
    };
    let park =
        ParkFacts { is_member: standing.is_member, is_suspended: standing.is_suspended, files, previous };
    let act = match wish {
        Wish::SaveDrafts(drafts) => SubmissionAct::SaveDrafts { park, drafts },
        Wish::Submit(codes) => SubmissionAct::Submit { park, codes },
        Wish::Supplement { codes, reason } => SubmissionAct::Supplement { park, codes, reason },
    };
    Ok(AssessmentSubmissionCommand { cycle: facts, act })
}

/// The command of a member of staff.
pub async fn by_staff(
    app: &App,
    whose: Whose,
    act: SubmissionAct,
) -> Result<AssessmentSubmissionCommand, ExecuteError> {
    Ok(AssessmentSubmissionCommand { cycle: facts(app, whose).await?.1, act })
}

pub(super) async fn facts(app: &App, whose: Whose) -> Result<(AssessmentCycle, CycleFacts), ExecuteError> {
    let missing = || ExecuteError::from(Refused::from(AssessmentSubmissionError::NotFound));
    let cycle = super::cycle(app, whose.cycle)
        .await
        .map_err(|error| if matches!(error, ExecuteError::Refused(_)) { missing() } else { error })?;
    let publicized = super::is_publicized(app, whose.cycle).await?;
    let facts = CycleFacts::of(&cycle, whose.park, publicized).ok_or_else(missing)?;
    Ok((cycle, facts))
}

/// What counted for the park the year before, by code; empty when there was no cycle of its kind.
async fn previous(
    app: &App,
    cycle: &AssessmentCycle,
    park: ParkId,
) -> Result<BTreeMap<String, Value>, ExecuteError> {
    let (Some(plan), Some(member)) = (&cycle.plan, cycle.cohort.get(&park)) else {
        return Ok(BTreeMap::new());
    };
    let holder = app.store.holder(&year_kind_claim(plan.year - 1, member.kind)).await?;
    let Some(before) = holder.and_then(|id| id.parse().ok()).map(AssessmentCycleId) else {
        return Ok(BTreeMap::new());
    };
    let submission = app.load::<AssessmentSubmission>(submission_of(before, park).0).await?.state;
    Ok(submission
        .items
        .into_iter()
        .filter_map(|(code, item)| Some((code, item.counting_value()?.0.clone())))
        .collect())
}

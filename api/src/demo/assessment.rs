//! The sample scheme with its four parks, from the opening of filing to the published ranking: the numbers of the golden
//! test (domain.md §5).

use std::collections::BTreeSet;

use application::assessment::filing::{self, Whose, Wish};
use application::assessment::ranking;
use application::processes::deadlines;
use chrono::TimeDelta;
use domain::actor::Actor;
use domain::assessment_cycle::{
    AssessmentCycle, AssessmentCycleCommand, Calendar, CohortPark, Plan, year_kind_claim,
};
use domain::assessment_scheme::{Scheme, sample};
use domain::assessment_submission::{AssessmentSubmission, DraftInput, SubmissionAct, submission_of};
use domain::id::{AssessmentCycleId, FileId};
use domain::park::ParkKind;
use domain::ranking::{Ranking, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DemoPark, Story};
use crate::state::AppState;

/// The year that the sample scheme assesses.
const YEAR: i32 = 2025;
/// Filing opened so long ago that the ranking was published yesterday.
const OPENED: TimeDelta = TimeDelta::days(30);
/// Why the late items were late.
const REASON: &str = "数据统计口径需要与海关核对，补报";

/// The cycle whose ranking the demo published, if it is there.
pub(crate) async fn ranked_cycle(state: &AppState) -> anyhow::Result<Option<Uuid>> {
    let holder = state.app.store.holder(&year_kind_claim(YEAR, ParkKind::Park)).await?;
    Ok(holder.and_then(|id| id.parse().ok()))
}

impl Story<'_> {
    /// Days after filing opened; the clock notes what fell due until then.
    async fn day(&self, cycle: AssessmentCycleId, days: i64) -> anyhow::Result<()> {
        self.clock.set(self.now - OPENED + TimeDelta::days(days));
        deadlines::cycle(&self.app, cycle.0).await?;
        Ok(())
    }

    /// Everything until the ranking is published.
    pub(super) async fn assessed(
        &self,
        parks: &[DemoPark],
        officer: &Actor,
        experts: &[Actor],
    ) -> anyhow::Result<()> {
        let scheme = sample::scheme();
        let cycle = self.open(parks, officer, &scheme).await?;
        self.day(cycle, 0).await?;
        self.day(cycle, 2).await?;
        for park in parks {
            self.file(cycle, park, &scheme).await?;
        }
        for reminder in [13, 17, 19, 20] {
            self.day(cycle, reminder).await?;
        }
        self.day(cycle, 21).await?;
        for park in parks.iter().filter(|park| !park.sample.supplements.is_empty()) {
            let codes = park.sample.supplements.clone();
            self.member(cycle, park, Wish::Supplement { codes, reason: REASON.to_owned() }, &[]).await?;
        }
        self.day(cycle, 28).await?;
        for park in parks {
            self.judge(cycle, park, officer, experts, &scheme).await?;
        }
        self.day(cycle, 29).await?;
        let compute = ranking::compute(&self.app, cycle).await?;
        self.execute::<Ranking>(cycle.0, officer, compute).await?;
        let publicize = ranking::publicize(&self.app, cycle, None, Scope::Public).await?;
        self.execute::<Ranking>(cycle.0, officer, publicize).await?;
        Ok(())
    }

    async fn open(
        &self,
        parks: &[DemoPark],
        officer: &Actor,
        scheme: &Scheme,
    ) -> anyhow::Result<AssessmentCycleId> {
        let opens_at = self.now - OPENED;
        self.clock.set(opens_at - TimeDelta::days(1));
        let cycle = AssessmentCycleId(self.app.clock.new_id());
        let plan = Plan {
            year: YEAR,
            title: format!("{YEAR}年度{}园区（基地）考核", self.state.config.zone.name),
            park_kinds: [ParkKind::Park, ParkKind::Base].into(),
            scheme: scheme.clone(),
            calendar: Calendar {
                filing_opens_at: opens_at,
                filing_closes_at: opens_at + TimeDelta::days(20),
                supplement_closes_at: opens_at + TimeDelta::days(27),
                publicity_days: 5,
                answer_days: 5,
            },
        };
        let draft = AssessmentCycleCommand::Draft { cycle, plan: Box::new(plan) };
        self.execute::<AssessmentCycle>(cycle.0, officer, draft).await?;
        let cohort = parks.iter().map(|park| CohortPark { park: park.id, kind: park.kind }).collect();
        let open = AssessmentCycleCommand::Open { cohort };
        self.execute::<AssessmentCycle>(cycle.0, officer, open).await?;
        Ok(cycle)
    }

    /// Saves all that a park files itself, and files what is in time.
    async fn file(&self, cycle: AssessmentCycleId, park: &DemoPark, scheme: &Scheme) -> anyhow::Result<()> {
        let file = self.evidence(park).await?;
        let (mut drafts, mut in_time) = (Vec::new(), Vec::new());
        for item in scheme.items().filter(|item| item.is_filed()) {
            let value = match park.sample.values.get(&item.code) {
                Some(value) => value.clone(),
                None if item.rule.is_marked() => json!([file]),
                None => continue,
            };
            let attachments = if item.evidence.is_none() { Vec::new() } else { vec![file] };
            drafts.push(DraftInput { pointer: String::new(), code: item.code.clone(), value, attachments });
            if !park.sample.supplements.contains(&item.code) {
                in_time.push(item.code.clone());
            }
        }
        self.member(cycle, park, Wish::SaveDrafts(drafts), &[file]).await?;
        self.member(cycle, park, Wish::Submit(Some(in_time)), &[]).await
    }

    async fn member(
        &self,
        cycle: AssessmentCycleId,
        park: &DemoPark,
        wish: Wish,
        files: &[FileId],
    ) -> anyhow::Result<()> {
        let whose = Whose { cycle, park: park.id };
        let files: BTreeSet<FileId> = files.iter().copied().collect();
        let command = filing::by_member(&self.app, &park.member(), whose, wish, files).await?;
        self.execute::<AssessmentSubmission>(submission_of(cycle, park.id).0, &park.member(), command)
            .await?;
        Ok(())
    }

    /// Adopts every value as it is, and has the experts mark what is marked.
    async fn judge(
        &self,
        cycle: AssessmentCycleId,
        park: &DemoPark,
        officer: &Actor,
        experts: &[Actor],
        scheme: &Scheme,
    ) -> anyhow::Result<()> {
        let verified = |code: &str| scheme.item(code).is_some_and(|item| !item.rule.is_marked());
        for (code, value) in park.sample.values.iter().filter(|(code, _)| verified(code)) {
            let adopted: Value = value.clone();
            let act = SubmissionAct::Verify { code: code.clone(), adopted, reason: None };
            self.staff(cycle, park, officer, act).await?;
        }
        for (code, marks) in &park.sample.marks {
            for (expert, mark) in experts.iter().zip(marks) {
                let act = SubmissionAct::Score { code: code.clone(), score: mark.to_string(), comment: None };
                self.staff(cycle, park, expert, act).await?;
            }
        }
        Ok(())
    }

    async fn staff(
        &self,
        cycle: AssessmentCycleId,
        park: &DemoPark,
        by: &Actor,
        act: SubmissionAct,
    ) -> anyhow::Result<()> {
        let command = filing::by_staff(&self.app, Whose { cycle, park: park.id }, act).await?;
        self.execute::<AssessmentSubmission>(submission_of(cycle, park.id).0, by, command).await?;
        Ok(())
    }
}

//! An assessment from its plan to an accepted objection, for the read models that show it.

use std::collections::BTreeSet;

use application::assessment::filing::{self, Whose, Wish};
use application::assessment::{objections, ranking};
use chrono::TimeDelta;
use domain::actor::{Actor, Role};
use domain::assessment_cycle::{AssessmentCycle, AssessmentCycleCommand, Calendar, CohortPark, Plan};
use domain::assessment_scheme::sample;
use domain::assessment_submission::{AssessmentSubmission, DraftInput, SubmissionAct, submission_of};
use domain::id::{AssessmentCycleId, ParkId};
use domain::objection::{AdjustmentInput, Category, NewObjection, Objection, Target};
use domain::park::ParkKind;
use domain::ranking::{Ranking, Scope};
use domain::working_calendar::{WorkingCalendar, WorkingCalendarCommand, calendar_of};
use serde_json::json;

use super::{ReadSide, staff};

/// Everything of one cycle in which `park` takes part alone.
pub async fn assessed(side: &ReadSide, park: ParkId, owner: &Actor) {
    let (officer, another) = (staff(21, Role::Assessor), staff(22, Role::Assessor));
    let account = owner.account().unwrap();
    let member = Actor::Person { account, parks: vec![park] };
    let command = WorkingCalendarCommand::Set {
        year: 2027,
        days_off: vec!["2027-10-01".parse().unwrap()],
        working_days: Vec::new(),
        document: None,
    };
    side.order::<WorkingCalendar>(calendar_of(2027).0, &officer, command).await;
    let cycle = opened(side, park, &officer).await;
    let (whose, id) = (Whose { cycle, park }, submission_of(cycle, park).0);
    let draft = DraftInput {
        pointer: String::new(),
        code: "A1".to_owned(),
        value: json!("36"),
        attachments: Vec::new(),
    };
    for wish in [Wish::SaveDrafts(vec![draft]), Wish::Submit(None)] {
        let command = filing::by_member(&side.app, &member, whose, wish, BTreeSet::new()).await.unwrap();
        side.order::<AssessmentSubmission>(id, &member, command).await;
    }
    side.clock.advance(TimeDelta::days(40));
    let act = SubmissionAct::Verify { code: "A1".to_owned(), adopted: json!("36"), reason: None };
    let command = filing::by_staff(&side.app, whose, act).await.unwrap();
    side.order::<AssessmentSubmission>(id, &officer, command).await;
    let command = ranking::compute(&side.app, cycle).await.unwrap();
    side.order::<Ranking>(cycle.0, &officer, command).await;
    let command = ranking::publicize(&side.app, cycle, None, Scope::Public).await.unwrap();
    side.order::<Ranking>(cycle.0, &officer, command).await;
    let new = NewObjection {
        cycle,
        park,
        target: Target::Item { code: "A1".to_owned() },
        category: Category::Data,
        reason: "入驻企业数与名录不一致".to_owned(),
        expectation: None,
        attachments: Vec::new(),
    };
    let objection = side.app.clock.new_id();
    let command = objections::raise(&side.app, &member, new, BTreeSet::new()).await.unwrap();
    side.order::<Objection>(objection, &member, command).await;
    let change = AdjustmentInput { park, code: "A1".to_owned(), adopted: json!("38") };
    let answer = "核对名录后予以更正".to_owned();
    let command = objections::accept(&side.app, objection, answer, vec![change]).await.unwrap();
    side.order::<Objection>(objection, &another, command).await;
    side.settle().await;
}

async fn opened(side: &ReadSide, park: ParkId, officer: &Actor) -> AssessmentCycleId {
    let cycle = AssessmentCycleId(side.app.clock.new_id());
    let opens_at = side.now() - TimeDelta::days(1);
    let plan = Plan {
        year: 2026,
        title: "示例考核".to_owned(),
        park_kinds: [ParkKind::Park].into(),
        scheme: sample::scheme(),
        calendar: Calendar {
            filing_opens_at: opens_at,
            filing_closes_at: opens_at + TimeDelta::days(20),
            supplement_closes_at: opens_at + TimeDelta::days(27),
            publicity_days: 5,
            answer_days: 5,
        },
    };
    let draft = AssessmentCycleCommand::Draft { cycle, plan: Box::new(plan) };
    side.order::<AssessmentCycle>(cycle.0, officer, draft).await;
    let cohort = vec![CohortPark { park, kind: ParkKind::Park }];
    side.order::<AssessmentCycle>(cycle.0, officer, AssessmentCycleCommand::Open { cohort }).await;
    cycle
}

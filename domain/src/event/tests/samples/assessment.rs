//! One event of every kind of the assessment.

use std::collections::{BTreeMap, BTreeSet};

use super::{Sample, full};
use crate::assessment_cycle::{AssessmentCycleEvent, scheme_version};
use crate::assessment_scheme::{Rule, Value, sample};
use crate::assessment_submission::{
    Adjusted, AdjustedItem, AssessmentSubmissionEvent, DraftedItem, FiledItem, FilingKind, Swing,
};
use crate::event::Event;
use crate::id::{FileId, ObjectionId};
use crate::objection::{Adjustment, Category, ObjectionEvent, Raised, Target};
use crate::park::ParkKind;
use crate::ranking::{RankingEvent, Scope, Standing, Standings, SubmissionVersion};
use crate::stories::assessment::{CLOSES, ENDS, cohort, cycle, park, plan, scheme};
use crate::stories::{account, at, staff_id, uuid};
use crate::working_calendar::{Schedule, WorkingCalendarEvent};

/// All samples of the assessment.
pub fn events() -> Vec<Sample> {
    let mut all = calendar_events();
    all.extend(cycle_events());
    all.extend(submission_events());
    all.extend(ranking_events());
    all.extend(objection_events());
    all
}

fn calendar_events() -> Vec<Sample> {
    let day = |text: &str| text.parse().unwrap();
    let set = |document| {
        Event::WorkingCalendar(WorkingCalendarEvent::Set {
            year: 2026,
            schedule: Schedule {
                days_off: BTreeSet::from([day("2026-10-01"), day("2026-10-02")]),
                working_days: BTreeSet::from([day("2026-10-10")]),
            },
            document,
        })
    };
    vec![full(set(Some("国办发明电〔2025〕7号".to_owned()))), Sample { name: "minimal", event: set(None) }]
}

fn cycle_events() -> Vec<Sample> {
    let drafted = |name, plan| Sample {
        name,
        event: Event::AssessmentCycle(AssessmentCycleEvent::Drafted { cycle: cycle(), plan: Box::new(plan) }),
    };
    // The scheme newcomers see, with what it does without.
    let mut most = plan();
    most.scheme = sample::scheme();
    let items = &mut most.scheme.dimensions[0].items;
    items[0].upper_bound = Some("1000".parse().unwrap());
    items[1].rule = Rule::ChoicePoints { points: BTreeMap::from([("a".to_owned(), "2.5".parse().unwrap())]) };
    // The least a scheme can say: one item, and nothing that may be left out.
    let mut least = plan();
    least.scheme.dimensions.truncate(1);
    least.scheme.dimensions[0].items.drain(..1);
    let reason = "数据接口故障，延长填报".to_owned();
    let events = [
        AssessmentCycleEvent::Revised {
            year: Some(2026),
            title: Some("2026年考核".to_owned()),
            park_kinds: Some(BTreeSet::from([ParkKind::Base])),
            scheme: Some(Box::new(plan().scheme)),
            calendar: Some(plan().calendar),
        },
        AssessmentCycleEvent::Opened {
            scheme_version: scheme_version(&scheme()),
            cohort: cohort(),
            at: at(0),
        },
        AssessmentCycleEvent::ParkAdded { park: park(4), kind: ParkKind::Park, at: at(1) },
        AssessmentCycleEvent::Extended {
            parks: vec![park(1), park(2)],
            until: at(ENDS),
            reason: reason.clone(),
            at: at(2),
        },
        AssessmentCycleEvent::Cancelled { reason },
        AssessmentCycleEvent::FilingOpened {},
        AssessmentCycleEvent::FilingReminderDue { days: 3, closes_at: at(CLOSES) },
        AssessmentCycleEvent::FilingClosed { closes_at: at(CLOSES) },
        AssessmentCycleEvent::SupplementClosed { closes_at: at(ENDS) },
    ];
    let nothing = AssessmentCycleEvent::Revised {
        year: None,
        title: None,
        park_kinds: None,
        scheme: None,
        calendar: None,
    };
    [drafted("full", most), drafted("minimal", least)]
        .into_iter()
        .chain(events.map(|event| full(Event::AssessmentCycle(event))))
        .chain([Sample { name: "minimal", event: Event::AssessmentCycle(nothing) }])
        .collect()
}

fn filed(
    name: &'static str,
    reason: Option<String>,
    item: FiledItem,
) -> (&'static str, AssessmentSubmissionEvent) {
    let kind = if reason.is_some() { FilingKind::Supplementary } else { FilingKind::Initial };
    let late = reason.is_some();
    let filed =
        AssessmentSubmissionEvent::Filed { kind, late, reason, items: vec![item], by: account(1), at: at(3) };
    (name, filed)
}

fn submission_events() -> Vec<Sample> {
    let (code, by, at) = (|| "B1".to_owned(), staff_id(1), at(4));
    let value = || Value::Plain("86250.40".to_owned());
    let files = || vec![FileId(uuid(0x701))];
    let reason = || "与海关数据不一致".to_owned();
    let drafted = |attachments| AssessmentSubmissionEvent::Drafted {
        items: vec![DraftedItem { code: code(), value: value(), attachments }],
        by: account(1),
    };
    let item = |attachments, unchanged, swing| FiledItem {
        code: code(),
        revision: 2,
        value: value(),
        attachments,
        unchanged,
        swing,
    };
    let swing = Swing { previous: "38000.00".parse().unwrap(), percent: "126.97".parse().unwrap() };
    let verified =
        |reason| AssessmentSubmissionEvent::ItemVerified { code: code(), value: value(), reason, by, at };
    let scored = |comment| AssessmentSubmissionEvent::ItemScored {
        code: "C4".to_owned(),
        score: "4.5".parse().unwrap(),
        comment,
        expert: true,
        by,
        at,
    };
    let adjusted = AssessmentSubmissionEvent::ItemsAdjusted {
        objection: ObjectionId(uuid(0x901)),
        items: vec![
            AdjustedItem { code: code(), to: Adjusted::Value(value()) },
            AdjustedItem { code: "C4".to_owned(), to: Adjusted::Score("4.5".parse().unwrap()) },
        ],
        by,
        at,
    };
    let events = [
        ("full", AssessmentSubmissionEvent::Begun { cycle: cycle(), park: park(1) }),
        ("full", drafted(files())),
        ("minimal", drafted(vec![])),
        filed("full", Some("财务系统升级，当时无法取数".to_owned()), item(files(), true, Some(swing))),
        filed("minimal", None, item(vec![], false, None)),
        ("full", AssessmentSubmissionEvent::ItemClaimed { code: code(), by, since: at }),
        ("full", AssessmentSubmissionEvent::ItemReleased { code: code() }),
        ("full", verified(Some(reason()))),
        ("minimal", verified(None)),
        ("full", scored(Some("材料完整".to_owned()))),
        ("minimal", scored(None)),
        ("full", AssessmentSubmissionEvent::ItemRecused { code: "C4".to_owned(), reason: reason(), by }),
        (
            "full",
            AssessmentSubmissionEvent::ItemReturned { code: code(), revision: 1, reason: reason(), by, at },
        ),
        ("full", AssessmentSubmissionEvent::ItemsOverdue { codes: vec![code(), "M1".to_owned()] }),
        ("full", adjusted),
        ("full", AssessmentSubmissionEvent::Locked {}),
    ];
    events
        .into_iter()
        .map(|(name, event)| Sample { name, event: Event::AssessmentSubmission(event) })
        .collect()
}

fn ranking_events() -> Vec<Sample> {
    let points = |text: &str| text.parse().unwrap();
    let standings = |rank: Option<u32>, excluded: Vec<String>| Standings {
        dimensions: vec!["A".to_owned()],
        items: vec!["A1".to_owned(), "A2".to_owned()],
        rows: vec![Standing {
            park: park(1),
            rank,
            total: points("39.00"),
            base: points("40.00"),
            bonus: points("0.00"),
            deduction: points("1.00"),
            supplement_deduction: points("1.00"),
            supplements: 1,
            vetoed: !excluded.is_empty(),
            grade: "尚在起步".to_owned(),
            dimension_points: vec![points("40.00")],
            item_points: vec![points("30.00"), points("10.00")],
            excluded,
        }],
    };
    let all = || standings(Some(1), vec!["A2".to_owned()]);
    let few = || standings(None, vec![]);
    let submissions = || vec![SubmissionVersion { park: park(1), version: 12 }];
    let computed = |standings| RankingEvent::Computed {
        cycle: cycle(),
        run: 1,
        inputs_hash: "0".repeat(64),
        submissions: submissions(),
        standings,
        at: at(5),
    };
    let republished = |standings| RankingEvent::Republished {
        version: 2,
        because: ObjectionId(uuid(0x901)),
        run: 2,
        inputs_hash: "1".repeat(64),
        submissions: submissions(),
        standings,
        at: at(7),
    };
    let publicized = |unscheduled_years| RankingEvent::Publicized {
        version: 1,
        run: 1,
        from: at(6),
        until: at(ENDS),
        answers_due_at: at(ENDS),
        unscheduled_years,
        scope: Scope::Parks,
        by: staff_id(1),
    };
    let events = [
        ("full", computed(all())),
        ("minimal", computed(few())),
        ("full", publicized(vec![2027])),
        ("minimal", publicized(vec![])),
        ("full", republished(all())),
        ("minimal", republished(few())),
        ("full", RankingEvent::PublicityEnded {}),
        ("full", RankingEvent::Finalized { version: 2, by: staff_id(2), at: at(8) }),
    ];
    events.into_iter().map(|(name, event)| Sample { name, event: Event::Ranking(event) }).collect()
}

fn objection_events() -> Vec<Sample> {
    let raised = |target, expectation, attachments| {
        ObjectionEvent::Raised(Box::new(Raised {
            cycle: cycle(),
            park: park(1),
            version: 1,
            target,
            category: Category::Data,
            reason: "海关统计口径与我方不同，请复核".to_owned(),
            expectation,
            attachments,
            by: account(1),
            at: at(6),
            due_at: at(ENDS),
        }))
    };
    let item = Target::Item { code: "B1".to_owned() };
    let (by, since) = (staff_id(2), at(7));
    let adjustments = vec![Adjustment {
        park: park(1),
        code: "B1".to_owned(),
        to: Adjusted::Value(Value::Plain("86250.40".to_owned())),
    }];
    let (accepted, rejected) = ("经复核，予以调整".to_owned(), "经复核，数据无误".to_owned());
    let events = [
        ("full", raised(item, Some("按 86250.40 万元计".to_owned()), vec![FileId(uuid(0x701))])),
        ("minimal", raised(Target::Total, None, vec![])),
        ("full", ObjectionEvent::Withdrawn {}),
        ("full", ObjectionEvent::Claimed { by, since }),
        ("full", ObjectionEvent::Released {}),
        ("full", ObjectionEvent::Accepted { answer: accepted, adjustments, by, at: since }),
        ("full", ObjectionEvent::Rejected { answer: rejected, by, at: since }),
        ("full", ObjectionEvent::Overdue {}),
    ];
    events.into_iter().map(|(name, event)| Sample { name, event: Event::Objection(event) }).collect()
}

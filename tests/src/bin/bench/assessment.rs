//! One computation of a ranking, for few parks and for many: the sample scheme three times over, 63 items.
//!
//! What parks filed, and what staff adopted and marked, is appended beforehand, an event for each adopted value and each
//! mark as in a real year. Measured is what `POST …/compute` does: all histories read and folded, scored, and the
//! standings stored.
//! Deliberately not here: HTTP, and the read models that follow.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use application::App;
use application::assessment::ranking;
use application::execute::Order;
use application::fold::stream;
use application::ports::{Append, Clock, NewEvent};
use cqrs_es::DomainEvent;
use domain::actor::{Actor, Role};
use domain::aggregate::Decide;
use domain::assessment_cycle::{
    AssessmentCycle, AssessmentCycleEvent, Calendar, CohortPark, Plan, scheme_version,
};
use domain::assessment_scheme::{Scheme, sample};
use domain::assessment_submission::{
    AssessmentSubmission, AssessmentSubmissionEvent, FiledItem, FilingKind, submission_of,
};
use domain::id::{AccountId, AssessmentCycleId, ParkId, StaffId};
use domain::park::ParkKind;
use domain::ranking::Ranking;
use domain::refusal::Refusal;
use infrastructure::clock::SystemClock;
use uuid::Uuid;

use crate::load;

/// How many parks each cycle has.
pub const COHORTS: [usize; 2] = [50, 500];
/// The scheme has the sample's items so many times.
const COPIES: usize = 3;

/// What a computation took.
#[derive(Debug, Clone, Copy)]
pub struct Computed {
    /// How many parks were ranked.
    pub parks: usize,
    /// Of the scheme.
    pub items: usize,
    /// How many events were read.
    pub events: usize,
    /// From the order to its answer.
    pub took: Duration,
    /// How far the process grew meanwhile at its highest, in bytes; none where the system does not tell.
    pub grown_bytes: Option<u64>,
}

/// Makes a cycle of so many parks, all filed and judged, and computes its ranking.
pub async fn compute(app: &App, parks: usize) -> anyhow::Result<Computed> {
    let cycle = AssessmentCycleId(SystemClock.new_id());
    let scheme = scheme();
    let cohort: Vec<ParkId> = (0..parks).map(|_| ParkId(SystemClock.new_id())).collect();
    append::<AssessmentCycle>(app, cycle.0, &opened(cycle, &scheme, &cohort)).await?;
    let kinds = sample::parks();
    let mut events = 0;
    for (park, of) in cohort.iter().zip(kinds.iter().cycle()) {
        let history = judged(cycle, *park, of, &scheme)?;
        events += history.len();
        append::<AssessmentSubmission>(app, submission_of(cycle, *park).0, &history).await?;
    }
    let officer =
        Actor::Staff { staff: StaffId(SystemClock.new_id()), roles: [Role::Assessor].into_iter().collect() };
    let before = resident_bytes("VmRSS");
    forget_peak();
    let began = Instant::now();
    let command = ranking::compute(app, cycle).await?;
    app.execute::<Ranking>(Order::new(cycle.0, officer, command, load::context(&SystemClock))).await?;
    let took = began.elapsed();
    let grown_bytes = resident_bytes("VmHWM").zip(before).map(|(peak, before)| peak.saturating_sub(before));
    Ok(Computed { parks, items: scheme.items().count(), events, took, grown_bytes })
}

/// The sample's dimensions three times, each time with codes of their own.
fn scheme() -> Scheme {
    let mut scheme = sample::scheme();
    let dimensions = scheme.dimensions.clone();
    for copy in 1..COPIES {
        scheme.dimensions.extend(dimensions.iter().cloned().map(|mut dimension| {
            dimension.code = copied(&dimension.code, copy);
            for item in &mut dimension.items {
                item.code = copied(&item.code, copy);
            }
            dimension
        }));
    }
    scheme
}

fn copied(code: &str, copy: usize) -> String {
    if copy == 0 { code.to_owned() } else { format!("{code}-{copy}") }
}

fn opened(cycle: AssessmentCycleId, scheme: &Scheme, cohort: &[ParkId]) -> Vec<AssessmentCycleEvent> {
    let now = SystemClock.now();
    let calendar = Calendar {
        filing_opens_at: now - chrono::TimeDelta::days(30),
        filing_closes_at: now - chrono::TimeDelta::days(10),
        supplement_closes_at: now - chrono::TimeDelta::days(3),
        publicity_days: 7,
        answer_days: 5,
    };
    let plan = Plan {
        year: 2025,
        title: "2025年度考核".to_owned(),
        park_kinds: [ParkKind::Park, ParkKind::Base].into_iter().collect(),
        scheme: scheme.clone(),
        calendar,
    };
    let parks = cohort.iter().map(|park| CohortPark { park: *park, kind: ParkKind::Park }).collect();
    let version = scheme_version(scheme);
    vec![
        AssessmentCycleEvent::Drafted { cycle, plan: Box::new(plan) },
        AssessmentCycleEvent::Opened { scheme_version: version, cohort: parks, at: calendar.filing_opens_at },
    ]
}

/// All that happened to what a park filed.
fn judged(
    cycle: AssessmentCycleId,
    park: ParkId,
    of: &sample::SamplePark,
    scheme: &Scheme,
) -> anyhow::Result<Vec<AssessmentSubmissionEvent>> {
    let (by, at) = (StaffId(SystemClock.new_id()), SystemClock.now());
    let (mut items, mut after) = (Vec::new(), Vec::new());
    for copy in 0..COPIES {
        for (code, raw) in &of.values {
            let code = copied(code, copy);
            let item = scheme.item(&code).context("an item of the sample")?;
            let value = item.parse(raw).map_err(|error| anyhow::anyhow!("{code}: {error:?}"))?;
            if !item.rule.is_marked() {
                let (code, value) = (code.clone(), value.clone());
                after.push(AssessmentSubmissionEvent::ItemVerified { code, value, reason: None, by, at });
            }
            items.push(FiledItem {
                code,
                revision: 1,
                value,
                attachments: Vec::new(),
                unchanged: false,
                swing: None,
            });
        }
        for (code, marks) in &of.marks {
            after.extend(marks.iter().map(|mark| AssessmentSubmissionEvent::ItemScored {
                code: copied(code, copy),
                score: *mark,
                comment: None,
                expert: true,
                by: StaffId(SystemClock.new_id()),
                at,
            }));
        }
    }
    let filed = AssessmentSubmissionEvent::Filed {
        kind: FilingKind::Initial,
        late: false,
        reason: None,
        items,
        by: AccountId(SystemClock.new_id()),
        at,
    };
    Ok([AssessmentSubmissionEvent::Begun { cycle, park }, filed].into_iter().chain(after).collect())
}

async fn append<A: Decide>(app: &App, id: Uuid, events: &[A::Event]) -> anyhow::Result<()>
where
    A::Error: Refusal,
{
    let new_event = |event: &A::Event| {
        Ok(NewEvent {
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: serde_json::to_value(event)?,
        })
    };
    let append = Append {
        stream: stream::<A>(id),
        expected: 0,
        events: events.iter().map(new_event).collect::<anyhow::Result<_>>()?,
        claims: vec![],
        idempotency: None,
        metadata: [("zone".to_owned(), load::ZONE.to_owned())].into_iter().collect(),
        recorded_at: SystemClock.now(),
    };
    app.store.append(append).await?;
    Ok(())
}

/// Linux tells both in `/proc/self/status`, in kB.
fn resident_bytes(which: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(which))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Lets the peak begin at what is held now. Where that is not allowed the peak is that of the whole run, and the figure
/// too high.
fn forget_peak() {
    if let Err(error) = fs::write("/proc/self/clear_refs", "5") {
        eprintln!("bench: the peak of memory counts from the start of the run: {error}");
    }
}
